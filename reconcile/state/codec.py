"""Records and journal entries as JSON, and back. `decode(encode(x)) == x`.

What msgspec makes of the nouns themselves is the format, but for what stands otherwise in a file
than in memory: a schedule's values lie beside its ids, and of a refusal stands whom it blames. Such
a noun has a wire form here.
"""

import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar, get_args

import msgspec
from msgspec import Struct, field

from reconcile.model.address import Address
from reconcile.model.desired import ScheduleSpec
from reconcile.model.journal import (
    Accepted,
    Began,
    Blamed,
    ClockMended,
    Done,
    Doubted,
    EndUnseen,
    Entry,
    Failed,
    Forgotten,
    Intent,
    Looked,
    Marked,
    Missed,
    Moved,
    Noted,
    NotSent,
    Redated,
    Rejected,
    Renamed,
    ScheduleGone,
    ScheduleIntent,
    ScheduleKept,
    Waived,
    Written,
)
from reconcile.model.plan import Request, ScheduleAct
from reconcile.model.recorded import PendingWrite, ScheduleRecord

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


class _ScheduleIntent(Written, frozen=True, kw_only=True, tag="schedule_intent"):
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


class _ScheduleKept(Written, frozen=True, kw_only=True, tag="schedule_kept"):
    address: Address
    operation: str | None = None
    connection_id: str
    cron: str
    timezone: str
    hard: bool
    schedule_id: str


class _Rejected(Written, frozen=True, tag="rejected"):
    operation: str
    message: str
    blames_item: bool = True
    blames: tuple[Address, ...] | None = None


class _Move(Struct, frozen=True, forbid_unknown_fields=True):
    old: Address = field(name="from")
    new: Address = field(name="to")


class _Renamed(Written, frozen=True, tag="renamed"):
    moves: tuple[_Move, ...]


Wire = (
    Intent
    | NotSent
    | _Rejected
    | Blamed
    | Accepted
    | Doubted
    | Looked
    | EndUnseen
    | Done
    | Failed
    | Noted
    | Missed
    | Forgotten
    | Marked
    | Moved
    | _Renamed
    | ClockMended
    | Redated
    | Began
    | Waived
    | _ScheduleIntent
    | _ScheduleKept
    | ScheduleGone
)


def _to_wire(entry: Entry) -> Wire:
    match entry:
        case Rejected(at, operation, message, blames):
            return _Rejected(at, operation, message, blames != (), blames or None)
        case Renamed(at, moves):
            return _Renamed(at, tuple(_Move(old, new) for old, new in moves))
        case ScheduleIntent() | ScheduleKept():
            told = {name: getattr(entry, name) for name in entry.__struct_fields__}
            spec: ScheduleSpec = told.pop("spec")
            wire = _ScheduleIntent if isinstance(entry, ScheduleIntent) else _ScheduleKept
            return wire(cron=spec.cron, timezone=spec.zone, hard=spec.hard, **told)
        case _:
            return entry


def _from_wire(wire: Wire) -> Entry:
    match wire:
        case _Rejected(at, operation, message, blames_item, blames):
            return Rejected(at, operation, message, blames if blames_item else ())
        case _Renamed(at, moves):
            return Renamed(at, tuple((move.old, move.new) for move in moves))
        case _ScheduleIntent() | _ScheduleKept():
            told: dict[str, Any] = {name: getattr(wire, name) for name in wire.__struct_fields__}
            spec = ScheduleSpec(told.pop("cron"), told.pop("timezone"), told.pop("hard"))
            entry = ScheduleIntent if isinstance(wire, _ScheduleIntent) else ScheduleKept
            return entry(spec=spec, **told)
        case _:
            return wire


# Journal entries.


def encode_entry(entry: Entry) -> bytes:
    """Encode one entry; the key `entry` names its type. Raises ValueError for what JSON lacks."""
    wire = _to_wire(entry)
    _require_sayable(wire)
    try:
        return encode(wire)
    except UnicodeEncodeError:
        # Omni's words may hold half a surrogate pair. An outcome is written down whatever it says.
        plain = msgspec.to_builtins(wire, enc_hook=_plain)
        words = json.dumps(plain, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return words.encode("utf-8", "replace")


def plain_entry(entry: Entry) -> dict[str, object]:
    """Return one entry as plain values, as the journal has it."""
    wire = _to_wire(entry)
    _require_sayable(wire)
    plain: dict[str, object] = msgspec.to_builtins(wire, enc_hook=_plain)
    return plain


def decode_entry(value: Mapping[str, object]) -> Entry:
    """Decode one entry from plain values. Raises MalformedError."""
    wire: Wire = _malformed(lambda: msgspec.convert(value, Wire))
    return _from_wire(wire)


def _require_sayable(wire: Written) -> None:
    """Raise ValueError for what msgspec would write otherwise: no time zone, or no number."""
    for name in wire.__struct_fields__:
        value = getattr(wire, name)
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{value} is no number of JSON")


def _tag(kind: type[Written]) -> str:
    return str(kind.__struct_config__.tag)


WORDS: Final[Mapping[type[Entry], str]] = {kind: _tag(kind) for kind in get_args(Entry)}
"""What each entry is called in the journal, and in all that is printed of it."""
