"""The state file: readable JSON, made for `git diff`, that proves it is what was saved.

Its first line carries the format's version, who wrote it, and a sha256 of all other bytes.
"""

import gc
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from msgspec import Meta, Raw, Struct, field, json

from reconcile import __version__
from reconcile.errors import ReconcileError
from reconcile.model.address import Address
from reconcile.model.recorded import Record, Recorded
from reconcile.model.struct import Count, Instant, replace
from reconcile.state.codec import Declared, MalformedError, decode, encode
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


class _Snapshot(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A state as the file has it below its first line: what there is none of is left out."""

    lineage: str
    serial: Count
    sequence: Count
    host: str | None = None
    clock_wrong_at: Instant | None = None
    schedules: dict[Address, Declared] = field(default_factory=dict)
    items: dict[Address, Record]


def encode_state(recorded: Recorded) -> bytes:
    """Encode a state. The same state gives the same bytes."""
    snapshot = _Snapshot(
        lineage=recorded.lineage,
        serial=recorded.serial,
        sequence=recorded.sequence,
        host=recorded.host,
        clock_wrong_at=recorded.clock_wrong_at,
        schedules={a: Declared.of(record) for a, record in sorted(recorded.schedules.items())},
        items=dict(sorted(recorded.items.items())),
    )
    rest = json.format(encode(snapshot), indent=2).removeprefix(b"{\n") + b"\n"
    before = b'{"format_version": %d, "writer": "reconcile %s", "sha256": "' % (
        FORMAT_VERSION,
        __version__.encode(),
    )
    after = b'",\n' + rest
    return b"".join((before, checksum_of(before, after), after))


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
        return _recorded(_read(data))


def is_outdated(data: bytes) -> bool:
    """Tell whether a state file is of an earlier format than those that are saved now."""
    head = _HEAD.match(data)
    return head is not None and int(head[2]) < FORMAT_VERSION


_Version = Annotated[
    int, Meta(extra_json_schema={"enum": list(range(OLDEST_VERSION, FORMAT_VERSION + 1))})
]
_Checksum = Annotated[
    str, Meta(description="of all other bytes", extra_json_schema={"pattern": "^[0-9a-f]{64}$"})
]


class SavedState(_Snapshot, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `reconcile state pull` prints, and the state file holds; what is not known is absent.

    `lineage`: the same for as long as one version continues the other. `serial` grows by one with
    every saved change. `sequence`: the last journal entry that is folded in. `host`: the instance
    it is bound to. `clock_wrong_at`: when a run last found its clock wrong.
    """

    format_version: _Version
    writer: str
    sha256: _Checksum


class _Items(Struct, frozen=True):
    items: dict[Address, Raw]


def _read(data: bytes) -> SavedState:
    try:
        return decode(data, SavedState)
    except MalformedError:
        _require_records(data)
        raise


def _require_records(data: bytes) -> None:
    """Raise MalformedError for the first record that is wrong: it alone knows whose it is."""
    for address, raw in decode(data, _Items).items.items():
        try:
            decode(raw, Record)
        except MalformedError as error:
            raise MalformedError(f"{error} in the record of {address}") from None


def _recorded(file: SavedState) -> Recorded:
    schedules = {address: declared.record() for address, declared in file.schedules.items()}
    return Recorded(
        lineage=file.lineage,
        serial=file.serial,
        sequence=file.sequence,
        host=file.host,
        clock_wrong_at=file.clock_wrong_at,
        items=MappingProxyType(file.items),
        schedules=MappingProxyType(schedules),
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
