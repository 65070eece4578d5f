"""The state is the fold of the journal."""

from collections.abc import Iterable, Mapping, MutableMapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import assert_never

from reconcile.model import journal
from reconcile.model.address import Address
from reconcile.model.recorded import (
    Coverage,
    Declaration,
    Failure,
    Look,
    Pending,
    Record,
    Recorded,
    Unseen,
)
from reconcile.model.struct import replace
from reconcile.planning import schedules
from reconcile.planning.item import latest
from reconcile.planning.record import TOLERANCE, believed, redated
from reconcile.planning.signals import received, up_to

Outcome = (
    journal.NotSent
    | journal.Rejected
    | journal.Accepted
    | journal.Doubted
    | journal.Looked
    | journal.EndUnseen
    | journal.Done
    | journal.Failed
)
ItemEntry = journal.Noted | journal.Missed | journal.Forgotten | journal.Marked | journal.Moved
AllEntry = journal.Blamed | journal.Renamed | journal.ClockMended | journal.Redated


def replay(recorded: Recorded, entries: Iterable[journal.Numbered]) -> Recorded:
    """Fold entries into a state. Only their sequence orders them, never their instants.

    Entries the state already holds have no effect, so replaying twice is replaying once; an
    outcome of an operation that nothing waits for has none either.
    """
    fold = Fold(recorded, items := dict(recorded.items))
    for numbered in sorted(entries, key=lambda numbered: numbered.sequence):
        fold.add(numbered)
    return fold.onto(recorded, MappingProxyType(items))


class Fold:
    """A replay in progress: an entry costs what it touches, however large the state is.

    Changes `items`, which starts as the items of `recorded`. `schedules` is another mapping after
    every change. `written`: whose records were changed, for whoever looks and then clears it.
    """

    def __init__(self, recorded: Recorded, items: MutableMapping[Address, Record]) -> None:
        self.sequence = recorded.sequence
        self.host = recorded.host
        self.clock_wrong_at = recorded.clock_wrong_at
        self.schedules = recorded.schedules
        self.signals = recorded.signals
        self.written: set[Address] = set()
        self._items = items
        self._waiting: dict[str, set[Address]] = {}
        for address, record in recorded.items.items():
            for operation in _awaited(record):
                self._waiting.setdefault(operation, set()).add(address)

    def add(self, numbered: journal.Numbered) -> None:
        """Fold in one entry, unless its sequence says that it has been."""
        if numbered.sequence <= self.sequence:
            return
        self.sequence, entry = numbered.sequence, numbered.entry
        if isinstance(entry, journal.Intent | journal.ScheduleIntent) and self.host is None:
            self.host = entry.host
        if isinstance(entry, journal.Intent):
            self._begin(entry)
        elif isinstance(entry, Outcome):
            self._settle(entry)
        elif isinstance(entry, ItemEntry):
            self._change(entry)
        elif isinstance(entry, journal.ScheduleEntry):
            self.schedules = schedules.folded(self.schedules, entry)
        elif isinstance(entry, AllEntry):
            self._change_all(entry)
        elif isinstance(entry, journal.Signalled):
            limit = entry.at + TOLERANCE
            self.signals = received(self.signals, entry.name, entry.signal, limit)
        elif not isinstance(entry, journal.Began | journal.Waived):
            assert_never(entry)

    def onto(self, recorded: Recorded, items: Mapping[Address, Record]) -> Recorded:
        """Return the state as folded so far, on top of what `recorded` says besides."""
        return replace(
            recorded,
            sequence=self.sequence,
            host=self.host,
            clock_wrong_at=self.clock_wrong_at,
            items=items,
            schedules=self.schedules,
            signals=self.signals,
        )

    def _begin(self, intent: journal.Intent) -> None:
        for coverage in intent.covers:
            record = self._items.get(coverage.address, Record())
            self._put(coverage.address, _begun(record, intent, coverage))

    def _settle(self, outcome: Outcome) -> None:
        if isinstance(outcome, journal.NotSent | journal.Rejected):
            self.schedules = schedules.settled(self.schedules, outcome)
        for address in tuple(self._waiting.get(outcome.operation, ())):
            self._put(address, _settled(self._items[address], outcome, address))

    def _change(self, entry: ItemEntry) -> None:
        if isinstance(entry, journal.Forgotten | journal.Moved) and entry.address in self.schedules:
            self.schedules = schedules.taken_out(self.schedules, entry)
            return
        record = self._items.get(entry.address)
        match entry:
            case journal.Noted():
                self._put(entry.address, _noted(record, entry))
            case journal.Missed():
                record = record or Record()
                slot = latest(record.missed_slot, entry.slot)
                self._put(entry.address, replace(record, missed_slot=slot))
            case journal.Forgotten():
                self._put(entry.address, None)
            case journal.Marked():
                self._put(entry.address, _marked(record, entry))
            case journal.Moved() if record is not None:
                self._put(entry.address, None)
                self._put(entry.to, _moved(record, entry.to))
            case journal.Moved():
                pass
            case _ as unreachable:
                assert_never(unreachable)

    def _change_all(self, entry: AllEntry) -> None:
        match entry:
            case journal.Blamed():
                for address in entry.addresses:
                    if address in self._items:
                        left = _failing(self._items[address], entry.at, entry.message)
                        self._put(address, left)
            case journal.Renamed():
                self._rename(dict(entry.moves))
            case journal.ClockMended():
                self.clock_wrong_at = None
                self.signals = up_to(self.signals, entry.at + TOLERANCE)
                for address, record in tuple(self._items.items()):
                    mended = believed(record, entry.at)
                    if mended is not record:
                        self._put(address, mended)
            case journal.Redated():
                self.clock_wrong_at = entry.at
                for operation in entry.operations:
                    for address in tuple(self._waiting.get(operation, ())):
                        self._put(address, redated(self._items[address], operation, entry.ahead_s))
            case _ as unreachable:
                assert_never(unreachable)

    def _rename(self, moves: Mapping[Address, Address]) -> None:
        before = dict(self._items)
        after = readdressed(before, moves)
        for address in before.keys() - after.keys():
            self._put(address, None)
        for address, record in after.items():
            if record is not before.get(address):
                self._put(address, record)

    def _put(self, address: Address, record: Record | None) -> None:
        """Set or drop a record and keep the index of what waits for which operation true."""
        self.written.add(address)
        before = self._items.get(address)
        awaited = () if before is None else _awaited(before)
        awaits = () if record is None else _awaited(record)
        if record is None:
            self._items.pop(address, None)
        else:
            self._items[address] = record
        if awaited == awaits:
            return
        for operation in awaited:
            left = self._waiting[operation]
            left.discard(address)
            if not left:
                del self._waiting[operation]
        for operation in awaits:
            self._waiting.setdefault(operation, set()).add(address)


