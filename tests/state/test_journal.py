import re
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given

from reconcile.model.journal import Numbered
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.planning.replay import replay
from reconcile.state.backend import load
from reconcile.state.codec import MalformedError
from reconcile.state.journal import encode_line, entries_beyond, read_lines
from tests.state.acts import entry, fold, open_at, refused
from tests.strategies import journals

LINES = [encode_line(Numbered(place, entry(place)), "lineage", 0) for place in range(1, 6)]
DATA = b"".join(LINES)


def put(state: Path, journal: bytes) -> None:
    state.parent.mkdir(exist_ok=True)
    state.with_name("prod.json.journal").write_bytes(journal)


@pytest.mark.fault("S13", "D05")
def test_a_journal_cut_anywhere_recovers_to_its_whole_lines() -> None:
    for length in range(len(DATA) + 1):
        journal = read_lines(DATA[:length])
        assert journal.damage is None
        assert len(journal.lines) == DATA[:length].count(b"\n")
        assert b"".join(line.raw + b"\n" for line in journal.lines) == DATA[: length - journal.torn]


@pytest.mark.fault("S14", "S03")
def test_every_flipped_bit_is_damage_and_never_another_entry() -> None:
    for place in range(len(DATA)):
        for bit in range(8):
            flipped = bytearray(DATA)
            flipped[place] ^= 1 << bit
            journal = read_lines(bytes(flipped))
            assert journal.damage is not None
            assert DATA.startswith(b"".join(line.raw + b"\n" for line in journal.lines))


@pytest.mark.fault("S02")
def test_zeros_after_the_last_line_are_a_torn_tail() -> None:
    assert read_lines(DATA + b"\0" * 4096).torn == 4096


@given(journals())
def test_what_is_written_replays_to_the_state_it_was(journal: list[Numbered]) -> None:
    data = b"".join(encode_line(numbered, "lineage", 7) for numbered in journal)
    state = Recorded(lineage="lineage", serial=7)
    assert replay(state, entries_beyond(state, read_lines(data).lines)) == replay(state, journal)


@pytest.mark.fault("S13")
def test_a_torn_tail_is_dropped_with_a_warning_and_gone_after_the_next_session(
    state: Path,
) -> None:
    put(state, DATA[:-10])
    loaded = load(str(state))
    assert loaded.recorded.items == fold(4).items
    assert [warning.code for warning in loaded.warnings] == ["journal-torn"]
    open_at(state).close()
    assert load(str(state)).warnings == ()
    assert load(str(state)).recorded.sequence == 4


@pytest.mark.fault("S14")
@pytest.mark.parametrize(
    "journal",
    [
        LINES[0] + b"nonsense\n" + LINES[1],
        LINES[0] + LINES[2],
        LINES[0] + LINES[0],
        LINES[1] + LINES[0],
        DATA.replace(b"\n", b"\r\n"),
        b"\n",
        DATA[:-1] + b" ",
    ],
)
def test_a_bad_line_stops_with_one_command_that_repairs(state: Path, journal: bytes) -> None:
    put(state, journal)
    with refused("journal-damaged") as caught:
        load(str(state))
    assert "reconcile state repair" in str(caught.value.diagnostics[0].hint)


@pytest.mark.fault("S12")
def test_a_state_without_a_journal_is_a_whole_one(state: Path) -> None:
    with open_at(state) as session:
        session.append(entry(1))
    assert not state.with_name("prod.json.journal").exists()
    assert load(str(state)).recorded.sequence == 1


@pytest.mark.fault("S11")
def test_a_journal_that_begins_a_state_is_replayed_without_one(state: Path) -> None:
    put(state, DATA)
    assert load(str(state)).recorded.items == fold(5).items
    assert load(str(state)).recorded.lineage == "lineage"


@pytest.mark.fault("S11")
def test_a_state_lost_from_under_its_journal_is_not_no_state(state: Path) -> None:
    put(state, encode_line(Numbered(6, entry(6)), "lineage", 1))
    with refused("state-missing"):
        load(str(state))


@pytest.mark.fault("S01")
def test_a_state_lost_from_beside_its_previous_version_is_not_no_state(state: Path) -> None:
    for sequence in (1, 2):
        with open_at(state) as session:
            session.append(entry(sequence))
    state.unlink()
    with refused("state-missing"):
        load(str(state))


@pytest.mark.fault("S15", "S06", "S22")
@pytest.mark.parametrize(
    ("lineage", "base", "sequence", "why"),
    [
        ("another", 3, 11, "its lineage is another, the state's lineage"),
        ("lineage", 4, 11, "entry 11 was written on serial 4"),
        ("lineage", 2, 11, "entry 11 was written on serial 2"),
        ("lineage", 3, 12, "it starts at entry 12, the state ends at entry 10"),
        ("lineage", 3, 10, "entry 10 was written on serial 3"),
    ],
)
def test_a_journal_that_does_not_continue_the_state_is_refused(
    lineage: str, base: int, sequence: int, why: str
) -> None:
    lines = read_lines(encode_line(Numbered(sequence, entry(1)), lineage, base)).lines
    with pytest.raises(MalformedError, match=re.escape(why)):
        entries_beyond(Recorded(lineage="lineage", serial=3, sequence=10), lines)


@pytest.mark.fault("S16", "S25")
def test_a_journal_already_folded_in_has_no_effect(state: Path) -> None:
    with open_at(state) as session:
        session.append(entry(1), entry(2))
        journal = state.with_name("prod.json.journal").read_bytes()
    before = load(str(state)).recorded
    put(state, journal)
    assert load(str(state)).recorded == before
    with open_at(state) as session:
        assert session.append(entry(3)).items == fold(3).items
    assert load(str(state)).recorded.serial == 2


def life() -> tuple[list[Recorded], list[bytes]]:
    """Return every state and every journal that ever lay on the disk in one life.

    Three generations of three entries; after each save the old journal may still be there, and
    after a failure to empty it the next generation's lines follow on.
    """
    states, journals, before = [Recorded(lineage="lineage")], [b""], b""
    for serial in range(3):
        first = 3 * serial + 1
        added = [
            encode_line(Numbered(sequence, entry(sequence)), "lineage", serial)
            for sequence in range(first, first + 3)
        ]
        for length in (1, 2, 3):
            journals += [b"".join(added[:length]), before + b"".join(added[:length])]
        before = b"".join(added)
        saved = replay(states[-1], entries_beyond(states[-1], read_lines(before).lines))
        states.append(replace(saved, serial=serial + 1))
    return states, journals


@pytest.mark.fault("D12", "S22")
def test_files_copied_at_different_times_recover_or_are_refused() -> None:
    states, journals = life()
    for state, journal in product(states, journals):
        try:
            beyond = entries_beyond(state, read_lines(journal).lines)
        except MalformedError:
            continue
        recovered = replay(state, beyond)
        assert recovered.items == fold(recovered.sequence).items
        assert recovered.sequence >= state.sequence
