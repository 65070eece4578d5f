"""Classifies what came back from a write to a native schedule. Pure."""

from collections.abc import Mapping

from reconcile.model.desired import ScheduleSpec
from reconcile.model.progress import CallUnknown, ScheduleAccepted, ScheduleOutcome
from reconcile.omni.answer import Answer, Failure, Reply, open_answer, open_reply
from reconcile.omni.decoding import UnusableReplyError
from reconcile.omni.fields import require_echo
from reconcile.omni.found_schedules import read_schedule


def classify_schedule(
    answer: Answer, *, connection_id: str, spec: ScheduleSpec, schedule_id: str | None = None
) -> ScheduleOutcome:
    """Say what a creation or an update came to.

    Replies to writes were seen to be partial (omni-api.md 4.1 [live]): what is left out is taken to
    be as asked, except the id of a new schedule, without which it cannot be told from others.
    """
    opened = open_answer(answer)
    if isinstance(opened, Failure):
        return opened
    reply, body = opened
    fields = _schedule_in(body)
    if schedule_id is not None and not {"scheduleId", "schedule_id", "id"} & fields.keys():
        fields = {**fields, "scheduleId": schedule_id}
    try:
        schedule = read_schedule(fields, connection_id=connection_id, asked=spec)
        if schedule_id is not None:
            require_echo("scheduleId", schedule.schedule_id, schedule_id)
    except UnusableReplyError as error:
        return CallUnknown(str(error), reply.date)
    return ScheduleAccepted(schedule, reply.date)


def classify_deletion(answer: Answer) -> ScheduleOutcome:
    """Say what a deletion came to: `{"success": true}` [SPEC-A/B], or no body at all."""
    opened = open_reply(answer)
    if isinstance(opened, Reply) and not opened.body.strip():
        return ScheduleAccepted(None, opened.date)
    read = open_answer(answer)
    return read if isinstance(read, Failure) else ScheduleAccepted(None, read[0].date)


def _schedule_in(body: Mapping[str, object]) -> Mapping[str, object]:
    """Return the schedule itself, also where an envelope is put around it."""
    inner = body.get("schedule")
    return inner if isinstance(inner, dict) else body
