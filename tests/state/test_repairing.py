from itertools import count
from pathlib import Path
from shutil import copytree
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.address import Address
from reconcile.model.journal import Began, Numbered, Renamed
from reconcile.state.backend import load
from reconcile.state.codec import decode_state, encode_state
from reconcile.state.journal import encode_line
from reconcile.state.mend import history, pull, push, repair, restore, verify
from tests.state.acts import NOON, SALES, done, entry, fold, intent, open_at, refused


def beside(state: Path, suffix: str) -> Path:
    return state.with_name(f"{state.name}.{suffix}")


def live(state: Path, *lengths: int) -> None:
    """Run sessions that append so many entries each."""
    for length in lengths:
        with open_at(state) as session:
            for _ in range(length):
                session.append(entry(session.recorded.sequence + 1))


def leave_in_journal(state: Path, length: int) -> bytes:
    """Leave entries in the journal, as a killed run does."""
    recorded = load(str(state)).recorded
    first = recorded.sequence + 1
    lines = [
        encode_line(Numbered(sequence, entry(sequence)), recorded.lineage, recorded.serial)
        for sequence in range(first, first + length)
    ]
    beside(state, "journal").write_bytes(b"".join(lines))
    return b"".join(lines)


@pytest.mark.fault("S01", "S02")
@pytest.mark.parametrize("damage", [b"", b"\0" * 99, None])
def test_restore_brings_everything_back_by_way_of_the_history(
    state: Path, damage: bytes | None
) -> None:
    live(state, 3, 4)
    leave_in_journal(state, 2)
    before = load(str(state)).recorded
    if damage is None:
        state.unlink()
    else:
        state.write_bytes(damage)
    repaired = restore(str(state), now=NOON)
    assert (repaired.lost, repaired.unreadable) == ((), 0)
    after = load(str(state)).recorded
    assert (after.items, after.lineage, after.sequence) == (fold(9).items, before.lineage, 9)
    assert after.serial > before.serial


@pytest.mark.fault("S01")
def test_restore_builds_a_first_version_from_its_history_alone(state: Path) -> None:
    live(state, 3)
    state.write_bytes(b"")
    restore(str(state), now=NOON)
    assert load(str(state)).recorded.items == fold(3).items
    assert beside(state, "damaged-1").read_bytes() == b""


def test_restore_without_a_history_goes_back_and_says_what_is_lost(state: Path) -> None:
    live(state, 3, 4)
    leave_in_journal(state, 2)
    beside(state, "history").unlink()
    state.write_bytes(b"")
    repaired = restore(str(state), now=NOON)
    assert [numbered.sequence for numbered in repaired.lost] == [8, 9]
    after = load(str(state)).recorded
    assert after.items == fold(3).items
    with open_at(state) as session:
        assert session.append(entry(1)).sequence == 10


@pytest.mark.fault("S01")
def test_a_lost_first_version_is_not_no_state_and_is_restored_from_its_history(
    state: Path,
) -> None:
    live(state, 3)
    state.unlink()
    with refused("state-missing"):
        open_at(state)
    assert [found.code for found in verify(str(state))] == ["state-missing"]
    assert restore(str(state), now=NOON).recorded.items == fold(3).items


@pytest.mark.fault("S14")
def test_restore_mends_the_journal_of_a_damaged_state_too(state: Path) -> None:
    live(state, 3, 4)
    torn = b"<<<<<<< HEAD\n"
    beside(state, "journal").write_bytes(torn + leave_in_journal(state, 2))
    state.write_bytes(torn + state.read_bytes())
    with refused("state-damaged"):
        repair(str(state), now=NOON)
    assert restore(str(state), now=NOON).recorded.items == fold(9).items
    assert verify(str(state)) == ()


PUT_BACK = st.integers(0, 3)
"""Which of the versions so far is put back; the newest changes nothing."""


@pytest.mark.fault("S22")
@given(st.lists(st.tuples(PUT_BACK, st.integers(1, 3)), min_size=1, max_size=5))
def test_restore_never_brings_back_what_was_given_up_by_putting_back_a_version(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[int, int]]
) -> None:
    state = tmp_path_factory.mktemp("restored") / "prod.json"
    live(state, 2)
    versions, number = [state.read_bytes()], count(100)
    for back, length in runs:
        state.write_bytes(versions[-1 - back % len(versions)])
        with open_at(state) as session:
            for _ in range(length):
                session.append(intent(next(number)))
        versions.append(state.read_bytes())
    before = load(str(state)).recorded
    state.write_bytes(b"")
    assert restore(str(state), now=NOON).recorded.items == before.items