def _awaited(record: Record) -> tuple[str, ...]:
    """Name the operations whose end would still change the record."""
    pending, unseen = record.pending, record.unseen
    if unseen is None:
        return () if pending is None else (pending.operation,)
    if pending is None or pending.operation == unseen.call.operation:
        return (unseen.call.operation,)
    return (pending.operation, unseen.call.operation)


def _settled(record: Record, outcome: Outcome, address: Address) -> Record:
    """Say what an outcome does to one record that its call covers.

    What says nothing about the item (Omni out of reach, a 429, a bad token, another member of the
    call) is no failure of it: an hour without a network must not hold every item back once it is
    over.
    """
    if isinstance(outcome, journal.Looked):
        return _looked(record, outcome)
    if isinstance(outcome, journal.Done):
        return _done(record, outcome)
    pending = record.pending
    if pending is None or pending.operation != outcome.operation:
        # A call that is awaited no longer: all that may still come is a look, or its success.
        return record
    match outcome:
        case journal.NotSent():
            return _as_before(record)
        case journal.Rejected(blames=blames):
            left = _as_before(record)
            is_its_own = blames is None or address in blames
            return _failing(left, outcome.at, outcome.message) if is_its_own else left
        case journal.Failed():
            return _failing(replace(record, pending=None), outcome.at, outcome.message)
        case journal.Accepted():
            took = replace(pending, accepted=True, job_id=outcome.job_id)
            return replace(record, pending=took, doubts=0, last_doubt=None)
        case journal.Doubted():
            # Our own end is no doubt; and a call whose job is known was accepted, whatever became
            # of the rest of its reply.
            if outcome.cut_off or pending.job_id is not None:
                return record
            doubt = Failure(outcome.at, outcome.message)
            return replace(record, doubts=record.doubts + 1, last_doubt=doubt)
        case journal.EndUnseen():
            # It is awaited no longer. That it may not be read is a failure of the item.
            unseen = Unseen(outcome.at, outcome.answer, pending, outcome.forbidden)
            left = replace(record, pending=None, unseen=unseen)
            return _failing(left, outcome.at, outcome.answer) if outcome.forbidden else left
        case _ as unreachable:
            assert_never(unreachable)


