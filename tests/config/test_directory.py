import gc
from pathlib import Path

import pytest

from reconcile.config.load import load
from reconcile.errors import Diagnostic, ReconcileError
from tests.config.given import ID, OTHER_ID, sales


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)
    return folder


def refusals(folder: Path) -> tuple[Diagnostic, ...]:
    with pytest.raises(ReconcileError) as refusal:
        load(folder)
    return refusal.value.diagnostics


def test_all_files_of_a_directory_are_one_desired_state(tmp_path: Path) -> None:
    other = f'[models.ops]\nid = "{OTHER_ID}"\nrefresh.every = "1h"\n'
    written(tmp_path, a=sales(), b=other, c="[defaults]\ntimezone = 'Asia/Tokyo'")
    desired = load(tmp_path).desired
    assert [item.address for item in desired.items] == [
        "models.ops.refresh",
        "models.sales.refresh",
    ]
    assert {item.timing.zone for item in desired.items} == {"Asia/Tokyo"}


def test_directories_below_and_hidden_files_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    written(tmp_path / "below", a="x = 1")
    (tmp_path / ".a.toml").write_text("x = 1")
    (tmp_path / "notes.txt").write_text("x = 1")
    assert len(load(written(tmp_path, a=sales())).desired.items) == 1


def test_policies_of_a_model_may_stand_in_another_file(tmp_path: Path) -> None:
    more = '[models.sales.cache.p]\nafter = "models.sales.refresh"\n'
    desired = load(written(tmp_path, a=more, b=sales())).desired
    assert [item.model_id for item in desired.items] == [ID, ID]


def test_policies_of_a_model_that_no_file_declares_are_refused(tmp_path: Path) -> None:
    written(tmp_path, a=sales(), b='[models.ops.cache.p]\nevery = "1h"\n')
    assert [d.code for d in refusals(tmp_path)] == ["model-without-id"]


@pytest.mark.parametrize(
    "text",
    [
        sales(),
        '[models.sales.cache.p]\nevery = "1h"',
        '[omni]\nbase_url = "https://a.example"',
        '[state]\nurl = "a.json"',
        "[limits]\ncalls = 1",
        "[defaults]\ndeadline = '1h'",
    ],
)
def test_what_is_declared_in_two_files_shows_both_places(tmp_path: Path, text: str) -> None:
    written(tmp_path, a=text, b=text, c=sales() if "id =" not in text else "")
    (diagnostic,) = refusals(tmp_path)
    assert diagnostic.code == "declared-twice"
    assert [Path(place.file).name for place in diagnostic.places] == ["b.toml", "a.toml"]


def test_a_file_that_cannot_be_parsed_does_not_make_others_wrong(tmp_path: Path) -> None:
    written(tmp_path, a="x = = 1", b='[models.ops.cache.p]\nevery = "1h"\n')
    codes = [d.code for d in refusals(tmp_path)]
    assert codes == ["invalid-toml"]


def test_watched_files_lie_beside_the_file_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("1")
    written(tmp_path, a=sales("when_changed = ['data']"))
    assert load(tmp_path).desired == load(tmp_path / "a.toml").desired


@pytest.mark.parametrize("text", [sales(), "x = 1"])
def test_the_cycle_collector_is_left_as_it_was(tmp_path: Path, text: str) -> None:
    written(tmp_path, a=text)
    for switch in (gc.disable, gc.enable):
        switch()
        before = gc.isenabled()
        try:
            load(tmp_path)
        except ReconcileError:
            assert text == "x = 1"
        assert gc.isenabled() == before
