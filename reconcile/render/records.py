"""What is recorded, what happened, which signals came: documents of `show`, `state`, `signal`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Annotated, Final, Literal, Self, get_args

from msgspec import UNSET, Meta, Struct, UnsetType, convert, defstruct, to_builtins
from msgspec.structs import asdict, fields

from reconcile.model.address import Address
from reconcile.model.desired import ScheduleSpec
from reconcile.model.journal import Entry, Numbered, Rejected, Renamed
from reconcile.model.plan import Standing
from reconcile.model.reason import Status
from reconcile.model.recorded import (
    NO_RECORD,
    Carrier,
    Consumed,
    Coverage,
    Kind,
    Record,
    Recorded,
    ScheduleRecord,
    Signal,
)
from reconcile.model.struct import Instant, Telling
from reconcile.render import documents
from reconcile.render.layout import Cell, Ink, escape_terminal, wrap
from reconcile.render.outline import STATUS_INKS, next_moment, status_word
from reconcile.render.reasons import home_zone
from reconcile.render.words import Vantage, address_text, interval_text, sent_text

# What is recorded of one address.

Attempt = Annotated[
    int,
    Meta(
        description="counts the calls for one slot; those before it were never seen to end",
        extra_json_schema={"minimum": 1},
    ),
]


class FailureDocument(Struct, frozen=True, kw_only=True):
    """When a call failed, and in whose words."""

    at: Instant
    message: str


class LookDocument(Struct, frozen=True, kw_only=True):
    """What was last learned of a job.

    `answer`: Omni's word for how it stands, or why there was none. `absent` and `forbidden`: the
    looks, two minutes apart at least, at which Omni did not know it, or did not let it be read;
    `counted_at`: the newest of these.
    """

    at: Instant
    answer: str
    absent: documents.Count
    forbidden: documents.Count
    counted_at: Instant | None


class SettledDocument(Struct, frozen=True, kw_only=True):
    """What is settled once a call succeeds.

    `slot`: that is made up. `stamp`: the resetAt that is sent. `content`: hash of watched files.
    """

    slot: Instant | None
    stamp: Instant | None
    content: str | None
    attempt: Attempt


class PendingDocument(Struct, frozen=True, kw_only=True):
    """A call whose outcome is not known yet.

    `since`: when its intent was written. `job_id`: null where there is none to ask after.
    `accepted`: Omni took it; else it may or may not have been sent. `carrier`: the model whose id
    carried it, where that is another's.
    """

    operation: str
    kind: Kind
    since: Instant
    job_id: str | None
    accepted: bool
    coverage: SettledDocument
    carrier: Carrier | None
    look: LookDocument | None


class UnseenDocument(Struct, frozen=True, kw_only=True):
    """The last accepted refresh, while nobody knows how it ended; `at`: when it was given up.

    `forbidden`: its job may not be read, so that it is not called again before its next slot.
    """

    call: PendingDocument
    at: Instant
    answer: str
    forbidden: bool


class RecordedItem(Struct, frozen=True, kw_only=True):
    """What is known of one item, as `reconcile state show ADDRESS --format json` prints it.

    Null: nothing. `declared`: when an apply last saw it. `since`: when an apply first saw its
    present timing. `covered_slot`: the newest that a success made up. `stamp`: the newest resetAt
    that Omni acknowledged. `content`: hash of its watched files when it last succeeded.
    `last_success`: when that call was sent, `completed_at`: when its job was seen to end.
    `missed_slot`: the newest that passed its deadline. `failures`, `doubts`: in a row.
    `durations_s`: how long its newest jobs took, oldest first. `carrier`: the model whose id
    carried the call that covers it, where that is another's. `marked_at`: when a person said that
    it is due again, until it has run.
    """

    format_version: Literal[1] | UnsetType = UNSET
    address: documents.AnyAddress
    declared: dict[str, object] | None
    since: Instant | None
    covered_slot: Instant | None
    stamp: Instant | None
    content: str | None
    last_success: Instant | None
    completed_at: Instant | None
    missed_slot: Instant | None
    failures: documents.Count
    last_failure: FailureDocument | None
    pending: PendingDocument | None
    durations_s: tuple[documents.Seconds, ...]
    carrier: Carrier | None
    doubts: documents.Count
    last_doubt: FailureDocument | None
    unseen: UnseenDocument | None
    marked_at: Instant | None

    @classmethod
    def of(cls, address: Address, record: Record) -> Self:
        """Return what is recorded of one address."""
        known = {"address": address, **asdict(record)}
        return convert(known, cls, from_attributes=True)


class RecordedSchedule(Struct, frozen=True, kw_only=True):
    """What is known of one of Omni's own schedules that is ours, as it was last applied.

    `schedule_id`: null while its creation is in doubt. `in_doubt_since`: the intent of a write
    whose outcome is not known.
    """

    format_version: Literal[1] | UnsetType = UNSET
    address: documents.ScheduleAddress
    connection_id: str
    schedule_id: str | None
    cron: str
    timezone: str
    hard: bool
    in_doubt_since: Instant | None

    @property
    def spec(self) -> ScheduleSpec:
        """What was applied."""
        return ScheduleSpec(self.cron, self.timezone, self.hard)

    @classmethod
    def of(cls, address: Address, record: ScheduleRecord) -> Self:
        """Return what is recorded of one schedule."""
        return cls(
            address=address,
            connection_id=record.connection_id,
            schedule_id=record.schedule_id,
            cron=record.spec.cron,
            timezone=record.spec.zone,
            hard=record.spec.hard,
            in_doubt_since=record.pending.since if record.pending else None,
        )


# All that is recorded, and how every item stands.


class RecordsDocument(documents.Printed, frozen=True, kw_only=True):
    """What `reconcile state list --format json` prints.

    `lineage`: the same for as long as one version continues the other. `serial` grows by one with
    every saved change. `host`: the instance it is bound to; null: no call was made yet.
    """

    lineage: str
    serial: documents.Count
    host: str | None
    items: tuple[RecordedItem, ...]
    schedules: tuple[RecordedSchedule, ...]


class StandingDocument(Struct, frozen=True, kw_only=True):
    """How one item stands; what the files declare no more has a record alone.

    `newest_slot`: its last that has passed. `next_slot`: its first to come. `until`: when its
    status changes by itself.
    """

    address: documents.AnyAddress
    status: Annotated[str, Meta(extra_json_schema={"enum": [*Status, "not_declared"]})]
    zone: str | None
    newest_slot: Instant | None
    next_slot: Instant | None
    until: Instant | None
    recorded: RecordedItem


class ItemsDocument(documents.Printed, frozen=True, kw_only=True):
    """What `reconcile show --format json` prints."""

    now: Instant
    items: Sequence[StandingDocument]
    schedules: tuple[RecordedSchedule, ...]


def records_json(recorded: Recorded) -> str:
    """Return all that is recorded, sorted by address."""
    return documents.encode(
        RecordsDocument(
            lineage=recorded.lineage,
            serial=recorded.serial,
            host=recorded.host,
            items=tuple(RecordedItem.of(*one) for one in sorted(recorded.items.items())),
            schedules=_schedules(recorded.schedules),
        )
    )


class StandingLine(Struct, frozen=True):
    """One item in a table. `view`: where its reader stands; `coming`: when it next matters."""

    name: str
    status: Cell
    view: Vantage
    last_success: datetime | None
    stamp: datetime | None
    coming: datetime | None


class ItemsOutline(Struct, frozen=True):
    """What JSON prints of all items, and a line for each; told as they are read.

    `view`: where the reader of the whole stands.
    """

    document: ItemsDocument
    view: Vantage
    lines: Sequence[StandingLine]


def listed(standings: Sequence[Standing], recorded: Recorded, now: datetime) -> ItemsOutline:
    """Return how every declared item stands, then what is only recorded; native schedules last."""
    declared = {standing.address for standing in standings}
    items = sorted(recorded.items.keys() - declared)
    schedules = sorted(recorded.schedules.keys() - declared)
    home = Vantage(home_zone(standings), now)

    def line(one: Standing | Address) -> StandingLine:
        if isinstance(one, str):
            name, status, view, coming = one, Cell("not declared", Ink.DIM), home, None
        else:
            name, status = one.address, Cell(status_word(one), STATUS_INKS[one.status])
            view, coming = Vantage(one.zone, now), next_moment(one)
        last = recorded.items.get(name, NO_RECORD)
        return StandingLine(address_text(name), status, view, last.last_success, last.stamp, coming)

    told: list[Standing | Address] = [*standings, *items]
    document = ItemsDocument(
        now=now,
        items=Telling(told, lambda one: _standing(one, recorded)),
        schedules=_schedules(recorded.schedules),
    )
    return ItemsOutline(document, home, Telling([*told, *schedules], line))


def _schedules(schedules: Mapping[Address, ScheduleRecord]) -> tuple[RecordedSchedule, ...]:
    return tuple(RecordedSchedule.of(*one) for one in sorted(schedules.items()))


def _standing(one: Standing | Address, recorded: Recorded) -> StandingDocument:
    address = one if isinstance(one, str) else one.address
    known = None if isinstance(one, str) else one
    return StandingDocument(
        address=address,
        status=known.status if known else "not_declared",
        zone=known.zone if known else None,
        newest_slot=known.newest_slot if known else None,
        next_slot=known.next_slot if known else None,
        until=known.until if known else None,
        recorded=RecordedItem.of(address, recorded.items.get(address, NO_RECORD)),
    )


# What happened, entry by entry: the journal's own words, and what is not known as null.


class CoverageDocument(Struct, frozen=True, kw_only=True):
    """What one call settles for one address."""

    address: documents.AnyAddress
    slot: Instant | None
    stamp: Instant | None
    content: str | None
    attempt: Attempt
    consumed: Consumed


_WHOLE: Final[Mapping[object, object]] = {
    Coverage | None: CoverageDocument | None,
    tuple[Coverage, ...]: tuple[CoverageDocument, ...],
    tuple[tuple[Address, Address], ...]: tuple[documents.Move, ...],
}
"""How a value of an entry is printed where that is otherwise than the journal has it."""


def word_of(kind: type[Entry]) -> str:
    """Return what the journal calls such an entry."""
    return str(kind.__struct_config__.tag)


def _line(kind: type[Entry]) -> type[Struct]:
    own = [(one.name, _WHOLE.get(one.type, one.type)) for one in fields(kind)]
    blames = [("blames_item", bool)] if kind is Rejected else []
    place = ("sequence", Annotated[int, Meta(description="its place in the journal, from 1 on")])
    return defstruct(
        kind.__name__,
        [place, *own, *blames],
        namespace={"__doc__": kind.__doc__},
        tag_field="entry",
        tag=word_of(kind),
        kw_only=True,
    )


_LINES: Final[Mapping[type[Entry], type[Struct]]] = {kind: _line(kind) for kind in get_args(Entry)}


class HistoryDocument(documents.Printed, frozen=True, kw_only=True):
    """What `reconcile state history --format json` prints, of all items or of one."""

    entries: tuple[reduce(or_, _LINES.values()), ...]  # type: ignore[valid-type]


def history_json(entries: Iterable[Numbered]) -> str:
    """Return what happened, entry by entry."""
    listed = [{"sequence": one.sequence, **_told(one)} for one in entries]
    return documents.encode({"format_version": 1, "entries": listed})


def _told(one: Numbered) -> Mapping[str, object]:
    entry, kind = one.entry, type(one.entry)
    told = {"entry": word_of(kind), "sequence": one.sequence, **asdict(entry)}
    if isinstance(entry, Rejected):
        told["blames_item"] = entry.blames != ()
    if isinstance(entry, Renamed):
        told["moves"] = [{"from": old, "to": new} for old, new in entry.moves]
    line = convert(told, _LINES[kind], from_attributes=True)
    plain: dict[str, object] = to_builtins(line, enc_hook=documents.plain_value)
    return plain


# Signals as signal shows them: who awaits each, its newest, and what it made due.


class KnownSignal(Struct, frozen=True):
    """What is known of one name. `usually`: how far apart its signals are as a rule.

    `refused`: when the last webhook came that was no signal, and why it was none.
    """

    name: str
    newest: Signal | None
    usually: timedelta | None
    awaited_by: tuple[Standing, ...]
    refused: tuple[datetime, str] | None = None


class Receipt(Struct, frozen=True):
    """Whether a signal that was sent changes anything. `why`: it does not, for the one at `at`."""

    name: str
    at: datetime
    why: str | None = None


class SignalDocument(Struct, frozen=True, kw_only=True):
    """A signal: when it happened, when it was told, by whom, and in what words."""

    at: Instant
    received: Instant
    by: str | None
    note: str | None


class RefusedWebhook(Struct, frozen=True):
    """The last webhook that was no signal."""

    at: Instant
    why: str


class AwaitingItem(Struct, frozen=True):
    """An item that awaits a signal."""

    address: documents.ItemAddress
    status: Status


class KnownSignalDocument(Struct, frozen=True, kw_only=True):
    """What is known of one name. `usually_s`: how far apart its signals are as a rule."""

    name: str
    newest: SignalDocument | None
    usually_s: documents.Seconds | None
    refused: RefusedWebhook | None
    awaited_by: tuple[AwaitingItem, ...]
    due: documents.Count


class SentSignal(Struct, frozen=True):
    """What became of the signal that was sent. `why`: it changes nothing."""

    recorded: bool
    why: str | None


class SignalsDocument(documents.Printed, frozen=True, kw_only=True):
    """What `reconcile signal --format json` prints, `sent` only where one was sent."""

    sent: SentSignal | UnsetType = UNSET
    signals: tuple[KnownSignalDocument, ...]


def signals_json(known: Iterable[KnownSignal], receipt: Receipt | None = None) -> str:
    """Return it as one JSON object; with `receipt`, what became of the signal that was sent."""
    sent = UNSET if receipt is None else SentSignal(receipt.why is None, receipt.why)
    return documents.encode(SignalsDocument(sent=sent, signals=tuple(map(_document, known))))


def _document(one: KnownSignal) -> KnownSignalDocument:
    newest = one.newest
    return KnownSignalDocument(
        name=one.name,
        newest=None if newest is None else convert(newest, SignalDocument, from_attributes=True),
        usually_s=None if one.usually is None else one.usually.total_seconds(),
        refused=one.refused and RefusedWebhook(*one.refused),
        awaited_by=tuple(AwaitingItem(s.address, s.status) for s in one.awaited_by),
        due=sum(standing.status is Status.DUE for standing in one.awaited_by),
    )


def signals_text(known: Iterable[KnownSignal], view: Vantage, width: int) -> str:
    """Return a line for each name, and one below it for each item that awaits it."""
    lines: list[str] = []
    for one in known:
        first, *rest = wrap(f"{escape_terminal(one.name)}  {_newest(one, view)}", width - 4)
        if one.refused is not None:
            at, why = one.refused
            said = f"a webhook {view.both(at)} was no signal: {escape_terminal(why)}"
            rest += wrap(said, width - 4)
        lines += [first, *(f"    {line}" for line in rest)]
        lines += [f"    {address_text(s.address)}  {status_word(s)}" for s in one.awaited_by]
    return "\n".join(lines or ["No item awaits a signal."]) + "\n"


def receipt_text(receipt: Receipt, view: Vantage) -> str:
    """Return what became of a signal that was sent."""
    what = f"signal {escape_terminal(receipt.name)} at {view.both(receipt.at)}"
    if receipt.why is not None:
        return f"Nothing changes: {receipt.why} ({what}).\n"
    return f"Recorded: {what}.\n"


def _newest(one: KnownSignal, view: Vantage) -> str:
    signal = one.newest
    if signal is None:
        return "never came"
    sent = sent_text(signal.by, signal.note)
    usual = "" if one.usually is None else f", usually every {interval_text(one.usually)}"
    return f"{view.both(signal.at)}{sent}{usual}"
