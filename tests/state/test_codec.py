from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.journal import Done, Entry, Failed, Numbered
from reconcile.model.recorded import Record, Recorded
from reconcile.model.struct import Instant
from reconcile.state.codec import (
    MalformedError,
    decode,
    decode_state,
    encode,
    encode_entry,
    encode_state,
)
from reconcile.state.journal import decode_line, encode_line
from tests.state.acts import NOON
from tests.strategies import entries, instants, records, states, words


@given(instants)
def test_an_instant_survives(at: datetime) -> None:
    assert decode(encode(at), Instant) == at


def test_an_instant_is_spelled_in_utc_and_without_empty_microseconds() -> None:
    assert encode(datetime(2026, 1, 1, tzinfo=UTC)) == b'"2026-01-01T00:00:00Z"'
    assert encode(datetime(2026, 1, 1, 0, 0, 0, 5, UTC)) == b'"2026-01-01T00:00:00.000005Z"'


@pytest.mark.fault("T04")
@pytest.mark.parametrize(
    "data",
    [b'"2026-01-01T00:00:00"', b'"2026-01-01T00:00:60Z"', b'"10000-01-01T00:00:00Z"', b'""', b"5"],
)
def test_what_is_no_instant_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode(data, Instant)


def test_what_json_cannot_say_is_never_written() -> None:
    with pytest.raises(ValueError, match="time zone"):
        encode_entry(Failed(NOON.replace(tzinfo=None), "one", "no"))
    with pytest.raises(ValueError, match="no number"):
        encode_entry(Done(NOON, "one", NOON, float("nan")))


@given(records())
def test_a_record_survives(record: Record) -> None:
    assert decode(encode(record), Record) == record


@given(states())
def test_a_state_survives(state: Recorded) -> None:
    assert decode_state(encode_state(state)) == state


@given(states())
def test_the_same_state_gives_the_same_bytes_in_any_order(state: Recorded) -> None:
    backwards = dict(reversed(list(state.items.items())))
    again = Recorded(
        lineage=state.lineage,
        serial=state.serial,
        sequence=state.sequence,
        host=state.host,
        items=backwards,
        schedules=dict(reversed(list(state.schedules.items()))),
        signals=dict(reversed(list(state.signals.items()))),
    )
    assert encode_state(again) == encode_state(state)


@given(entries(), st.integers(0, 2**62), words)
def test_a_journal_line_survives(entry: Entry, sequence: int, lineage: str) -> None:
    raw = encode_line(Numbered(sequence, entry), lineage, 5)
    assert raw.count(b"\n") == 1
    line = decode_line(raw[:-1])
    assert (line.numbered, line.lineage, line.base) == (Numbered(sequence, entry), lineage, 5)


def test_every_entry_has_a_word_of_its_own() -> None:
    kinds = get_args(Entry)
    assert len({kind.__struct_config__.tag for kind in kinds}) == len(kinds)


def test_half_a_surrogate_pair_does_not_keep_an_outcome_from_being_written() -> None:
    raw = encode_line(Numbered(1, Failed(NOON, "one", "bad \ud800 words")), "lineage", 0)
    assert decode_line(raw[:-1]).numbered.entry == Failed(NOON, "one", "bad ? words")


@pytest.mark.fault("S09", "S10")
@pytest.mark.parametrize(
    "data",
    [
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": "\\ud800"}',
        b'{"a": "\\uDFFF"}',
        '{"a": 1}'.encode("utf-16"),
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": "\xff"}',
        b"[" * 100_000,
        b"1" * 5_000,
        b"",
        b"\0\0\0\0",
    ],
)
def test_what_is_no_strict_json_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode(data, object)


@pytest.mark.parametrize("data", [b'{"a": "\\\\ud800"}', b'{"a": "\\ud83d\\ude00"}'])
def test_json_that_only_looks_like_half_a_pair_is_read(data: bytes) -> None:
    assert decode(data, object)


@pytest.mark.fault("S10")
def test_a_number_too_large_for_a_float_is_refused() -> None:
    with pytest.raises(MalformedError):
        decode(b'{"a": [1e999]}', object)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (decode_line, decode_state):
        try:
            read(data)
        except MalformedError:
            continue
