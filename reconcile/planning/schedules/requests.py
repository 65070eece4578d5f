"""The exact HTTP request of each write to a native schedule (omni-api.md 5)."""

from urllib.parse import quote

from reconcile.model.desired import ScheduleSpec
from reconcile.model.plan import Request


def create_request(connection_id: str, spec: ScheduleSpec) -> Request:
    """Build the creation of a schedule."""
    return Request("POST", _base(connection_id), (), _body(spec))


def update_request(connection_id: str, schedule_id: str, spec: ScheduleSpec) -> Request:
    """Build an update. All three values are sent: one left out falls back to Omni's default."""
    return Request("PUT", _one(connection_id, schedule_id), (), _body(spec))


def delete_request(connection_id: str, schedule_id: str) -> Request:
    """Build the removal of a schedule."""
    return Request("DELETE", _one(connection_id, schedule_id))


def _base(connection_id: str) -> str:
    return f"/api/v1/connections/{quote(connection_id, safe='')}/schedules"


def _one(connection_id: str, schedule_id: str) -> str:
    return f"{_base(connection_id)}/{quote(schedule_id, safe='')}"


def _body(spec: ScheduleSpec) -> dict[str, str | bool | None]:
    return {"schedule": spec.cron, "timezone": spec.zone, "hardRefresh": spec.hard}
