"""The calls that act on Omni, and the reads an apply needs: each one request, sent once."""

from datetime import datetime
from urllib.parse import quote

from reconcile.model.desired import NativeSchedule, ScheduleSpec
from reconcile.model.plan import Request
from reconcile.model.progress import (
    CallRejected,
    JobOutcome,
    RefreshOutcome,
    ResetOutcome,
    ScheduleOutcome,
)
from reconcile.omni.http import Transport, is_legacy, model_of
from reconcile.omni.replies import (
    Finding,
    advised,
    classify_deletion,
    classify_job,
    classify_refresh,
    classify_reset,
    classify_schedule,
    classify_schedules,
    schedules_request,
)
from reconcile.planning.requests import stamp_text


class OmniClient(Transport):
    """Makes calls with one credential; use as an async context manager."""

    async def send_refresh(self, request: Request) -> RefreshOutcome:
        """POST a schema refresh, once. Starts a job; repeating it starts another."""
        answer = await self.exchange(request)
        outcome = classify_refresh(
            answer, model_id=model_of(request.path), legacy=is_legacy(request.path)
        )
        return advised(outcome, request) if isinstance(outcome, CallRejected) else outcome

    async def send_reset(
        self, request: Request, *, model_id: str, policy: str, reset_at: datetime
    ) -> ResetOutcome:
        """POST a cache reset, once. `reset_at` (UTC) fills a `resetAt` the plan left open."""
        answer = await self.exchange(_stamped(request, reset_at))
        outcome = classify_reset(answer, model_id=model_id, policy=policy, reset_at=reset_at)
        return advised(outcome, request) if isinstance(outcome, CallRejected) else outcome

    async def fetch_job(self, job_id: str) -> JobOutcome:
        """GET where a job stands (omni-api.md 2.2), once."""
        path = f"/api/v1/jobs/{quote(job_id, safe='')}/status"
        return classify_job(await self.exchange(Request("GET", path)), job_id=job_id)

    async def send_schedule_create(
        self, request: Request, *, connection_id: str, spec: ScheduleSpec
    ) -> ScheduleOutcome:
        """POST a native schedule, once. Repeating it makes another equal one (omni-api.md 5)."""
        answer = await self.exchange(request)
        return classify_schedule(answer, connection_id=connection_id, spec=spec)

    async def send_schedule_update(
        self, request: Request, *, connection_id: str, schedule_id: str, spec: ScheduleSpec
    ) -> ScheduleOutcome:
        """PUT a native schedule, once. What is left out of it goes back to its default."""
        answer = await self.exchange(request)
        return classify_schedule(
            answer, connection_id=connection_id, spec=spec, schedule_id=schedule_id
        )

    async def send_schedule_delete(self, request: Request) -> ScheduleOutcome:
        """DELETE a native schedule, once. A 404 says that it is gone already."""
        return classify_deletion(await self.exchange(request))

    async def fetch_schedules(self, connection_id: str) -> Finding[tuple[NativeSchedule, ...]]:
        """GET the native schedules of a connection, once."""
        answer = await self.exchange(schedules_request(connection_id))
        return classify_schedules(answer, connection_id=connection_id)


def _stamped(request: Request, reset_at: datetime) -> Request:
    if request.body is None or request.body.get("resetAt") is not None:
        return request
    body = {**request.body, "resetAt": stamp_text(reset_at)}
    return Request(request.method, request.path, request.query, body)
