"""The session marker: a journal that is gone is noticed, and none that is there is missed."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from time import sleep

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.recorded import Recorded
from reconcile.state import journal as markers
from reconcile.state.backend import load
from reconcile.state.codec import encode_state
from reconcile.state.journal import Marker, decode_marker, encode_marker
from reconcile.state.mend import pull, push, repair, verify
from tests.state.acts import NOON, dice, entry, fold, open_at, refused, written
from tests.state.children import child
from tests.state.test_kills import apply_for_ever
from tests.strategies import instants, words

pytestmark = pytest.mark.long

sequences = st.integers(1, 2**62)


@pytest.fixture
def killed(state: Path) -> Path:
    """Leave a state as a run that was killed after six entries does, two of them saved before."""
    with open_at(state) as session:
        session.append(entry(1), entry(2))

    def live(say: Callable[[bytes], object]) -> None:
        with open_at(state) as session:
            for sequence in range(3, 7):
                session.append(entry(sequence))
            say(b"written")
            sleep(60)

    with child(live) as run:
        assert run.hears() == b"written"
    return state


def beside(state: Path, suffix: str) -> Path:
    return state.with_name(f"{state.name}.{suffix}")


def codes(state: Path) -> list[str]:
    assert [found.code for found in load(str(state)).warnings] == [
        found.code for found in verify(str(state))
    ]
    return [found.code for found in load(str(state)).warnings]


def cut_last_line(journal: Path) -> None:
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-1]))


@given(st.builds(Marker, words, instants, sequences, sequences))
def test_a_marker_survives(marker: Marker) -> None:
    assert decode_marker(encode_marker(marker)) == marker


@given(st.binary(max_size=80))
def test_what_is_no_marker_says_nothing(data: bytes) -> None:
    assert decode_marker(data) is None


@given(st.integers(0, 29))
def test_a_number_half_written_over_falls_back_to_where_the_session_began(cut: int) -> None:
    older, newer = (encode_marker(Marker("one", NOON, 7, newest)) for newest in (9, 123_456_789))
    torn = decode_marker(newer[:cut] + older[cut:])
    assert torn is not None
    assert torn.newest in {6, 9, 123_456_789}


def test_a_kill_alone_is_no_missing_journal(killed: Path) -> None:  # F11
    assert codes(killed) == []
    marker = decode_marker(beside(killed, "session").read_bytes())
    assert marker == Marker(load(str(killed)).recorded.lineage, NOON, 3, 6)


@pytest.mark.parametrize(
    "lose", [Path.unlink, lambda journal: journal.write_bytes(b""), cut_last_line]
)
def test_a_journal_that_is_gone_emptied_or_cut_is_told(
    killed: Path, lose: Callable[[Path], object]
) -> None:  # F11
    lose(beside(killed, "journal"))
    assert codes(killed) == ["journal-missing"]
    (found,) = load(str(killed)).warnings
    assert "began at 2026-11-22T12:00:00Z" in found.detail
    assert "to 6 are gone" in found.detail or "entry 6 is gone" in found.detail


def test_a_state_and_a_journal_that_are_both_gone_are_told(state: Path) -> None:  # F11
    session = open_at(state)
    session.append(entry(1))
    beside(state, "journal").unlink()
    assert codes(state) == ["journal-missing"]
    lineage = session.recorded.lineage
    session._let_go()  # noqa: SLF001 - as a kill does
    assert load(str(state)).recorded == Recorded(lineage=lineage)


def test_a_session_that_writes_goes_on_after_what_is_gone_and_ends_the_warning(
    killed: Path,
) -> None:  # F11
    beside(killed, "journal").unlink()
    with open_at(killed) as session:
        assert "journal-missing" in [found.code for found in session.warnings]
        assert session.append(entry(3)).sequence == 7
        assert codes(killed) == []
    assert codes(killed) == []
    assert not beside(killed, "session").exists()


def test_a_session_that_writes_nothing_leaves_the_warning(killed: Path) -> None:  # F11
    beside(killed, "journal").unlink()
    open_at(killed).close()
    assert codes(killed) == ["journal-missing"]


def test_reading_leaves_the_marker_alone(killed: Path) -> None:  # F11
    beside(killed, "journal").unlink()
    before = written(beside(killed, "session"))
    assert codes(killed) == ["journal-missing"]
    pull(str(killed))
    assert written(beside(killed, "session")) == before


def test_a_pushed_state_must_reach_past_what_is_gone(killed: Path) -> None:  # F11
    pushed = encode_state(fold(6))
    whole = load(str(killed)).recorded
    beside(killed, "journal").unlink()
    short = Recorded(lineage=whole.lineage, serial=9, sequence=5, items=fold(5).items)
    with refused("push-not-later"):
        push(str(killed), encode_state(short), now=NOON)
    push(str(killed), pushed, now=NOON, force=True)
    assert codes(killed) == []


def test_a_repaired_journal_is_no_missing_one(killed: Path) -> None:  # F11
    journal = beside(killed, "journal")
    *lines, last = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines, b"x" + last]))
    assert repair(str(killed), now=NOON).recorded.sequence == 6
    assert codes(killed) == []


def test_a_marker_that_cannot_be_made_keeps_a_call_from_being_begun(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # F11
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with open_at(state) as session:
        with monkeypatch.context() as patch:
            patch.setattr(markers, "write_all", full)
            with refused("intent-not-recorded"):
                session.append(entry(1))
        assert session.append(entry(1)).sequence == 1


def test_killed_at_any_instant_leaves_no_false_alarm(state: Path) -> None:  # F11
    random = dice(11)
    for number in range(40):
        with child(apply_for_ever(state, number)) as run:
            run.hears()
            sleep(random.random() / 50)
            run.kill()
        assert "journal-missing" not in codes(state)


def test_a_reader_beside_a_writer_sees_no_false_alarm(state: Path) -> None:  # F11
    with child(apply_for_ever(state, 5)) as run:
        run.hears()
        for _ in range(300):
            assert "journal-missing" not in [found.code for found in load(str(state)).warnings]


def test_an_older_marker_of_another_lineage_says_nothing(killed: Path) -> None:
    stranger = Marker("another", NOON - timedelta(days=1), 1, 99)
    beside(killed, "session").write_bytes(encode_marker(stranger))
    assert codes(killed) == []
