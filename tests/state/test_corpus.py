"""States as every version left them, killed in mid-apply, with odd names: see corpus/README.md."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconcile.config.load import load as load_files
from reconcile.model.journal import Missed
from reconcile.planning.plan import plan
from reconcile.render.records import records_json
from reconcile.state.backend import load
from reconcile.state.mend import history, verify
from tests.state.acts import open_at

CORPUS = sorted(path for path in (Path(__file__).parent / "corpus").iterdir() if path.is_dir())
HEADS = {
    "format-1": (1, 1),
    "format-2": (2, 1),
    "format-3": (3, 2),
    "format-3-entries": (3, 2),
    "format-4": (4, 3),
}
NOW = datetime(2026, 11, 29, 18, 30, tzinfo=UTC)


@pytest.fixture(params=CORPUS, ids=lambda path: path.name)
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(request.param, tmp_path / request.param.name))


def tells(now: Any, then: Any) -> bool:
    """Tell whether everything that was said then is said now, of new keys whatever."""
    if isinstance(then, dict):
        return isinstance(now, dict) and all(
            key in now and tells(now[key], then[key]) for key in then
        )
    if isinstance(then, list):
        return len(now) == len(then) and all(map(tells, now, then))
    return bool(now == then)


def test_the_corpus_is_of_the_versions_that_it_says(left: Path) -> None:
    versions = HEADS[left.name]
    head = f'{{"format_version": {versions[0]}, '
    assert (left / "state.json").read_text().startswith(head)
    lines = (left / "state.json.journal").read_bytes().splitlines()
    assert {json.loads(line[9:])["v"] for line in lines} == {versions[1]}


def test_a_state_of_any_version_means_what_it_meant(left: Path) -> None:
    loaded = load(str(left / "state.json"))
    assert loaded.warnings == verify(str(left / "state.json")) == ()
    assert tells(
        json.loads(records_json(loaded.recorded)), json.loads((left / "meant.json").read_text())
    )


def test_a_state_of_any_version_plans_every_item_that_is_declared(left: Path) -> None:
    desired = load_files(str(left / "reconcile.toml")).desired
    planned = plan(desired, load(str(left / "state.json")).recorded, NOW)
    assert {standing.address for standing in planned.standings} >= {
        i.address for i in desired.items
    }


def test_a_state_of_any_version_is_saved_in_the_newest_and_means_the_same(left: Path) -> None:
    state = left / "state.json"
    before, address = load(str(state)).recorded, next(iter(load(str(state)).recorded.items))
    with open_at(state) as session:
        session.append(Missed(NOW, address, NOW))
    # Only what an earlier version cannot know is kept from it.
    newest = 4 if before.signals else 3
    assert state.read_bytes().startswith(b'{"format_version": %d, ' % newest)
    after = load(str(state)).recorded
    assert {**after.items, address: None} == {**before.items, address: None}
    assert history(str(state))[-1].entry == Missed(NOW, address, NOW)


@pytest.mark.parametrize("path", CORPUS[:2], ids=lambda path: path.name)
def test_no_new_line_lies_beside_a_state_of_an_earlier_format(path: Path, tmp_path: Path) -> None:
    state = Path(shutil.copytree(path, tmp_path / "left")) / "state.json"
    with open_at(state) as session:
        session.append(Missed(NOW, next(iter(session.recorded.items)), NOW))
        # An earlier version refuses this, and so does not mend a journal it cannot read.
        assert state.read_bytes().startswith(b'{"format_version": 3, ')