@pytest.mark.fault("S22")
def test_what_restore_leaves_of_a_version_that_was_given_up_is_told(state: Path) -> None:
    live(state, 2)
    backup = state.read_bytes()
    live(state, 3)
    state.write_bytes(backup)
    assert [found.code for found in verify(str(state))] == ["history-ahead"]
    with open_at(state) as session:
        session.append(intent(99))
    state.write_bytes(b"")
    assert [numbered.sequence for numbered in restore(str(state), now=NOON).lost] == [3, 4, 5]
    assert verify(str(state)) == ()


@pytest.mark.fault("S22")
def test_restore_keeps_one_of_two_branches_that_were_merged_and_tells_of_the_other(
    state: Path,
) -> None:
    live(state, 2)
    theirs = copytree(state.parent, state.parent.with_name("theirs")) / state.name
    for branch, numbers in ((state, (97, 98, 99)), (theirs, (100,))):
        with open_at(branch) as session:
            session.append(*map(intent, numbers))
    merged = load(str(theirs)).recorded.items
    with beside(state, "history").open("ab") as past:
        past.write(b"".join(beside(theirs, "history").read_bytes().splitlines(keepends=True)[2:]))
    state.write_bytes(b"<<<<<<< HEAD\n")
    repaired = restore(str(state), now=NOON)
    assert repaired.recorded.items == merged
    assert [one.entry for one in repaired.lost] == [intent(97), intent(98), intent(99)]


def test_restore_refuses_where_there_is_nothing_to_go_back_to(state: Path) -> None:
    live(state, 3)
    beside(state, "history").unlink()
    state.write_bytes(b"")
    with refused("nothing-to-restore"):
        restore(str(state), now=NOON)
    assert state.read_bytes() == b""


@pytest.mark.fault("C16")
def test_restore_says_what_is_wrong_with_the_previous_version(state: Path) -> None:
    live(state, 2, 2)
    for path in (state, beside(state, "prev"), beside(state, "history")):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    with refused("state-damaged") as told:
        load(str(state))
    assert "changed to CRLF" in told.value.diagnostics[0].detail
    with refused("nothing-to-restore") as told:
        restore(str(state), now=NOON)
    assert "prev cannot be used (its line ends were" in told.value.diagnostics[0].detail


@pytest.mark.parametrize("mend", [restore, repair])
def test_what_is_whole_is_not_repaired(state: Path, mend: object) -> None:
    live(state, 3)
    before = state.read_bytes()
    assert callable(mend)
    with refused("nothing-to-repair"):
        mend(str(state), now=NOON)
    assert state.read_bytes() == before


@pytest.mark.fault("S14")
def test_repair_keeps_the_good_part_and_says_what_is_lost(state: Path) -> None:
    live(state, 2)
    lines = leave_in_journal(state, 4).splitlines(keepends=True)
    damaged = lines[0] + b"x" + lines[1] + lines[2] + lines[3]
    beside(state, "journal").write_bytes(damaged)
    repaired = repair(str(state), now=NOON)
    assert [numbered.sequence for numbered in repaired.lost] == [5, 6]
    assert repaired.unreadable == 1
    aside = [path for path in map(Path, repaired.set_aside) if "journal" in path.name]
    assert [path.read_bytes() for path in aside] == [damaged]
    assert load(str(state)).recorded.items == fold(3).items
    assert load(str(state)).recorded.sequence == 6


@pytest.mark.fault("S14")
def test_repair_keeps_the_first_of_two_journals_that_were_merged(state: Path) -> None:
    live(state, 2)
    first = leave_in_journal(state, 3)
    recorded = load(str(state)).recorded
    others = (Numbered(2 + n, intent(98 + n)) for n in (1, 2, 3, 4))
    lines = [encode_line(one, recorded.lineage, recorded.serial) for one in others]
    beside(state, "journal").write_bytes(first + b"".join(lines))
    repaired = repair(str(state), now=NOON)
    assert repaired.recorded.items == fold(5).items
    assert [numbered.sequence for numbered in repaired.lost] == [3, 4, 5, 6]


