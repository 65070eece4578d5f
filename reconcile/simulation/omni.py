"""The sandbox's world as the executor's Omni: the same replies and rules, without any HTTP."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime

from reconcile.model.plan import Request
from reconcile.model.progress import (
    JobCompleted,
    JobFailed,
    JobOutcome,
    RefreshOutcome,
    ResetOutcome,
)
from reconcile.omni.http import encode_target, is_legacy, model_of
from reconcile.omni.replies import (
    Answer,
    NoReply,
    Reply,
    classify_job,
    classify_refresh,
    classify_reset,
)
from reconcile.sandbox.exchange import Call, Delivery
from reconcile.sandbox.world import SANDBOX_BEARER, World
from reconcile.simulation.metering import Meter

TRAVEL_S = 0.2
"""From sending a request to its reply."""

_AUTHORIZATION = f"Bearer {SANDBOX_BEARER}"


class SimulatedOmni:
    """Sends requests into a world, at the instants that `now` tells (UTC), and meters them."""

    def __init__(self, world: World, now: Callable[[], datetime], meter: Meter) -> None:
        self._world = world
        self._now = now
        self._meter = meter

    async def send_refresh(self, request: Request) -> RefreshOutcome:
        """Start a refresh."""
        self._meter.refreshes += 1
        answer = await self._exchange(request)
        return classify_refresh(
            answer, model_id=model_of(request.path), legacy=is_legacy(request.path)
        )

    async def send_reset(
        self, request: Request, *, model_id: str, policy: str, reset_at: datetime
    ) -> ResetOutcome:
        """Reset a cache policy. The request carries its stamp already."""
        self._meter.resets += 1
        answer = await self._exchange(request)
        return classify_reset(answer, model_id=model_id, policy=policy, reset_at=reset_at)

    async def fetch_job(self, job_id: str) -> JobOutcome:
        """Ask how a job stands."""
        self._meter.polls += 1
        answer = await self._exchange(Request("GET", f"/api/v1/jobs/{job_id}/status"))
        outcome = classify_job(answer, job_id=job_id)
        if isinstance(outcome, JobCompleted | JobFailed):
            self._world.forget_job(job_id)
        return outcome

    async def _exchange(self, request: Request) -> Answer:
        if encode_target(request) is None:
            return NoReply(sent=False, message=f"{request.path!r} could be read as another path")
        await asyncio.sleep(TRAVEL_S)
        body = b"" if request.body is None else json.dumps(dict(request.body)).encode()
        call = Call(request.method, request.path, request.query, _AUTHORIZATION, body)
        now = self._now()
        reply = self._world.answer(call, now)
        self._meter.arrived(now, reply.status)
        if reply.delay_s:
            await asyncio.sleep(reply.delay_s)
        if reply.delivery is not Delivery.ANSWERED:
            return NoReply(sent=True, message="the connection was cut")
        return Reply(reply.status, dict(reply.headers), json.dumps(reply.body).encode())
