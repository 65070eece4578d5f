"""The state file: readable JSON, made for `git diff`, that proves it is what was saved.

Its first line carries the format's version, who wrote it, and a sha256 of all other bytes.
"""

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from types import MappingProxyType

from pydantic_core import from_json

from reconcile.model.address import Address
from reconcile.model.recorded import Record, Recorded
from reconcile.state.codec import decode_instant, decode_record
from reconcile.state.collector import collector_paused
from reconcile.state.schedule_codec import decode_schedule
from reconcile.state.strict import MalformedError, count, decode_json, fields, table, text

FORMAT_VERSION = 3
"""Of everything that is saved. It says whose id carried a call, what is in doubt or unseen."""
SCHEDULES_VERSION = 2
"""From which on a state may hold native schedules."""
OLDEST_VERSION = 1
MAX_STATE_BYTES = 1 << 30
"""About three times what 100,000 models of three items each come to."""

_HEAD = re.compile(
    rb'(\{"format_version": ([0-9]{1,9}), "writer": "([!#-\[\]-~ ]{1,80})", "sha256": ")'
    rb'([0-9a-f]{64})(",\n)'
)
_ITEMS = b'\n  "items": {'
_NEXT_ITEM = b'\n    },\n    "'
"""Ends an item and begins the next, as we lay them out. No string holds a line break; and where it
stood at another depth, the braces put around a block would not close it, and it would not parse."""
_BLOCK_BYTES = 1 << 16
_KEYS = (
    "format_version", "writer", "sha256",
    "lineage", "serial", "sequence", "host", "clock_wrong_at", "schedules", "items",
)  # fmt: skip


class NewerFormatError(Exception):
    """A state file of a later format; its text is who wrote it."""


def decode_state(data: bytes) -> Recorded:
    """Decode a state. Raises MalformedError, NewerFormatError."""
    head = _HEAD.match(data)
    if head is None:
        raise MalformedError(_why_no_head(data))
    before, version, writer, checksum, _ = head.groups()
    if int(version) > FORMAT_VERSION:
        raise NewerFormatError(writer.decode())
    if checksum_of(before, memoryview(data)[head.start(5) :]) != checksum:
        raise MalformedError("its checksum does not fit its content")
    if int(version) < OLDEST_VERSION:
        raise MalformedError("its format version never existed")
    with collector_paused():
        return _decode_plain(_envelope(data), _records(data))


def is_outdated(data: bytes) -> bool:
    """Tell whether a state file is of an earlier format than those that are saved now."""
    head = _HEAD.match(data)
    return head is not None and int(head[2]) < FORMAT_VERSION


def _envelope(data: bytes) -> dict[str, object]:
    """Read all but the items."""
    start = data.find(_ITEMS)
    return fields(decode_json(data if start < 0 else data[:start] + _ITEMS + b"}}"), *_KEYS)


def _records(data: bytes) -> dict[Address, Record]:
    """Read the items, three times as fast as `decode_json` would.

    What that refuses and this does not is a key that occurs twice: the checksum says that we wrote
    the file, and we write none twice.
    """
    try:
        return _records_in(_blocks(data))
    except (ValueError, MalformedError):
        pass  # Not as we lay it out, or wrong. Read as one it is known what, and where in the file.
    try:
        return _records_in((data,))
    except ValueError as error:
        raise MalformedError(f"it is not strict JSON ({error})") from None


def _blocks(data: bytes) -> Iterator[bytes]:
    """Cut a state between items, into states that have a few of them and nothing else.

    Read one after the other, they take the memory of one, and what is decoded is still at hand.
    """
    start = data.find(_ITEMS)
    if start < 0:
        yield data
        return
    start += len(_ITEMS)
    while (end := data.find(_NEXT_ITEM, start + _BLOCK_BYTES)) >= 0:
        yield b"".join((b"{", _ITEMS, data[start:end], b"}}}"))
        start = end + len(_NEXT_ITEM) - 1
    yield b"".join((b"{", _ITEMS, data[start:]))


def _records_in(documents: Iterable[bytes]) -> dict[Address, Record]:
    """Read the items of each. Raises ValueError for what is no JSON, MalformedError."""
    records = {}
    for document in documents:
        items = fields(from_json(document, allow_inf_nan=False), *_KEYS).get("items")
        if type(items) is not dict:
            raise MalformedError("it has no items")
        for address, record in items.items():
            records[address] = decode_record(record)
    return records


def _decode_plain(plain: dict[str, object], items: dict[Address, Record]) -> Recorded:
    return Recorded(
        lineage=text(plain.get("lineage")),
        serial=count(plain.get("serial")),
        sequence=count(plain.get("sequence")),
        host=text(plain["host"]) if "host" in plain else None,
        clock_wrong_at=decode_instant(plain["clock_wrong_at"])
        if "clock_wrong_at" in plain
        else None,
        items=MappingProxyType(items),
        schedules=MappingProxyType(
            {
                Address(address): decode_schedule(record)
                for address, record in table(plain.get("schedules", {})).items()
            }
        ),
    )


def checksum_of(before: bytes, after: bytes | memoryview) -> bytes:
    """Return the checksum of a file's bytes before and after it."""
    checksum = sha256(before)
    checksum.update(after)
    return checksum.hexdigest().encode()


def _why_no_head(data: bytes) -> str:
    if not data.strip(b"\0"):
        return "it is empty" if not data else "it is nothing but zero bytes"
    if data.startswith(b"<<<<<<<") or b"\n<<<<<<< " in data:
        return "it holds the marks of an unfinished merge"
    return "its first line is not that of a state file"