@pytest.mark.fault("S14", "S22")
def test_repair_follows_the_journal_and_not_what_was_given_up(state: Path) -> None:
    live(state, 2)
    backup = state.read_bytes()
    with open_at(state) as session:
        session.append(intent(98), intent(99))
    state.write_bytes(backup)
    beside(state, "journal").write_bytes(leave_in_journal(state, 1) + b"damaged\n")
    repaired = repair(str(state), now=NOON)
    assert repaired.recorded.items == fold(3).items
    assert [one.entry for one in repaired.lost] == [intent(98), intent(99)]


@pytest.mark.fault("S14")
def test_repair_leaves_no_line_in_the_history_that_says_nothing(state: Path) -> None:
    live(state, 2)
    body = b'{"v":2,"seq":4}'
    bad = b"%08x %b\n" % (crc32(body), body)  # whole by its checksum
    beside(state, "journal").write_bytes(leave_in_journal(state, 1) + bad)
    repair(str(state), now=NOON)
    assert verify(str(state)) == ()
    assert bad not in beside(state, "history").read_bytes()


@pytest.mark.fault("S14")
@pytest.mark.parametrize("cut", [1, 5_000])
def test_repair_begins_anew_where_even_the_first_line_is_damaged(state: Path, cut: int) -> None:
    state.parent.mkdir()
    lines = leave_in_journal(state, 3)
    beside(state, "journal").write_bytes((lines[cut:] or b"x") + b"\n")
    repaired = repair(str(state), now=NOON)
    assert [numbered.sequence for numbered in repaired.lost] == ([2, 3] if cut == 1 else [])
    assert load(str(state)).recorded.items == {}


@pytest.mark.fault("S15")
def test_repair_sets_a_foreign_journal_aside(state: Path) -> None:
    live(state, 2)
    beside(state, "journal").write_bytes(encode_line(Numbered(3, entry(3)), "another", 1))
    repair(str(state), now=NOON)
    assert load(str(state)).recorded.items == fold(2).items
    assert beside(state, "journal.damaged-1").exists()


@pytest.mark.fault("S22")
def test_repair_brings_a_state_put_back_from_a_backup_up_to_its_journal(state: Path) -> None:
    live(state, 2)
    backup = state.read_bytes()
    live(state, 2)
    leave_in_journal(state, 1)
    state.write_bytes(backup)
    with refused("journal-foreign"):
        load(str(state))
    assert repair(str(state), now=NOON).lost == ()
    assert load(str(state)).recorded.items == fold(5).items


def test_repair_leaves_a_damaged_state_to_restore(state: Path) -> None:
    live(state, 2)
    state.write_bytes(b"")
    with refused("state-damaged"):
        repair(str(state), now=NOON)


def test_nothing_is_repaired_while_an_apply_runs(state: Path) -> None:
    with open_at(state), refused("lock-held", exit_code=5):
        repair(str(state), now=NOON)


def test_verify_finds_no_fault_with_a_whole_state(state: Path) -> None:
    live(state, 2, 2)
    leave_in_journal(state, 2)
    assert verify(str(state)) == ()


@pytest.mark.parametrize(
    ("suffix", "code"),
    [("prev", "previous-damaged"), ("history", "history-damaged"), ("journal", "journal-torn")],
)
def test_verify_looks_at_every_file(state: Path, suffix: str, code: str) -> None:
    live(state, 2, 2)
    leave_in_journal(state, 1)
    beside(state, suffix).write_bytes(beside(state, suffix).read_bytes()[:-9])
    assert [found.code for found in verify(str(state))] == [code]


def test_verify_looks_at_the_inbox(state: Path) -> None:
    live(state, 1)
    beside(state, "inbox").write_text("<<<<<<< HEAD")
    assert [found.code for found in verify(str(state))] == ["signal-inbox-damaged"]


def test_verify_tells_of_a_damaged_state(state: Path) -> None:
    live(state, 1)
    state.write_bytes(b"")
    assert [found.code for found in verify(str(state))] == ["state-damaged"]


def test_history_tells_what_happened_oldest_first(state: Path) -> None:
    live(state, 3, 2)
    leave_in_journal(state, 2)
    assert history(str(state)) == tuple(Numbered(place, entry(place)) for place in range(1, 8))


