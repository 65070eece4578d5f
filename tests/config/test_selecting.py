"""`[[select]]` blocks: read with their lock file, and never without it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.config.edit import encode_lock, format_text
from reconcile.config.load import load, load_past, load_text
from reconcile.config.merge import LOCK_NAME, decode_lock
from reconcile.config.toml import Source
from reconcile.config.values import LONGEST_NAME
from reconcile.errors import ReconcileError
from reconcile.model.desired import Desired, LockedModel, LockFile, RefreshItem, ResetItem, spelled
from reconcile.model.struct import replace
from reconcile.review.git import load_version
from tests.config.given import ID, OTHER_ID
from tests.config.repositories import commit, repository

FILE = """
[[select]]
name = "Sales*"
refresh = { every = "6h", on_change = "next" }
cache.daily = { at = "06:00", after = "refresh" }
"""
DWH = "22222222-2222-4222-8222-222222222222"
CONNECTION = f'[connections.dwh]\nid = "{DWH}"\n'
LOCK = LockFile(
    ("SHARED Sales*",),
    (
        LockedModel(name="sales_emea", model_id=ID, selection=1, title="Sales EMEA"),
        LockedModel(name="sales_us", model_id=OTHER_ID, selection=1, connection=DWH),
    ),
)


def written(folder: Path, text: str = FILE, lock: LockFile | str | None = LOCK) -> Path:
    (folder / "reconcile.toml").write_text(text)
    if lock is not None:
        spelt = lock if isinstance(lock, str) else encode_lock(lock)
        (folder / LOCK_NAME).write_text(spelt)
    return folder / "reconcile.toml"


def desired(folder: Path, text: str = FILE, lock: LockFile | str | None = LOCK) -> Desired:
    return load(written(folder, text, lock)).desired


def codes(folder: Path, text: str = FILE, lock: LockFile | str | None = LOCK) -> list[str]:
    with pytest.raises(ReconcileError) as refused:
        desired(folder, text, lock)
    return [diagnostic.code for diagnostic in refused.value.diagnostics]


def test_a_template_stands_for_every_locked_model(tmp_path: Path) -> None:
    found = desired(tmp_path, FILE + CONNECTION)
    assert [item.address for item in found.items] == [
        "models.sales_emea.cache.daily",
        "models.sales_emea.refresh",
        "models.sales_us.cache.daily",
        "models.sales_us.refresh",
    ]
    assert found.locked == LOCK.models
    reset, _, _, refresh = found.items
    assert isinstance(reset, ResetItem)
    assert reset.after == "models.sales_emea.refresh"
    assert isinstance(refresh, RefreshItem)
    assert (refresh.model_id, refresh.connection) == (OTHER_ID, "dwh")


def test_a_directory_reads_its_lock_file_as_a_lock_file(tmp_path: Path) -> None:
    written(tmp_path)
    assert load(tmp_path).desired.items == desired(tmp_path).items


LABELLED = replace(LOCK, models=(replace(LOCK.models[1], connection="dwh"),))
"""As older versions wrote it."""


def test_a_locked_model_follows_its_connection_whatever_the_files_call_it(tmp_path: Path) -> None:
    other = CONNECTION.replace(DWH, DWH.replace("2", "1"))
    renamed = CONNECTION.replace("dwh", "pg")
    found = desired(tmp_path, FILE + other + renamed).items[-1]
    assert isinstance(found, RefreshItem)
    assert (found.model_id, found.connection) == (OTHER_ID, "pg")


def test_a_lock_file_with_a_name_of_a_connection_is_read_while_the_files_have_it(
    tmp_path: Path,
) -> None:
    found = desired(tmp_path, FILE + CONNECTION, LABELLED).items[-1]
    assert isinstance(found, RefreshItem)
    assert found.connection == "dwh"
    assert codes(tmp_path, FILE + CONNECTION.replace("dwh", "pg"), LABELLED) == ["lock-stale"]


def test_a_missing_lock_file_names_the_command_that_writes_it(tmp_path: Path) -> None:
    with pytest.raises(ReconcileError) as refused:
        desired(tmp_path, lock=None)
    (diagnostic,) = refused.value.diagnostics
    assert (diagnostic.code, diagnostic.hint) == ("lock-missing", "reconcile lock")
    assert diagnostic.places[0].line == 2


def test_a_file_without_a_template_reads_no_lock_file(tmp_path: Path) -> None:
    plain = f'[models.a]\nid = "{ID}"\nrefresh.every = "6h"\n'
    assert len(desired(tmp_path, plain, lock="not toml [").items) == 1


@pytest.mark.parametrize(
    "text",
    [FILE.replace("Sales*", "Sale*"), FILE + '[[select]]\nname = "X"\nrefresh.every = "1h"\n'],
)
def test_a_lock_file_for_other_blocks_is_stale(tmp_path: Path, text: str) -> None:
    assert codes(tmp_path, text) == ["lock-stale"]


@pytest.mark.parametrize(
    "lock",
    [
        "made_for = [",
        "",
        'made_for = ["SHARED Sales*"]\n[models.a]\nid = "x"\nselect = 1\n',
        f'made_for = ["SHARED Sales*"]\n[models.".."]\nid = "{ID}"\nselect = 1\n',
        f'made_for = ["SHARED Sales*"]\n[models.a]\nid = "{ID}"\nselect = 0\n',
    ],
)
def test_a_lock_file_that_lock_did_not_write_is_refused(tmp_path: Path, lock: str) -> None:
    (code,) = codes(tmp_path, lock=lock)
    assert code in {"lock-unreadable", "invalid-toml"}


def test_a_model_declared_by_hand_is_left_as_it_is_declared(tmp_path: Path) -> None:
    by_hand = f'{FILE}\n[models.mine]\nid = "{ID}"\nrefresh.every = "1h"\n'
    found = desired(tmp_path, by_hand)
    assert [model.name for model in found.locked] == ["sales_us"]
    assert {item.model for item in found.items} == {"mine", "sales_us"}


def test_one_name_for_two_models_is_declared_twice(tmp_path: Path) -> None:
    other = ID.replace("b", "a")
    by_hand = f'{FILE}\n[models.sales_us]\nid = "{other}"\nrefresh.every = "1h"\n'
    assert codes(tmp_path, by_hand) == ["declared-twice"]


def test_a_mistake_in_a_template_is_told_once_and_at_its_place(tmp_path: Path) -> None:
    with pytest.raises(ReconcileError) as refused:
        desired(tmp_path, FILE.replace('"6h"', '"six"'))
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.places[0].line == 4


def test_an_unknown_key_in_a_template_has_a_suggestion(tmp_path: Path) -> None:
    text = FILE.replace("name =", "nam =")
    with pytest.raises(ReconcileError) as refused:
        load(written(tmp_path, text))
    assert "`name`" in str(refused.value.diagnostics[0].hint)


def test_the_past_is_read_with_the_lock_file_of_the_past() -> None:
    sources = (
        Source("HEAD:reconcile.toml", FILE, Path()),
        Source(f"HEAD:{LOCK_NAME}", encode_lock(LOCK), Path()),
    )
    assert len(load_past(sources).desired.items) == 4


def test_a_lock_file_alone_declares_nothing(tmp_path: Path) -> None:
    written(tmp_path)
    with pytest.raises(ReconcileError) as refused:
        load(tmp_path / LOCK_NAME)
    assert [d.code for d in refused.value.diagnostics] == ["no-files"]


def test_unlocked_a_file_is_read_without_its_templates(tmp_path: Path) -> None:
    found = load(written(tmp_path, lock=None), unlocked=True).desired
    assert [spelled(selection) for selection in found.selections] == ["SHARED Sales*"]
    assert found.items == ()


names = st.text(min_size=1, max_size=LONGEST_NAME).filter(
    lambda name: name.isprintable() and name.strip() and name not in {".", ".."}
)
locks = st.builds(
    LockFile,
    st.lists(st.text(max_size=20), max_size=3).map(tuple),
    st.lists(
        st.builds(
            LockedModel,
            name=names,
            model_id=st.just(ID),
            selection=st.integers(1, 9),
            title=st.none() | st.text(max_size=40),
            connection=st.none() | names,
        ),
        max_size=5,
        unique_by=lambda model: model.name,
    ).map(lambda models: tuple(sorted(models, key=lambda model: model.name))),
)


@given(locks)
def test_a_lock_file_says_what_it_was_written_from(lock: LockFile) -> None:
    assert decode_lock(Source(LOCK_NAME, encode_lock(lock), Path())) == lock


@given(locks)
def test_fmt_leaves_a_lock_file_alone(lock: LockFile) -> None:
    assert format_text(encode_lock(lock)) == encode_lock(lock)


def test_a_lock_file_is_laid_out_for_a_review() -> None:
    head, _, rest = encode_lock(LOCK).partition("\n\n")
    assert [line[:2] for line in head.split("\n")] == ["# ", "# "]
    assert (
        rest
        == f"""\
made_for = [
  "SHARED Sales*",
]

[models.sales_emea]
id = "{ID}"
title = "Sales EMEA"
select = 1

[models.sales_us]
id = "{OTHER_ID}"
connection = "{DWH}"
select = 1
"""
    )


def test_text_is_read_beside_the_lock_file_of_its_folder(tmp_path: Path) -> None:
    written(tmp_path)
    assert len(load_text(FILE, "reconcile.toml", tmp_path).desired.items) == 4


def test_a_revision_is_read_with_its_own_lock_file(tmp_path: Path) -> None:
    folder = repository(tmp_path)
    written(folder)
    commit(folder)
    written(folder, lock=LockFile(LOCK.made_for))
    assert len(load_version("HEAD", folder / "reconcile.toml")[0].items) == 4
    assert load(folder).desired.items == ()


def test_a_template_of_nothing_is_an_error(tmp_path: Path) -> None:
    assert "select-without-items" in codes(tmp_path, '[[select]]\nname = "Sales*"\n')
