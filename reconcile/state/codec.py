"""States, records and journal entries as JSON, and back. `decode(encode(x)) == x`.

What msgspec makes of the nouns themselves is the format, but for what stands otherwise in a file
than in memory: a schedule's values lie beside its ids, and of a refusal stands whom it blames. Such
a noun has a wire form here.
"""

import gc
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from reconcile import __version__
from reconcile.model import journal
from reconcile.model.address import Address
from reconcile.model.desired import ScheduleSpec
from reconcile.model.plan import Request, ScheduleAct
from reconcile.model.recorded import PendingWrite, Record, Recorded, ScheduleRecord, Signal
from reconcile.model.struct import Count, Instant

ValueT = TypeVar("ValueT")


class MalformedError(Exception):
    """Bytes that are not what they should be. Its text says why, to a person."""


def decode(data: bytes | memoryview, kind: type[ValueT]) -> ValueT:
    """Read JSON as values of a kind. Raises MalformedError for what it does not say plainly."""
    return _malformed(lambda: msgspec.json.decode(data, type=kind))


def convert(value: object, kind: type[ValueT]) -> ValueT:
    """Take plain JSON values as those of a kind. Raises MalformedError."""
    return _malformed(lambda: msgspec.convert(value, kind))


def encode(value: object) -> bytes:
    """Write a value as JSON, compactly."""
    return msgspec.json.encode(value, enc_hook=_plain)


def _malformed(read: Callable[[], ValueT]) -> ValueT:
    try:
        return read()
    except RecursionError:
        raise MalformedError("it is nested too deeply") from None
    except msgspec.ValidationError as error:
        raise MalformedError(_told(error)) from None
    except msgspec.DecodeError as error:
        raise MalformedError(f"it is not strict JSON ({error})") from None
    except UnicodeError:
        raise MalformedError("it is not plain UTF-8 text") from None


def _told(error: msgspec.ValidationError) -> str:
    """Say it as part of a sentence of ours: `expected `str`, got `int` - at `$.lineage``."""
    said = str(error)
    return said[:1].lower() + said[1:]


def _plain(value: object) -> object:
    """Put a plain mapping in the place of a read-only one, the only thing that needs it."""
    if isinstance(value, Mapping):
        return dict(value)
    raise NotImplementedError


# What stands otherwise in a file than in memory.