# What one journal entry does to one record.

KEPT_DURATIONS = 8
"""Refresh durations kept for one address, newest last."""


LOOKS_APART = timedelta(minutes=2)
"""Looks closer than this tell no more than one: "not ready yet" answers 404 too."""


def _begun(record: Record, intent: journal.Intent, coverage: Coverage) -> Record:
    """Await a call. It takes the place of an earlier one, which it sends again.

    A job that is awaited no longer is kept as unseen: it may turn out to have done it. An earlier
    call in doubt is kept as the last doubt, also where our own end cut it off.
    """
    left, unseen, doubt = record.pending, record.unseen, record.last_doubt
    if left is not None and left.job_id is not None:
        answer = "it was not looked at" if left.look is None else left.look.answer
        unseen = Unseen(intent.at, answer, left)
    elif left is not None and doubt is None:
        doubt = Failure(left.since, _NO_OUTCOME)
    own = _part(record.declared or {}, "identity").get("model_id")
    carrier = intent.carrier if intent.carrier and intent.carrier.model_id != own else None
    pending = Pending(
        intent.operation, intent.kind, intent.at, coverage, carrier=carrier, accepted=False
    )
    return replace(record, pending=pending, unseen=unseen, last_doubt=doubt)


_NO_OUTCOME = "it was begun, and what came of it was not written down"


def _as_before(record: Record) -> Record:
    """Let wait again what a call took the place of that proved to have come to nothing.

    The proof says nothing of an earlier call. A job is awaited as it was. One in doubt is covered
    by the later call, which goes on waiting in its place, in doubt since that was.
    """
    pending, doubt, unseen = record.pending, record.last_doubt, record.unseen
    if pending is None or pending.job_id is not None:
        return replace(record, pending=None)
    if unseen is not None and unseen.at == pending.since:
        return replace(record, pending=unseen.call, unseen=None)
    return replace(record, pending=None if doubt is None else replace(pending, since=doubt.at))


def _looked(record: Record, entry: journal.Looked) -> Record:
    """Remember what a look at a job showed, and count what speaks of the job itself."""
    pending, unseen = record.pending, record.unseen
    if pending is not None and pending.operation == entry.operation:
        return replace(record, pending=replace(pending, look=_look(pending.look, entry)))
    if unseen is not None and unseen.call.operation == entry.operation:
        return replace(record, unseen=replace(unseen, answer=entry.answer))
    return record


def _done(record: Record, entry: journal.Done) -> Record:
    """Cover what the call was to settle, as of when it was sent: what changed since may be out.

    A call awaited no longer covers all the same, and another that was made since goes on.
    """
    pending, unseen = record.pending, record.unseen
    if pending is not None and pending.operation == entry.operation:
        call, awaited = pending, None
    elif unseen is not None and unseen.call.operation == entry.operation:
        call, awaited = unseen.call, pending
    else:
        return record
    sent = min(call.since, entry.at)
    measured = () if entry.lasted_s is None else (entry.lasted_s,)
    return _covered(
        record,
        call.coverage,
        sent,
        entry.completed_at,
        carrier=call.carrier,
        pending=awaited,
        durations_s=(*record.durations_s, *measured)[-KEPT_DURATIONS:],
    )


def _noted(record: Record | None, entry: journal.Noted) -> Record:
    """Remember a declaration. A new identity starts afresh: the coverage was another model's.

    Files are taken as they are with a new timing alone, as `since` is: another edit would let pass
    what had changed in them before and was put off.
    """
    old, new = record.declared if record else None, entry.declared
    if record is None or (old is not None and old.get("identity") != new.get("identity")):
        return Record(declared=new, since=entry.at)
    same_timing = old is not None and old.get("timing") == new.get("timing")
    if old is not None and same_timing and "observed" in old:
        new = {**new, "observed": old["observed"]}
    if old == new:
        # A clock that was ahead may have seen it first, at an instant that nobody believes.
        seen = record.since is not None and record.since <= entry.at
        return record if seen else replace(record, since=entry.at)
    # A changed declaration releases a hold: what kept failing may be what was changed.
    since = record.since if same_timing else entry.at
    return replace(record, **_RELEASED, declared=new, since=since)


