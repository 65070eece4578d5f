"""The world as one run reaches it, over a network that loses what it is told to lose."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from reconcile.model.plan import Request
from reconcile.model.progress import JobOutcome, RefreshOutcome, ResetOutcome
from reconcile.omni.http import model_of
from reconcile.omni.replies import (
    Answer,
    NoReply,
    Reply,
    classify_job,
    classify_refresh,
    classify_reset,
)
from reconcile.sandbox.instance import ArrivedCall
from reconcile.sandbox.world import SANDBOX_BEARER, World
from tests.crash.runs import Knife

Fate = Literal["ok", "lost", "unsent", "429", "503", "fails"]
FATES: tuple[Fate, ...] = ("ok", "ok", "ok", "lost", "unsent", "429", "503", "fails")

TRAVEL_S = 0.2


class Omni:
    """One run's way to Omni. `begins`: asked as a call is made, told once it reaches Omni."""

    def __init__(
        self,
        world: World,
        knife: Knife,
        now: Callable[[], datetime],
        fates: deque[Fate],
        begins: Callable[[], Callable[[datetime], None]],
    ) -> None:
        self.knife, self.now = knife, now
        self._world, self._fates, self._begins = world, fates, begins

    async def send_refresh(self, request: Request) -> RefreshOutcome:
        return classify_refresh(await self._post(request), model_id=model_of(request.path))

    async def send_reset(
        self, request: Request, *, model_id: str, policy: str, reset_at: datetime
    ) -> ResetOutcome:
        mark = self._world.instance.marks.get((model_id, policy))
        assert mark is None or mark.reset_at <= reset_at, "a stamp goes back"
        answer = await self._post(request)
        return classify_reset(answer, model_id=model_id, policy=policy, reset_at=reset_at)

    async def fetch_job(self, job_id: str) -> JobOutcome:
        self.knife.step()
        await asyncio.sleep(TRAVEL_S)
        answer = self._ask(Request("GET", f"/api/v1/jobs/{job_id}/status"))
        self.knife.step()
        return classify_job(answer, job_id=job_id)

    async def _post(self, request: Request) -> Answer:
        """Send a call. What has left is carried out, even if its sender is dead by then."""
        begins = self._begins()
        self.knife.step()
        fate = self._fates.popleft() if self._fates else "ok"
        await asyncio.sleep(TRAVEL_S)
        if fate in {"429", "503"}:
            answer: Answer = Reply(int(fate), {}, b"{}")
        elif fate == "unsent":
            answer = NoReply(sent=False, message="refused")
        else:
            begins(self.now())
            answer = self._ask(request, fails=fate == "fails")
        self.knife.step()
        return NoReply(sent=True, message="cut") if fate == "lost" else answer

    def _ask(self, request: Request, *, fails: bool = False) -> Reply:
        body = b"" if request.body is None else json.dumps(dict(request.body)).encode()
        bearer = f"Bearer {SANDBOX_BEARER}"
        call = ArrivedCall(request.method, request.path, request.query, bearer, body)
        reply = self._world.answer(call, self.now())
        assert reply.status == 200, (request, reply)
        if fails and isinstance(reply.body, dict) and "jobId" in reply.body:
            self._world.instance.jobs[str(reply.body["jobId"])].fails = True
        return Reply(reply.status, dict(reply.headers), json.dumps(reply.body).encode())
