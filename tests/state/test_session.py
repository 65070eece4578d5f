import json
import os
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from shlex import split

import pytest

from reconcile.errors import ReconcileError
from reconcile.model.address import Address
from reconcile.model.journal import Forgotten, Missed, Noted, Waived
from reconcile.state import local as sessions
from reconcile.state.backend import load
from reconcile.state.session import Session
from tests.state.acts import NOON, SALES, done, entry, fold, intent, open_at, refused, written

ROOT = os.geteuid() == 0


def beside(state: Path, suffix: str) -> Path:
    return state.with_name(f"{state.name}.{suffix}")


def names(state: Path) -> set[str]:
    return {path.name for path in state.parent.iterdir()}


def test_what_was_appended_is_what_is_loaded(state: Path) -> None:
    with open_at(state) as session:
        for sequence in range(1, 6):
            assert session.append(entry(sequence)) == load(str(state)).recorded
    loaded = load(str(state))
    assert loaded.recorded.items == fold(5).items == session.recorded.items
    assert (loaded.exists, loaded.warnings) == (True, ())


def test_a_state_that_never_was_is_empty_and_of_a_fresh_lineage(state: Path) -> None:
    one, other = load(str(state)), load(str(state))
    assert (one.exists, one.recorded.items, one.recorded.serial) == (False, {}, 0)
    assert one.recorded.lineage != other.recorded.lineage
    assert not state.parent.exists()


def test_the_serial_grows_by_one_with_a_change_and_never_without(state: Path) -> None:
    seen = []
    for entries in ([entry(1), entry(2)], [], [entry(3)]):
        with open_at(state) as session:
            session.append(*entries)
        recorded = load(str(state)).recorded
        seen.append((recorded.serial, recorded.sequence))
    assert seen == [(1, 2), (1, 2), (2, 3)]


def test_the_lineage_never_changes(state: Path) -> None:
    lineages = set()
    for sequence in range(1, 4):
        with open_at(state) as session:
            lineages.add(session.append(entry(sequence)).lineage)
    assert lineages == {load(str(state)).recorded.lineage}


def test_a_session_without_a_change_leaves_the_state_as_it_was(state: Path) -> None:
    with open_at(state) as session:
        session.append(entry(1))
    before = written(state)
    open_at(state).close()
    assert written(state) == before


def test_a_closed_session_leaves_no_journal_no_reserve_and_no_holder(state: Path) -> None:
    with open_at(state) as session:
        session.append(entry(1))
        assert beside(state, "reserve").stat().st_size == 64 << 10
    assert names(state) == {"prod.json", "prod.json.lock", "prod.json.history"}
    assert beside(state, "lock").read_bytes() == b""


def test_the_previous_version_stays_beside_the_state(state: Path) -> None:
    with open_at(state) as session:
        session.append(entry(1))
    first = state.read_bytes()
    with open_at(state) as session:
        session.append(entry(2))
    assert beside(state, "prev").read_bytes() == first


def test_a_snapshot_stays_as_it_was_whatever_is_appended(state: Path) -> None:
    with open_at(state) as session:
        seen = [session.append(entry(sequence)) for sequence in range(1, 30)]
    for sequence, recorded in enumerate(seen, start=1):
        assert recorded.items == fold(sequence).items


def test_a_state_may_be_changed_while_it_is_gone_through(state: Path) -> None:
    with open_at(state) as session:
        session.append(*(entry(sequence) for sequence in range(1, 15)))
        for address in session.recorded.items:
            session.append(Forgotten(NOON, address))
            session.append(Missed(NOON, Address(f"{address}x"), NOON))
        assert len(session.recorded.items) == 7


@pytest.fixture
def tiny_journals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MAX_JOURNAL_LENGTH", 1_000)


@pytest.mark.usefixtures("tiny_journals")
def test_a_long_session_folds_its_journal_in_as_it_goes(state: Path) -> None:
    with open_at(state) as session:
        for sequence in range(1, 41):
            assert session.append(entry(sequence)) == load(str(state)).recorded
            assert beside(state, "journal").stat().st_size < 2_000
        assert session.recorded.serial > 5
    assert load(str(state)).recorded.items == fold(40).items