_RELEASED: Mapping[str, object] = MappingProxyType(
    {"failures": 0, "last_failure": None, "doubts": 0, "last_doubt": None, "unseen": None}
)
"""What a record says once it is forgotten that earlier calls failed, or were in doubt."""


def _marked(record: Record | None, entry: journal.Marked) -> Record | None:
    """Take a person's word that an item is done, or that it is due again."""
    if entry.covers is not None:
        return _covered(record or Record(), entry.covers, entry.at, entry.at)
    # The stamp goes too: a slot up to it would otherwise still count as made up.
    return record and replace(
        record,
        **_RELEASED,
        covered_slot=None,
        stamp=None,
        last_success=None,
        completed_at=None,
        content=None,
        consumed=(),
        pending=None,
        carrier=None,
        marked_at=entry.at,
    )


def _moved(record: Record, to: Address) -> Record:
    """Let calls that are still awaited settle the new address."""
    pending, unseen = record.pending, record.unseen
    if pending is not None:
        pending = _settling(pending, to)
    if unseen is not None:
        unseen = replace(unseen, call=_settling(unseen.call, to))
    return replace(record, pending=pending, unseen=unseen)


def readdressed(
    records: Mapping[Address, Record], moves: Mapping[Address, Address]
) -> dict[Address, Record]:
    """Move records all at once, so that two may swap, and let the others follow them.

    A record that would be overwritten and does not move itself is dropped: its address belongs to
    another item now.
    """
    left = {address: record for address, record in records.items() if address not in moves}
    for address, to in moves.items():
        if address in records:
            left[to] = _moved(records[address], to)
    for address, record in left.items():
        declared = record.declared and _renamed_within(record.declared, moves)
        if declared != record.declared:
            left[address] = replace(record, declared=declared)
    return left


def _renamed_within(declared: Declaration, moves: Mapping[Address, Address]) -> Declaration:
    """Let a declaration speak of other items by the addresses they have now."""
    call, timing = _part(declared, "call"), _part(declared, "timing")
    cadence = _part(timing, "cadence")
    after = _moved_name(call.get("after"), moves)
    refresh = _moved_name(cadence.get("refresh"), moves)
    changed = dict(declared)
    if after is not None:
        changed["call"] = {**call, "after": after}
    if refresh is not None:
        changed["timing"] = {**timing, "cadence": {**cadence, "refresh": refresh}}
    return changed


def _covered(
    record: Record, covers: Coverage, sent: datetime, completed_at: datetime, **call: object
) -> Record:
    """Record a success. The stamp is taken as it was sent: a forced reset may move it back.

    `call`: what it leaves in the record besides; a person's word leaves nothing.
    """
    return replace(
        record,
        **_RELEASED,
        last_success=sent,
        completed_at=completed_at,
        covered_slot=latest(record.covered_slot, covers.slot),
        stamp=record.stamp if covers.stamp is None else covers.stamp,
        content=record.content if covers.content is None else covers.content,
        consumed=covers.consumed or record.consumed,
        marked_at=None,
        **{"pending": None, "carrier": None, **call},
    )


def _failing(record: Record, at: datetime, message: str) -> Record:
    return replace(
        record,
        failures=record.failures + 1,
        last_failure=Failure(at, message),
        doubts=0,
        last_doubt=None,
    )


def _look(before: Look | None, entry: journal.Looked) -> Look:
    """Fold one look into those before it. A job that runs is known and may be read."""
    before = before or Look(entry.at, entry.answer)
    if entry.lack is None:
        return Look(entry.at, entry.answer)
    soon = before.counted_at is not None and entry.at - before.counted_at < LOOKS_APART
    if soon or entry.lack == "unreadable":
        return replace(before, at=entry.at, answer=entry.answer)
    return Look(
        entry.at,
        entry.answer,
        absent=before.absent + (entry.lack == "absent"),
        forbidden=before.forbidden + (entry.lack == "forbidden"),
        counted_at=entry.at,
    )


def _settling(pending: Pending, to: Address) -> Pending:
    return replace(pending, coverage=replace(pending.coverage, address=to))


def _part(described: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = described.get(name)
    return part if isinstance(part, Mapping) else {}


def _moved_name(name: object, moves: Mapping[Address, Address]) -> object:
    return moves.get(Address(name), name) if isinstance(name, str) else None
