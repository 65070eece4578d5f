"""What the benchmarks measure against does the same work."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from reconcile.config.load import load
from reconcile.model.reason import Status
from reconcile.planning.plan import plan
from reconcile.state.codec import decode_state
from tests.benchmarks.lean import due
from tests.benchmarks.written import NOW, write
from tests.strategies import examples


@pytest.fixture(scope="module", params=["sparse", "dense"])
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("lean") / "files", 12, dense=request.param == "dense")


@examples(30)
@given(minutes=st.integers(0, 20 * 24 * 60))
def test_the_lean_prototype_finds_the_same_items_due(file: Path, minutes: int) -> None:
    now, state = NOW + timedelta(minutes=minutes), file.with_name("state.json").read_bytes()
    standings = plan(load(file).desired, decode_state(state), now).standings
    found = due(tomli.loads(file.read_text()), json.loads(state), now)
    assert sorted(found) == [one.address for one in standings if one.status is Status.DUE]
