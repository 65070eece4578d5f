"""Reads Omni's native schedules of a connection (omni-api.md 5)."""

from collections.abc import Mapping
from urllib.parse import quote

from reconcile.model.desired import NativeSchedule, ScheduleSpec
from reconcile.model.plan import Request
from reconcile.omni.answer import Answer
from reconcile.omni.decoding import UnusableReplyError, decode_instant
from reconcile.omni.fields import id_field, records_field, require_echo, text_field
from reconcile.omni.finding import Finding, find
from reconcile.planning.time.cron import CronError
from reconcile.planning.time.eventbridge import canonical


def schedules_request(connection_id: str) -> Request:
    """Build the list of a connection's schedules, which is not paged [SPEC-A]."""
    return Request("GET", f"/api/v1/connections/{quote(connection_id, safe='')}/schedules")


def classify_schedules(
    answer: Answer, *, connection_id: str
) -> Finding[tuple[NativeSchedule, ...]]:
    """Say which schedules a connection has, in the server's order."""

    def decode(body: object) -> tuple[NativeSchedule, ...]:
        return tuple(
            read_schedule(fields, connection_id=connection_id)
            for fields in records_field(body, "schedules", "records")
        )

    return find(answer, decode)


def read_schedule(
    fields: Mapping[str, object], *, connection_id: str, asked: ScheduleSpec | None = None
) -> NativeSchedule:
    """Read one schedule. What a partial reply leaves out is `asked`, if anything was.

    A cron that cannot be read stays as it is but for its spaces: it may be one that only Omni
    knows. No `hardRefresh` means soft: the older published API has no other. Raises
    UnusableReplyError.
    """
    require_echo("connectionId", text_field(fields, "connectionId", "connection_id"), connection_id)
    cron = text_field(fields, "schedule", "cron")
    zone = text_field(fields, "timezone")
    hard = fields.get("hardRefresh", fields.get("hard_refresh"))
    if asked is not None:
        cron, zone = cron or asked.cron, zone or asked.zone
    if cron is None or zone is None:
        raise UnusableReplyError("a schedule in the reply has no schedule or no timezone")
    if not isinstance(hard, bool | None):
        raise UnusableReplyError("hardRefresh in the reply is neither true nor false")
    return NativeSchedule(
        schedule_id=id_field(fields, "scheduleId", "schedule_id", "id"),
        connection_id=connection_id,
        spec=ScheduleSpec(_spelled(cron), zone, hard or False),
        disabled_at=decode_instant(
            fields.get("disabledAt", fields.get("disabled_at")), "disabledAt"
        ),
    )


def _spelled(cron: str) -> str:
    try:
        return canonical(cron)
    except CronError:
        return " ".join(cron.upper().split())
