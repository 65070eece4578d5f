import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.address import Address
from reconcile.model.journal import Noted
from reconcile.model.recorded import Coverage, Failure, Pending, Record, Recorded
from reconcile.model.struct import replace
from reconcile.state.backend import load
from reconcile.state.codec import (
    MalformedError,
    NewerFormatError,
    convert,
    decode_state,
    encode_state,
)
from tests.state.acts import NOON, SALES, done, intent, open_at, refused

STATE = Recorded(
    lineage="lineage",
    serial=3,
    sequence=9,
    host="https://omni",
    items={
        SALES: Record(
            since=NOON,
            stamp=NOON,
            failures=2,
            last_failure=Failure(NOON, "no"),
            pending=Pending(
                "one", "refresh", NOON, Coverage(SALES, NOON), job_id="job", accepted=True
            ),
            durations_s=(1.5,),
        )
    },
)
DATA = encode_state(STATE)
LARGE = replace(
    STATE,
    items={
        Address(f"models.m{n}.refresh"): Record(since=NOON, declared={"of": {"n": n}, "after": {}})
        for n in range(1_500)
    },
)
LARGE_DATA = encode_state(LARGE)
"""Enough of it to be read in several blocks."""


def resealed(data: bytes) -> bytes:
    """Give edited bytes the checksum that fits them, as somebody with a purpose would."""
    head, _, rest = data.partition(b'"sha256": "')
    before, after = head + b'"sha256": "', rest[64:]
    return before + sha256(before + after).hexdigest().encode() + after


def test_the_file_is_json_with_one_item_a_block() -> None:
    assert json.loads(DATA)["items"][SALES]["failures"] == 2
    assert f'    "{SALES}": {{\n      "since": "2026-11-22T12:00:00Z",\n'.encode() in DATA
    assert DATA.endswith(b"}\n")


@pytest.mark.fault("S24")
def test_the_file_has_no_field_that_could_hold_a_secret() -> None:
    keys = set(json.loads(DATA)) | set(json.loads(DATA)["items"][SALES])
    assert not [key for key in keys for word in ("token", "secret", "auth") if word in key]


@pytest.mark.fault("S03")
def test_every_flipped_bit_is_noticed() -> None:
    for place in range(len(DATA)):
        for bit in range(8):
            flipped = bytearray(DATA)
            flipped[place] ^= 1 << bit
            with pytest.raises((MalformedError, NewerFormatError)):
                decode_state(bytes(flipped))


@pytest.mark.fault("S02")
def test_every_cut_is_noticed() -> None:
    for length in range(len(DATA)):
        with pytest.raises(MalformedError):
            decode_state(DATA[:length])


@pytest.mark.fault("S01", "S02")
@pytest.mark.parametrize(
    "data", [b"", b"\0" * 4096, DATA[:300], DATA + b"\0" * 9, DATA.replace(b"\n", b"\r\n")]
)
def test_a_damaged_file_is_never_no_state_and_offers_the_previous(state: Path, data: bytes) -> None:
    state.parent.mkdir()
    state.write_bytes(data)
    with refused("state-damaged") as caught:
        load(str(state))
    assert "reconcile state restore" in str(caught.value.diagnostics[0].hint)
    assert state.read_bytes() == data


@pytest.mark.fault("S04")
def test_a_newer_format_is_refused_by_the_name_of_its_writer(state: Path) -> None:
    state.parent.mkdir()
    newer = DATA.replace(b'"format_version": 3, "writer": "', b'"format_version": 5, "writer": "x')
    state.write_bytes(newer)
    with refused("state-newer-format") as caught:
        load(str(state))
    assert "xreconcile 0.1.0" in caught.value.diagnostics[0].detail
    assert state.read_bytes() == newer


@pytest.mark.fault("S08", "S09", "S10")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"serial": 3', b'"serial": -3'),
        (b'"serial": 3', b'"serial": true'),
        (b'"serial": 3', b'"serial": 9223372036854775808'),
        (b'"serial": 3', b'"serial": 3.0'),
        (b'"serial": 3', b'"cereal": 3'),
        (b'"failures": 2', b'"failures": "2"'),
        (b'"failures": 2', b'"failures": null'),
        (b'"kind": "refresh"', b'"kind": "other"'),
        (b'"accepted": true', b'"accepted": 1'),
        (b'"host": "https://omni"', b'"host": "\\ud800"'),
        (b"1.5", b"1e999"),
        (b"1.5", b"NaN"),
        (b'"2026-11-22T12:00:00Z"', b'"2026-11-22T12:00:00"'),
        (b'"items": {', b'"items": [], "more": {'),
    ],
)
def test_a_file_made_to_mislead_is_damaged_too(state: Path, old: bytes, new: bytes) -> None:
    assert decode_state(resealed(DATA)) == STATE
    state.parent.mkdir()
    state.write_bytes(resealed(DATA.replace(old, new, 1)))
    with refused("state-damaged"):
        load(str(state))


def test_a_large_state_survives() -> None:
    assert decode_state(LARGE_DATA) == LARGE


@pytest.mark.parametrize("indent", [None, 1, 2, 4])
def test_a_state_laid_out_otherwise_is_the_same_state(indent: int | None) -> None:
    head, _, rest = LARGE_DATA.partition(b"\n")
    laid_out = json.dumps(json.loads(b"{" + rest), indent=indent).encode()
    assert decode_state(resealed(head + b"\n" + laid_out[1:])) == LARGE


def test_what_is_no_json_is_refused_by_its_place_in_the_file() -> None:
    lines = LARGE_DATA.split(b"\n")
    lines[-3] = b"    },"
    with pytest.raises(MalformedError, match=r"strict JSON .*byte \d+"):
        decode_state(resealed(b"\n".join(lines)))


@given(st.integers(0, len(LARGE_DATA) - 1), st.sampled_from(b'{}[],:"\n 0'))
def test_a_large_state_is_read_as_the_json_it_is_or_not_at_all(place: int, byte: int) -> None:
    edited = bytearray(LARGE_DATA)
    edited[place] = byte
    try:
        recorded = decode_state(resealed(bytes(edited)))
    except MalformedError:
        return
    items = json.loads(resealed(bytes(edited)))["items"]
    assert recorded.items == {address: convert(items[address], Record) for address in items}


@pytest.mark.fault("S10")
def test_a_huge_file_is_refused_unread(state: Path) -> None:
    state.parent.mkdir()
    with state.open("wb") as file:
        file.truncate(1 << 40)
    with refused("state-too-large"):
        load(str(state))


@pytest.mark.fault("T07")
def test_only_instants_of_the_calendar_are_stored(state: Path) -> None:
    with open_at(state) as session:
        session.append(intent(1), done(1), Noted(NOON, SALES, {"timing": "6h"}))
    record = json.loads(state.read_text())["items"][SALES]
    assert record["since"] == record["last_success"] == "2026-11-22T12:00:00Z"
