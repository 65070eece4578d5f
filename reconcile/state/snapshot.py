"""The state file: readable JSON, made for `git diff`, that proves it is what was saved.

Its first line carries the format's version, who wrote it, and a sha256 of all other bytes.
"""

import gc
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

from pydantic_core import from_json, to_json

from reconcile import __version__
from reconcile.errors import ReconcileError
from reconcile.model.address import Address
from reconcile.model.recorded import Record, Recorded
from reconcile.model.struct import replace
from reconcile.state.codec import (
    MalformedError,
    count,
    decode_instant,
    decode_json,
    decode_record,
    decode_schedule,
    encode_instant,
    encode_record,
    encode_schedule,
    fields,
    table,
    text,
)
from reconcile.state.errors import refusal, told_plainly
from reconcile.state.files import Location, identity, read_file, replace_file
from reconcile.state.lock import state_replaced

# The state file as one session knows it.


class StateFile:
    """The state file, and whether it still is what this session read or wrote.

    `saved` is the sequence it reaches to.
    """

    def __init__(self, location: Location, saved: int) -> None:
        self.saved = saved
        self._location = location
        self._identity = identity(location.state)

    def save(self, recorded: Recorded) -> Recorded:
        """Save a state, its serial one higher, and return it so. Raises ReconcileError."""
        grown = replace(recorded, serial=recorded.serial + 1)
        location = self._location
        replace_file(location.state, encode_state(grown), previous=location.previous)
        self._identity = identity(location.state)
        self.saved = grown.sequence
        return grown

    def is_untouched(self) -> bool:
        """Tell whether nobody else has replaced, changed or removed the file."""
        try:
            return identity(self._location.state) == self._identity
        except ReconcileError:
            return False

    def rescue(self, recorded: Recorded) -> ReconcileError:
        """Save a state beside a file that is somebody else's by now, and return what to say."""
        rescued = free_name(self._location.state, "rescued")
        replace_file(rescued, encode_state(replace(recorded, serial=recorded.serial + 1)))
        return state_replaced(self._location.state, rescued)


# Writing the state file. Apart from reading it, which most commands do without writing.
#
# Imported by whoever may save, at once: an import is no thing to try when descriptors run out or a
# disk is failing, with calls made and not yet saved.


def encode_state(recorded: Recorded) -> bytes:
    """Encode a state. The same state gives the same bytes."""
    wrong_at = recorded.clock_wrong_at
    with collector_paused():
        plain = {
            "lineage": recorded.lineage,
            "serial": recorded.serial,
            "sequence": recorded.sequence,
            **({} if recorded.host is None else {"host": recorded.host}),
            **({} if wrong_at is None else {"clock_wrong_at": encode_instant(wrong_at)}),
            **_schedules(recorded),
            "items": {
                address: encode_record(record) for address, record in sorted(recorded.items.items())
            },
        }
        rest = to_json(plain, indent=2).removeprefix(b"{\n") + b"\n"
    before = b'{"format_version": %d, "writer": "reconcile %s", "sha256": "' % (
        FORMAT_VERSION,
        __version__.encode(),
    )
    after = b'",\n' + rest
    return b"".join((before, checksum_of(before, after), after))


def _schedules(recorded: Recorded) -> dict[str, object]:
    """Leave out what there is none of: a state without schedules keeps its bytes."""
    if not recorded.schedules:
        return {}
    return {
        "schedules": {
            address: encode_schedule(record)
            for address, record in sorted(recorded.schedules.items())
        }
    }


# Setting files aside under a name of their own: nothing anybody may want is thrown away.

_MOST = 1_000


def free_name(path: Path, label: str) -> Path:
    """Return a name beside a file that nothing has yet. Raises ReconcileError if there is none."""
    for number in range(1, _MOST):
        free = path.with_name(f"{path.name}.{label}-{number}")
        if not os.path.lexists(free):
            return free
    raise refusal(
        "state-file-error",
        "A state file cannot be used",
        f"{path} cannot be set aside: {_MOST} files were before it.",
        path=path,
    )


def copy_aside(path: Path) -> tuple[Path, ...]:
    """Copy a file aside, if it is there: its place must not be empty for even a moment."""
    data = read_file(path, MAX_STATE_BYTES)
    if data is None:
        return ()
    aside = free_name(path, "damaged")
    replace_file(aside, data)
    return (aside,)


def move_aside(path: Path) -> tuple[Path, ...]:
    """Move a file aside, if it is there."""
    if not os.path.lexists(path):
        return ()
    aside = free_name(path, "damaged")
    with told_plainly(path, "set aside"):
        path.rename(aside)
    return (aside,)


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


# Pausing the garbage collector while a large state is built.


@contextmanager
def collector_paused() -> Iterator[None]:
    """Build many objects at once without being searched for cycles over and over.

    At 100,000 items the search costs several times what reading them does.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