class Declared(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is known of one native schedule, as the state has it."""

    connection_id: str
    cron: str
    timezone: str
    hard: bool
    schedule_id: str | None = None
    pending: PendingWrite | None = None

    @staticmethod
    def of(record: ScheduleRecord) -> "Declared":
        """Lay the values of a schedule beside its ids."""
        spec = record.spec
        return Declared(
            record.connection_id,
            spec.cron,
            spec.zone,
            spec.hard,
            record.schedule_id,
            record.pending,
        )

    def record(self) -> ScheduleRecord:
        """Return what was meant."""
        return ScheduleRecord(
            connection_id=self.connection_id,
            spec=ScheduleSpec(self.cron, self.timezone, self.hard),
            schedule_id=self.schedule_id,
            pending=self.pending,
        )


class _ScheduleIntent(journal.Written, frozen=True, kw_only=True, tag="schedule_intent"):
    address: Address
    operation: str
    connection_id: str
    cron: str
    timezone: str
    hard: bool
    schedule_id: str | None = None
    act: ScheduleAct
    request: Request
    host: str


class _ScheduleKept(journal.Written, frozen=True, kw_only=True, tag="schedule_kept"):
    address: Address
    operation: str | None = None
    connection_id: str
    cron: str
    timezone: str
    hard: bool
    schedule_id: str


class _Rejected(journal.Written, frozen=True, tag="rejected"):
    operation: str
    message: str
    blames_item: bool = True
    blames: tuple[Address, ...] | None = None


class _Move(Struct, frozen=True, forbid_unknown_fields=True):
    old: Address = field(name="from")
    new: Address = field(name="to")


class _Renamed(journal.Written, frozen=True, tag="renamed"):
    moves: tuple[_Move, ...]


Wire = (
    journal.Intent
    | journal.NotSent
    | _Rejected
    | journal.Blamed
    | journal.Accepted
    | journal.Doubted
    | journal.Looked
    | journal.EndUnseen
    | journal.Done
    | journal.Failed
    | journal.Noted
    | journal.Missed
    | journal.Forgotten
    | journal.Marked
    | journal.Moved
    | _Renamed
    | journal.ClockMended
    | journal.Redated
    | journal.Began
    | journal.Waived
    | journal.Signalled
    | _ScheduleIntent
    | _ScheduleKept
    | journal.ScheduleGone
)


def _to_wire(entry: journal.Entry) -> Wire:
    match entry:
        case journal.Rejected(at, operation, message, blames):
            return _Rejected(at, operation, message, blames != (), blames or None)
        case journal.Renamed(at, moves):
            return _Renamed(at, tuple(_Move(old, new) for old, new in moves))
        case journal.ScheduleIntent() | journal.ScheduleKept():
            told = {name: getattr(entry, name) for name in entry.__struct_fields__}
            spec: ScheduleSpec = told.pop("spec")
            wire = _ScheduleIntent if isinstance(entry, journal.ScheduleIntent) else _ScheduleKept
            return wire(cron=spec.cron, timezone=spec.zone, hard=spec.hard, **told)
        case _:
            return entry


def _from_wire(wire: Wire) -> journal.Entry:
    match wire:
        case _Rejected(at, operation, message, blames_item, blames):
            return journal.Rejected(at, operation, message, blames if blames_item else ())
        case _Renamed(at, moves):
            return journal.Renamed(at, tuple((move.old, move.new) for move in moves))
        case _ScheduleIntent() | _ScheduleKept():
            told: dict[str, Any] = {name: getattr(wire, name) for name in wire.__struct_fields__}
            spec = ScheduleSpec(told.pop("cron"), told.pop("timezone"), told.pop("hard"))
            entry = (
                journal.ScheduleIntent
                if isinstance(wire, _ScheduleIntent)
                else journal.ScheduleKept
            )
            return entry(spec=spec, **told)
        case _:
            return wire


# Journal entries.


def encode_entry(entry: journal.Entry) -> bytes:
    """Encode one entry; the key `entry` names its type. Raises ValueError for what JSON lacks."""
    try:
        return encode(_sayable(entry))
    except UnicodeEncodeError:
        # Omni's words may hold half a surrogate pair. An outcome is written down whatever it says.
        plain = plain_entry(entry)
        words = json.dumps(plain, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return words.encode("utf-8", "replace")


def plain_entry(entry: journal.Entry) -> dict[str, object]:
    """Return one entry as plain values, as the journal has it."""
    plain: dict[str, object] = msgspec.to_builtins(_sayable(entry), enc_hook=_plain)
    return plain


def decode_entry(value: Mapping[str, object]) -> journal.Entry:
    """Decode one entry from plain values. Raises MalformedError."""
    wire: Wire = _malformed(lambda: msgspec.convert(value, Wire))
    return _from_wire(wire)


def _sayable(entry: journal.Entry) -> Wire:
    """Raise ValueError for what msgspec would write otherwise: no time zone, or no number."""
    wire = _to_wire(entry)
    for name in wire.__struct_fields__:
        value = getattr(wire, name)
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{value} is no number of JSON")
    return wire


# The state file: readable JSON, made for `git diff`, that proves it is what was saved.
#
# Its first line carries the format's version, who wrote it, and a sha256 of all other bytes.

FORMAT_VERSION = 4
"""Of everything that is saved. Since 3 it says whose id carried a call, what is in doubt or unseen;
since 4 which signals came."""
_WITHOUT_SIGNALS = 3
"""What is saved where no signal ever came, so that an earlier version goes on reading it."""
SCHEDULES_VERSION = 2
"""From which on a state may hold native schedules."""
OLDEST_VERSION = 1
MAX_STATE_BYTES = 1 << 30
"""About three times what 100,000 models of three items each come to."""

_HEAD = re.compile(
    rb'(\{"format_version": ([0-9]{1,9}), "writer": "([!#-\[\]-~ ]{1,80})", "sha256": ")'
    rb'([0-9a-f]{64})(",\n)'
)


class _Snapshot(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A state as the file has it below its first line: what there is none of is left out."""

    lineage: str
    serial: Count
    sequence: Count
    host: str | None = None
    clock_wrong_at: Instant | None = None
    schedules: dict[Address, Declared] = field(default_factory=dict)
    signals: dict[str, tuple[Signal, ...]] = field(default_factory=dict)
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
        signals=dict(sorted(recorded.signals.items())),
        items=dict(sorted(recorded.items.items())),
    )
    rest = msgspec.json.format(encode(snapshot), indent=2).removeprefix(b"{\n") + b"\n"
    before = b'{"format_version": %d, "writer": "reconcile %s", "sha256": "' % (
        FORMAT_VERSION if recorded.signals else _WITHOUT_SIGNALS,
        __version__.encode(),
    )
    after = b'",\n' + rest
    return b"".join((before, checksum_of(before, after), after))


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
    return head is not None and int(head[2]) < _WITHOUT_SIGNALS


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
    items: dict[Address, msgspec.Raw]


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
        signals=MappingProxyType(file.signals),
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
    if data[: data.find(b"\n")].endswith(b"\r"):
        return "its line ends were changed to CRLF, as git's core.autocrlf does"
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
