"""What is to be done about Omni's own schedules, and how each declared one stands."""

from collections.abc import Iterator, Mapping

from reconcile.model.address import Address, schedule_address
from reconcile.model.desired import Desired, Manage, NativeSchedule, ScheduleItem
from reconcile.model.noun import noun
from reconcile.model.observed import Observed
from reconcile.model.plan import Choice, DeleteSchedule, Forget, ScheduleAction, Standing, Status
from reconcile.model.reason import Reason, ScheduleForeign, ScheduleReason, ScheduleUndeclared
from reconcile.model.recorded import Recorded, ScheduleRecord
from reconcile.planning.choosing import is_selected
from reconcile.planning.schedules.judging import Sight, judge
from reconcile.planning.schedules.pool import Pool
from reconcile.planning.schedules.requests import delete_request


@noun(frozen=True, slots=True)
class Decided:
    """The schedules' part of a plan. The standings are sorted by address."""

    actions: tuple[ScheduleAction | Forget, ...]
    standings: tuple[Standing, ...]


def decide(
    desired: Desired, recorded: Recorded, observed: Observed | None, choice: Choice
) -> Decided:
    """Compare what is declared with what is there or, of connections not looked at, recorded.

    Only a look tells of schedules that nobody declares or has removed by hand, so only a plan that
    had one adopts, puts back, or deletes what is foreign to a connection managed whole.
    """
    decision = _Decision(desired, recorded, observed.schedules if observed else {})
    standings: list[Standing] = []
    actions: list[ScheduleAction | Forget] = []
    for item in desired.schedules:
        action, reason = decision.declared(item, forced=item.address in choice.force)
        chosen = is_selected(item.address, choice)
        standings.append(_standing(item, action, reason, selected=chosen))
        if action is not None and chosen:
            actions.append(action)
    actions += [end for end, about in decision.ends() if is_selected(about, choice)]
    return Decided(tuple(actions), tuple(standings))


class _Decision:
    """One comparison, with what of nobody's is claimed for whom."""

    def __init__(
        self,
        desired: Desired,
        recorded: Recorded,
        there: Mapping[str, tuple[NativeSchedule, ...]],
    ) -> None:
        self._desired, self._records, self._there = desired, recorded.schedules, there
        owned = {record.schedule_id for record in recorded.schedules.values()}
        self._pools = {connection: Pool(found, owned) for connection, found in there.items()}
        self._claimed: dict[tuple[str, Address], NativeSchedule] = {}
        # What is in doubt is ours more surely than what merely says the same.
        self._claim_doubted()
        self._claim_equal()

    def declared(self, item: ScheduleItem, *, forced: bool) -> tuple[ScheduleAction | None, Reason]:
        """Judge one declared schedule."""
        here = self._there.get(item.connection_id)
        ours = {one.schedule_id: one for one in here} if here is not None else None
        claimed = self._claimed.get((item.connection_id, item.address))
        sight = Sight(self._record(item), ours, claimed)
        return judge(item, sight, forced=forced)

    def ends(self) -> Iterator[tuple[DeleteSchedule | Forget, Address]]:
        """Yield what ends what is no longer declared or never was, and what selects it."""
        declared = {item.address: item for item in self._desired.schedules}
        for address, record in sorted(self._records.items()):
            item = declared.get(address)
            if item is None:
                yield self._end(address, record), address
            elif record.connection_id != item.connection_id and record.schedule_id is not None:
                # A schedule cannot change its connection: the old one goes, under its own id.
                apart = schedule_address(item.connection, record.schedule_id)
                if not self._is_gone(record):
                    ending = _delete(apart, record, record.schedule_id, recorded_at=address)
                    yield ending, address
        for connection in self._desired.connections:
            if connection.manage is Manage.ALL and connection.id in self._pools:
                for foreign in self._pools[connection.id].left():
                    address = schedule_address(connection.name, foreign.schedule_id)
                    record = ScheduleRecord(connection_id=connection.id, spec=foreign.spec)
                    reason = ScheduleForeign()
                    yield _delete(address, record, foreign.schedule_id, reason=reason), address

    def _end(self, address: Address, record: ScheduleRecord) -> DeleteSchedule | Forget:
        if self._is_gone(record):
            return Forget(address=address)
        doubted = self._claimed.get((record.connection_id, address))
        found = doubted.schedule_id if doubted else record.schedule_id
        if found is None and record.connection_id in self._there:
            return Forget(address=address)
        return _delete(address, record, found)

    def _is_gone(self, record: ScheduleRecord) -> bool:
        here = self._there.get(record.connection_id)
        if here is None or record.schedule_id is None:
            return False
        return all(found.schedule_id != record.schedule_id for found in here)

    def _record(self, item: ScheduleItem) -> ScheduleRecord | None:
        record = self._records.get(item.address)
        return record if record and record.connection_id == item.connection_id else None

    def _claim_equal(self) -> None:
        for item in self._desired.schedules:
            record = self._record(item)
            is_missing = record is None or record.schedule_id is None or self._is_gone(record)
            if is_missing and (item.connection_id, item.address) not in self._claimed:
                self._claim(item.address, item.connection_id, item)

    def _claim_doubted(self) -> None:
        for address, record in sorted(self._records.items()):
            if record.schedule_id is None:
                self._claim(address, record.connection_id, record)

    def _claim(
        self, address: Address, connection_id: str, of: ScheduleItem | ScheduleRecord
    ) -> None:
        pool = self._pools.get(connection_id)
        found = pool.claim(of.spec) if pool else None
        if found is not None:
            self._claimed[connection_id, address] = found


def _delete(
    address: Address,
    record: ScheduleRecord,
    schedule_id: str | None,
    *,
    reason: ScheduleReason | None = None,
    recorded_at: Address | None = None,
) -> DeleteSchedule:
    return DeleteSchedule(
        address=address,
        connection_id=record.connection_id,
        schedule_id=schedule_id,
        spec=record.spec,
        request=delete_request(record.connection_id, schedule_id) if schedule_id else None,
        reason=reason or ScheduleUndeclared(),
        recorded_at=recorded_at,
    )


def _standing(
    item: ScheduleItem, action: ScheduleAction | None, reason: Reason, *, selected: bool
) -> Standing:
    """Say how a schedule stands. Its slots are Omni's to keep, so none are told here."""
    return Standing(
        address=item.address,
        status=Status.COVERED if action is None else Status.DUE,
        zone=item.spec.zone,
        newest_slot=None,
        next_slot=None,
        missed=0,
        reason=reason,
        until=None,
        selected=selected,
    )