@pytest.mark.fault("P14", "S19")
@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_everything_is_private_whatever_the_umask(state: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with open_at(state) as session:
            session.append(entry(1))
            modes = {path.name: path.stat().st_mode for path in state.parent.iterdir()}
        with open_at(state) as session:
            session.append(entry(2))
    finally:
        os.umask(before)
    modes |= {path.name: path.stat().st_mode for path in state.parent.iterdir()}
    assert {stat.S_IMODE(mode) for mode in modes.values()} == {0o600}
    assert stat.S_IMODE(state.parent.stat().st_mode) == 0o700


@pytest.mark.fault("S19")
def test_a_state_others_may_write_to_is_warned_about_and_made_private(state: Path) -> None:
    with open_at(state) as session:
        session.append(entry(1))
    state.chmod(0o664)
    assert [found.code for found in load(str(state)).warnings] == ["state-writable-by-others"]
    with open_at(state) as session:
        session.append(entry(2))
    assert load(str(state)).warnings == ()


@pytest.mark.fault("S17")
def test_what_a_killed_writer_left_is_swept(state: Path) -> None:
    state.parent.mkdir()
    beside(state, "tmp-0123").write_bytes(b"half")
    beside(state, "journal.tmp-0123").write_bytes(b"half")
    (state.parent / "other.json.tmp-0123").write_bytes(b"somebody else's")
    with open_at(state):
        assert names(state) == {
            "other.json.tmp-0123", "prod.json.journal", "prod.json.lock", "prod.json.reserve"
        }  # fmt: skip


@pytest.mark.fault("S18", "Z20")
@pytest.mark.parametrize("suffix", ["", ".journal", ".lock"])
def test_a_planted_symbolic_link_is_not_followed(state: Path, suffix: str) -> None:
    state.parent.mkdir()
    victim = state.parent / "victim"
    victim.write_bytes(b"")
    state.with_name(state.name + suffix).symlink_to(victim)
    with refused("state-file-error") as caught:
        open_at(state)
    assert "symbolic link" in caught.value.diagnostics[0].detail
    assert victim.read_bytes() == b""


@pytest.mark.fault("Z20")
def test_a_planted_history_is_not_followed_and_costs_no_record(state: Path) -> None:
    with open_at(state) as session:
        session.append(entry(1))
    victim = state.parent / "victim"
    victim.write_bytes(b"")
    beside(state, "history").unlink()
    beside(state, "history").symlink_to(victim)
    with open_at(state) as session:
        session.append(entry(2))
    assert [found.code for found in session.warnings] == ["state-file-error"]
    with open_at(state) as session:
        session.append(entry(3))
    assert victim.read_bytes() == b""
    assert load(str(state)).recorded.items == fold(3).items


@pytest.mark.fault("S18", "L05")
@pytest.mark.parametrize("suffix", ["", ".journal", ".lock"])
@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_regular_file_is_refused_at_once(
    state: Path, suffix: str, make: Callable[[Path], None]
) -> None:
    state.parent.mkdir()
    make(state.with_name(state.name + suffix))
    with pytest.raises(ReconcileError) as caught:
        open_at(state)
    assert caught.value.diagnostics[0].code in {"state-not-a-file", "state-file-error"}


@pytest.mark.fault("Z21", "S19")
def test_a_directory_anybody_may_write_to_is_refused_unless_sticky(state: Path) -> None:
    state.parent.mkdir()
    state.parent.chmod(0o777)
    with refused("state-directory-open"):
        open_at(state)
    assert list(state.parent.iterdir()) == []
    state.parent.chmod(0o1777)
    open_at(state).close()


@pytest.mark.fault("S20", "D04")
@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("file/prod.json", "Not a directory"),
        ("x" * 300, "File name too long"),
        ("/proc/prod.json", "No such file"),
        ("/dev/null/prod.json", "Not a directory"),
    ],
)
def test_a_place_that_cannot_hold_a_state_is_one_plain_error(
    tmp_path: Path, path: str, why: str
) -> None:
    (tmp_path / "file").touch()
    with refused("state-file-error") as caught:
        open_at(tmp_path / path)
    assert why in caught.value.diagnostics[0].detail