def test_history_of_an_item_holds_its_calls_and_their_outcomes(state: Path) -> None:
    live(state, 20)
    with open_at(state) as session:
        session.append(intent(99), done(99))
    entries = [numbered.entry for numbered in history(str(state), SALES)]
    assert entries == [intent(99), done(99)]


def test_history_of_an_item_says_which_run_made_its_calls(state: Path) -> None:
    """The audit trail: who applied, read from one item's past."""
    by_ann, by_bob, by_ci = (
        Began(at=NOON, command="reconcile apply", who=who) for who in ("ann", "bob", "ci")
    )
    with open_at(state) as session:
        session.append(by_ann, intent(1), done(1), by_bob, by_ci, intent(2), done(2))
    entries = [numbered.entry for numbered in history(str(state), SALES)]
    assert entries == [by_ann, intent(1), done(1), by_ci, intent(2), done(2)]


def test_history_of_a_renamed_item_holds_its_renaming(state: Path) -> None:
    renamed = Renamed(NOON, ((Address("models.old.refresh"), SALES),))
    with open_at(state) as session:
        session.append(entry(1), renamed)
    assert [n.entry for n in history(str(state), SALES)] == [renamed]


def test_history_is_bounded_but_reaches_back_to_the_previous_version(state: Path) -> None:
    with open_at(state) as session:
        session.append(*(entry(sequence) for sequence in range(1, 2_501)))
    assert len(history(str(state))) == 2_500
    live(state, 1)
    assert len(history(str(state))) == 2_000
    assert history(str(state))[-1].sequence == 2_501


def test_history_of_nothing_is_empty(state: Path) -> None:
    assert history(str(state)) == ()


def test_pull_gives_the_state_with_its_journal_folded_in(state: Path) -> None:
    live(state, 3)
    leave_in_journal(state, 2)
    assert decode_state(pull(str(state))).items == fold(5).items


def test_pull_of_nothing_is_refused(state: Path) -> None:
    with refused("no-state"):
        pull(str(state))


def test_push_puts_a_state_where_there_is_none(state: Path, tmp_path: Path) -> None:
    live(state, 3)
    other = tmp_path / "other" / "prod.json"
    push(str(other), pull(str(state)), now=NOON)
    assert load(str(other)).recorded == load(str(state)).recorded


def test_push_takes_a_later_state_and_refuses_an_earlier(state: Path) -> None:
    live(state, 3)
    earlier = pull(str(state))
    live(state, 2)
    later = pull(str(state))
    with refused("push-not-later"):
        push(str(state), earlier, now=NOON)
    assert push(str(state), later, now=NOON) == load(str(state)).recorded
    state.write_bytes(earlier)
    assert push(str(state), later, now=NOON).sequence == 5


@pytest.mark.fault("S06")
def test_push_refuses_another_lineage_unless_forced(state: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    live(state, 3)
    live(other, 4)
    with refused("push-not-later"):
        push(str(state), pull(str(other)), now=NOON)
    push(str(state), pull(str(other)), now=NOON, force=True)
    assert load(str(state)).recorded == load(str(other)).recorded


@pytest.mark.fault("S07")
def test_a_forced_push_back_counts_on(state: Path) -> None:
    live(state, 3)
    earlier = pull(str(state))
    live(state, 2)
    before = load(str(state)).recorded
    pushed = push(str(state), earlier, now=NOON, force=True)
    assert (pushed.items, pushed.sequence) == (fold(3).items, before.sequence)
    assert pushed.serial > before.serial


def test_a_forced_push_replaces_what_is_damaged_and_sets_it_aside(state: Path) -> None:
    live(state, 3)
    whole = pull(str(state))
    state.write_bytes(b"damaged")
    with refused("state-damaged"):
        push(str(state), whole, now=NOON)
    push(str(state), whole, now=NOON, force=True)
    assert load(str(state)).recorded.items == fold(3).items
    assert beside(state, "damaged-1").read_bytes() == b"damaged"


@pytest.mark.parametrize("data", [b"", b"{}", encode_state(fold(2))[:-5]])
def test_push_refuses_what_is_no_whole_state(state: Path, data: bytes) -> None:
    with refused("push-damaged"):
        push(str(state), data, now=NOON, force=True)
    assert not state.exists()
