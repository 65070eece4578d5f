"""One declared schedule against what is known of it."""

from collections.abc import Mapping
from dataclasses import fields

from reconcile.model.desired import NativeSchedule, ScheduleItem, ScheduleSpec
from reconcile.model.noun import noun
from reconcile.model.plan import AdoptSchedule, CreateSchedule, ScheduleAction, UpdateSchedule
from reconcile.model.reason import (
    Forced,
    Reason,
    ScheduleDrifted,
    ScheduleEdited,
    ScheduleFound,
    ScheduleInDoubt,
    ScheduleInPlace,
    ScheduleReason,
    ScheduleUnmade,
    ScheduleVanished,
)
from reconcile.model.recorded import ScheduleRecord
from reconcile.planning.schedules.requests import create_request, update_request


@noun(frozen=True, slots=True)
class Sight:
    """What is known of one declared schedule.

    `there`: those of its connection by id, None if nobody looked. `claimed`: one of nobody's that
    is taken for it.
    """

    record: ScheduleRecord | None
    there: Mapping[str, NativeSchedule] | None
    claimed: NativeSchedule | None


def judge(
    item: ScheduleItem, sight: Sight, *, forced: bool
) -> tuple[ScheduleAction | None, Reason]:
    """Decide what brings a schedule to what is declared; None with why it is so already."""
    record = sight.record
    if record is None or record.schedule_id is None:
        return _missing(item, sight)
    if sight.there is None:
        return _as_recorded(item, record, record.schedule_id, forced=forced)
    found = sight.there.get(record.schedule_id)
    return _missing(item, sight) if found is None else _seen(item, record, found, forced=forced)


def _missing(item: ScheduleItem, sight: Sight) -> tuple[ScheduleAction, Reason]:
    record, claimed = sight.record, sight.claimed
    if claimed is not None and claimed.spec == item.spec:
        return _adopt(item, claimed)
    reason: ScheduleReason = ScheduleUnmade()
    doubted: ScheduleSpec | None = None
    if record is not None and record.schedule_id is not None:
        reason = ScheduleVanished(record.schedule_id)
    elif record is not None:
        doubted = record.spec
        if record.pending is not None:
            reason = ScheduleInDoubt(record.pending.since)
    action = CreateSchedule(
        address=item.address,
        connection_id=item.connection_id,
        spec=item.spec,
        request=create_request(item.connection_id, item.spec),
        reason=reason,
        doubted=doubted,
    )
    return action, reason


def _as_recorded(
    item: ScheduleItem, record: ScheduleRecord, schedule_id: str, *, forced: bool
) -> tuple[ScheduleAction | None, Reason]:
    if record.pending is not None:
        doubt = ScheduleInDoubt(record.pending.since)
        return _update(item, schedule_id, record.spec, doubt)
    if record.spec != item.spec:
        edited = ScheduleEdited(changed(record.spec, item.spec))
        return _update(item, schedule_id, record.spec, edited)
    if forced:
        return _update(item, schedule_id, record.spec, Forced())
    return None, ScheduleInPlace(schedule_id)


def _seen(
    item: ScheduleItem, record: ScheduleRecord, found: NativeSchedule, *, forced: bool
) -> tuple[ScheduleAction | None, Reason]:
    if found.spec != item.spec:
        names = changed(found.spec, item.spec)
        drifted = record.spec == item.spec and record.pending is None
        reason = ScheduleDrifted(names) if drifted else ScheduleEdited(names)
        return _update(item, found.schedule_id, found.spec, reason)
    if forced:
        return _update(item, found.schedule_id, found.spec, Forced())
    if record.spec != item.spec or record.pending is not None:
        return _adopt(item, found)
    return None, ScheduleInPlace(found.schedule_id)


def changed(before: ScheduleSpec, after: ScheduleSpec) -> tuple[str, ...]:
    """Name the values that differ, as the file spells their keys."""
    names = (field.name for field in fields(ScheduleSpec))
    told = (name for name in names if getattr(before, name) != getattr(after, name))
    return tuple("timezone" if name == "zone" else name for name in told)


def _update(
    item: ScheduleItem, schedule_id: str, before: ScheduleSpec, reason: ScheduleReason
) -> tuple[ScheduleAction, Reason]:
    action = UpdateSchedule(
        address=item.address,
        connection_id=item.connection_id,
        schedule_id=schedule_id,
        before=before,
        spec=item.spec,
        request=update_request(item.connection_id, schedule_id, item.spec),
        reason=reason,
    )
    return action, reason


def _adopt(item: ScheduleItem, found: NativeSchedule) -> tuple[ScheduleAction, Reason]:
    reason = ScheduleFound(found.schedule_id)
    action = AdoptSchedule(
        address=item.address,
        connection_id=item.connection_id,
        schedule_id=found.schedule_id,
        spec=item.spec,
        reason=reason,
    )
    return action, reason
