"""Every verb that works on a local state works on a remote one, by the same functions."""

from pathlib import Path
from time import sleep

import pytest

from reconcile.state.backend import backend, load, open_session
from reconcile.state.codec import encode_state
from reconcile.state.mend import history, migrate, pull, push, repair, restore, verify
from reconcile.state.remote.lease import decode_leased
from reconcile.state.session import Session
from tests.state.acts import NOON, entry, fold, refused
from tests.state.remote.backends import opened


def open_at(url: str) -> Session:
    return open_session(url, command="apply", lock_timeout_s=0, now=NOON, lock_ttl_s=2)


def live(url: str, *sequences: int) -> None:
    for sequence in sequences:
        with open_at(url) as session:
            session.append(entry(sequence))


def overwrite(url: str, suffix: str, data: bytes) -> None:
    with opened(url) as (store, address):
        key = f"{address.key}{suffix}"
        there = store.get(key)
        store.put(key, data, there and there.version)


def raw(url: str, suffix: str) -> bytes:
    with opened(url) as (store, address):
        there = store.get(f"{address.key}{suffix}")
        return there.data if there else b""


@pytest.fixture
def lived(url: str) -> str:
    """A state that two sessions have written."""
    live(url, 1, 2)
    return url


def test_a_state_that_never_was_is_empty_and_reading_it_leaves_nothing(url: str) -> None:
    loaded = load(url)
    assert (loaded.exists, loaded.recorded.items) == (False, {})
    assert [found.code for found in verify(url)] == ["no-state"]
    assert raw(url, "") == raw(url, ".journal") == b""
    with refused("no-state"):
        pull(url)


def test_a_misspelt_bucket_or_database_is_not_a_state_that_never_was(url: str) -> None:
    misspelt = url.replace("://state", "://stale").replace("/postgres#", "/postgrse#")
    for act in (load, open_at):
        with refused("state-store-error"):
            act(misspelt)


@pytest.mark.fault("X02")
def test_a_reader_sees_all_that_was_acknowledged_while_it_is_written(url: str) -> None:
    with open_at(url) as session:
        for sequence in range(1, 8):
            assert session.append(entry(sequence)).items == load(url).recorded.items
    assert load(url).recorded.items == fold(7).items