@pytest.mark.fault("S20")
@pytest.mark.skipif(ROOT, reason="root may write anywhere")
def test_a_read_only_directory_is_refused_before_anything_is_sent(state: Path) -> None:
    state.parent.mkdir(mode=0o500)
    with refused("state-file-error"):
        open_at(state)


@pytest.mark.fault("S26", "P06")
def test_an_exception_in_the_body_still_saves_what_was_appended(state: Path) -> None:
    session = open_at(state)
    session.append(entry(1))
    session.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert load(str(state)).recorded.sequence == 1
    assert not beside(state, "journal").exists()


@pytest.mark.fault("S21")
@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"mine")])
def test_a_state_changed_under_the_lock_is_not_overwritten(state: Path, harm: object) -> None:
    with open_at(state) as session:
        session.append(entry(1))
    session = open_at(state)
    session.append(entry(2))
    assert callable(harm)
    harm(state)
    with refused("state-replaced") as caught:
        session.close()
    named = split(caught.value.diagnostics[0].hint or "")[-1]
    assert Path(named) == beside(state, "rescued-1").absolute()
    assert not state.exists() or state.read_bytes() == b"mine"
    assert load(str(beside(state, "rescued-1"))).recorded.items == fold(2).items
    assert beside(state, "journal").exists()


@pytest.mark.fault("S21")
def test_a_journal_removed_under_the_lock_takes_no_more_entries(state: Path) -> None:
    with open_at(state) as session:
        session.append(entry(1))
        beside(state, "journal").unlink()
        with refused("outcome-not-recorded") as caught:
            session.append(done(1))
    told = caught.value.diagnostics[0]
    assert '"entry":"done"' in told.detail
    assert "the call of models.m1.refresh as unknown" in told.detail
    assert (told.hint or "").endswith("reconcile state mark models.m1.refresh --done")
    assert load(str(state)).recorded.items == fold(1).items


def test_a_journal_somebody_else_wrote_to_takes_no_more_entries(state: Path) -> None:
    with open_at(state) as session:
        with beside(state, "journal").open("ab") as journal:
            journal.write(b"x")
        with refused("intent-not-recorded"):
            session.append(intent(1))
        with refused("outcome-not-recorded"):
            session.append(done(1))


def test_entries_of_one_append_share_one_place_on_the_disk(state: Path) -> None:
    with open_at(state) as session:
        session.append(intent(1), done(1), Noted(NOON, SALES, {"timing": "6h"}))
        lines = beside(state, "journal").read_text().splitlines()
    assert [json.loads(line[9:])["seq"] for line in lines] == [1, 2, 3]


@pytest.mark.fault("S27")
def test_instants_far_ahead_are_kept_as_they_are(state: Path) -> None:
    ahead = NOON + timedelta(days=365_000)
    with open_at(state) as session:
        session.append(Missed(ahead, SALES, ahead))
    assert load(str(state)).recorded.items[SALES].missed_slot == ahead


@pytest.mark.parametrize(
    "url", ["ftp://bucket/prod.json", "postgres://host/db", "", "..", "a\0b", "file://host/x", "/"]
)
def test_a_url_that_names_no_local_file_is_refused(url: str) -> None:
    with refused("state-url"):
        load(url)


def test_a_file_url_is_a_path(state: Path) -> None:
    with open_at(state) as session:
        session.append(entry(1))
    assert load(f"file://{state}").recorded == load(str(state)).recorded


def test_a_session_is_closed_once(state: Path) -> None:
    session: Session = open_at(state)
    session.append(entry(1))
    session.close()
    session.close()
    assert load(str(state)).recorded.serial == 1


def test_an_entry_too_odd_to_write_is_refused_before_anything_is_written(state: Path) -> None:
    with open_at(state) as session:
        with pytest.raises(ValueError, match="JSON"):
            session.append(Waived(NOON, "share", float("nan")))
        assert session.append(entry(1)).sequence == 1