def test_the_journal_of_a_long_session_is_folded_in_as_it_goes(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconcile.state.remote.session.MAX_JOURNAL_LENGTH", 1_000)
    with open_at(url) as session:
        for sequence in range(1, 21):
            assert session.append(entry(sequence)).items == load(url).recorded.items
            assert len(raw(url, ".journal")) < 2_000
    assert load(url).recorded.items == fold(20).items


def test_the_past_and_the_version_before_are_kept(lived: str) -> None:
    assert [numbered.sequence for numbered in history(lived)] == [1, 2]
    assert verify(lived) == ()
    assert raw(lived, ".prev") not in {b"", raw(lived, "")}


def test_what_is_pulled_can_be_pushed_elsewhere_but_not_over_another(
    lived: str, tmp_path: Path
) -> None:
    copied = str(tmp_path / "copy.json")
    push(copied, pull(lived), now=NOON)
    assert load(copied).recorded == load(lived).recorded
    live(copied, 3)
    assert push(lived, pull(copied), now=NOON).items == fold(3).items
    with refused("push-not-later"):
        push(lived, raw(lived, ".prev"), now=NOON)
    other = str(tmp_path / "other.json")
    live(other, 1)
    with refused("push-not-later"):
        push(lived, pull(other), now=NOON)
    assert push(lived, pull(other), now=NOON, force=True) == load(other).recorded


def test_a_state_moves_there_and_back_with_its_lineage(lived: str, tmp_path: Path) -> None:
    local = str(tmp_path / "prod.json")
    there = migrate(lived, local, now=NOON)
    assert (there.items, there.lineage) == (fold(2).items, load(lived).recorded.lineage)
    live(local, 3)
    assert migrate(local, lived, now=NOON) == load(lived).recorded
    assert load(lived).recorded.items == fold(3).items
    live(lived, 4)
    with refused("push-not-later"):
        migrate(local, lived, now=NOON)
    with refused("migrate-same"):
        migrate(lived, lived, now=NOON)


def test_a_state_moves_there_and_back_with_its_history_however_often_it_is_begun(
    lived: str, tmp_path: Path
) -> None:
    local = str(tmp_path / "prod.json")
    with open_at(lived) as session:
        push(local, encode_state(session.recorded), now=NOON)  # As far as one that was killed came.
    migrate(lived, local, now=NOON)
    assert history(local) == history(lived)
    live(local, 3, 4)
    migrate(local, lived, now=NOON)
    assert [one.sequence for one in history(lived)] == [1, 2, 3, 4]


def test_a_state_that_is_damaged_at_its_new_place_comes_back_from_its_history(
    lived: str, tmp_path: Path
) -> None:
    local = tmp_path / "prod.json"
    migrate(lived, str(local), now=NOON)
    local.write_text("")
    assert restore(str(local), now=NOON).recorded.items == fold(2).items


@pytest.mark.fault("S01", "S03")
def test_a_damaged_state_is_refused_and_restored(lived: str) -> None:
    overwrite(lived, "", raw(lived, "")[:-3])
    with refused("state-damaged"):
        open_at(lived)
    assert [found.code for found in verify(lived)] == ["state-damaged"]
    restored = restore(lived, now=NOON)
    assert (restored.recorded.items, restored.lost) == (fold(2).items, ())
    assert load(lived).recorded == restored.recorded
    live(lived, 3)
    with refused("nothing-to-repair"):
        restore(lived, now=NOON)


@pytest.mark.fault("S14")
def test_a_damaged_journal_is_refused_and_its_good_part_kept(lived: str) -> None:
    session = open_at(lived)
    for sequence in (3, 4, 5):
        session.append(entry(sequence))
    backend(lived).unlock(_holder(lived), now=NOON)
    while session.still_mine():
        sleep(0.05)
    session.close()
    lines = raw(lived, ".journal").splitlines(keepends=True)
    overwrite(lived, ".journal", b"".join([*lines[:2], b"x" + lines[2], lines[3]]))
    with refused("journal-damaged"):
        load(lived)
    repaired = repair(lived, now=NOON)
    assert repaired.recorded.items == fold(3).items
    assert [numbered.sequence for numbered in repaired.lost] == [5]
    assert len(repaired.set_aside) == 2
    live(lived, 6)
    assert verify(lived) == ()


@pytest.mark.fault("S01")
@pytest.mark.parametrize("lost", [("",), ("", ".prev"), ("", ".prev", ".journal")])
def test_a_lost_state_is_not_taken_for_none(lived: str, lost: tuple[str, ...]) -> None:
    with opened(lived) as (store, address):
        for suffix in lost:
            there = store.get(f"{address.key}{suffix}")
            assert there is not None
            store.delete(f"{address.key}{suffix}", there.version)
    with refused("state-missing"):
        load(lived)
    assert restore(lived, now=NOON).recorded.items == fold(2).items


@pytest.mark.fault("S14")
def test_restore_mends_the_journal_of_a_damaged_state_too(lived: str) -> None:
    for suffix in ("", ".journal"):
        overwrite(lived, suffix, b"<<<<<<< HEAD\n" + raw(lived, suffix))
    with refused("state-damaged"):
        repair(lived, now=NOON)
    assert restore(lived, now=NOON).recorded.items == fold(2).items
    assert verify(lived) == ()


@pytest.mark.fault("L12", "L13")
def test_unlock_takes_the_lease_from_whoever_has_that_id(lived: str) -> None:
    session = open_at(lived)
    with refused("lock-id-differs"):
        backend(lived).unlock("another", now=NOON)
    assert backend(lived).unlock(_holder(lived), now=NOON) is not None
    assert backend(lived).unlock("any", now=NOON) is None
    with refused("intent-not-recorded"):
        session.append(entry(3))
    session.close()


def _holder(url: str) -> str:
    leased = decode_leased(raw(url, ".lock"))
    return leased.holder.id if leased else ""
