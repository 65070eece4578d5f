"""Reads what an instance holds, politely: each request waits its turn, some are repeated.

A GET is safe to repeat, unlike every call of `client`.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from reconcile.model.desired import NativeSchedule
from reconcile.model.observed import ObservedConnection, ObservedModel
from reconcile.model.plan import Request
from reconcile.model.progress import CallRejected, Proof
from reconcile.omni.answer import Answer, NoReply, Reply, open_reply, proves_nothing
from reconcile.omni.finding import Finding, Found, Unreadable, find
from reconcile.omni.found_lists import (
    connections_request,
    models_request,
    read_connections,
    read_models,
)
from reconcile.omni.found_policies import policies_request, read_policies
from reconcile.omni.found_roles import Whoami, read_whoami, whoami_request
from reconcile.omni.found_schedules import classify_schedules, schedules_request
from reconcile.planning.budget import Turn

MOST_PAGES = 500
"""50,000 models; a server that promises more is taken to be lost in a circle [code OF]."""

_WAITS_S = (1.0, 2.0, 4.0)
"""Before each further attempt; a budget that a 429 has closed makes the wait longer."""

_THROTTLED = 429
_AT_ONCE = 10

T = TypeVar("T")


class Exchanging(Protocol):
    """Whatever sends one request and ends in an answer."""

    async def exchange(self, request: Request) -> Answer:
        """Send one request, once."""


class Turns(Protocol):
    """The request budget."""

    async def turn(self, kind: Turn) -> None:
        """Wait until one request may be sent right now, and count it."""

    def penalise(self, retry_after_s: float | None) -> float:
        """Slow down after a 429; returns for how many seconds nothing is sent."""


class OmniReader:
    """Reads from one instance. Make it inside a loop.

    `requests` counts what was sent, repeats included. `clock_ahead_s`: how far the clock `now` runs
    ahead of Omni's, by the Date of its replies; None as long as none had one.
    """

    def __init__(self, omni: Exchanging, limiter: Turns, now: Callable[[], datetime]) -> None:
        self.requests = 0
        self.clock_ahead_s: float | None = None
        self._omni = omni
        self._limiter = limiter
        self._now = now
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def fetch_models(self, model_id: str | None = None) -> Finding[tuple[ObservedModel, ...]]:
        """Read every model there is, deleted ones and branches included, or one by its id.

        A list that breaks off is no list: what it leaves out would look as if it did not exist.
        """
        models: dict[str, ObservedModel] = {}
        cursor: str | None = None
        seen: set[str] = set()
        for _ in range(MOST_PAGES):
            page = await self._read(models_request(cursor, model_id=model_id), read_models)
            if not isinstance(page, Found):
                return page
            models.update((model.model_id, model) for model in page.value.models)
            cursor = page.value.cursor
            if cursor is None:
                return Found(tuple(models.values()), page.server_date)
            if not cursor or cursor in seen:
                return Unreadable("the list of models promises more and does not say where")
            seen.add(cursor)
        return Unreadable(f"the list of models has more than {MOST_PAGES} pages")

    async def fetch_connections(self) -> Finding[tuple[ObservedConnection, ...]]:
        """Read every connection; for admins only (omni-api.md 2.6)."""
        return await self._read(connections_request(), read_connections)

    async def fetch_policies(self, model_id: str) -> Finding[tuple[str, ...]]:
        """Read the names of a model's own cache policies; models that extend it may have more."""
        return await self._read(policies_request(model_id), read_policies)

    async def fetch_schedules(self, connection_id: str) -> Finding[tuple[NativeSchedule, ...]]:
        """Read Omni's own schedules of a connection; for connection admins (omni-api.md 5)."""
        answer = await self._ask(schedules_request(connection_id))
        return classify_schedules(answer, connection_id=connection_id)

    async def fetch_whoami(self, model_ids: Iterable[str] = ()) -> Finding[Whoami]:
        """Ask who the token is; `Absent` on a server of the older published API."""
        return await self._read(whoami_request(model_ids), read_whoami)

    async def _read(self, request: Request, decode: Callable[[object], T]) -> Finding[T]:
        return find(await self._ask(request), decode)

    async def _ask(self, request: Request) -> Answer:
        """Send a request until the answer is worth having, a few times at most."""
        async with self._gate:
            for wait_s in _WAITS_S:
                answer = await self._send(request)
                if not _worth_repeating(answer):
                    return answer
                await asyncio.sleep(wait_s)
            return await self._send(request)

    async def _send(self, request: Request) -> Answer:
        await self._limiter.turn(Turn.CALL)
        self.requests += 1
        answer = await self._omni.exchange(request)
        failure = open_reply(answer)
        if isinstance(failure, CallRejected) and failure.proof is Proof.THROTTLED:
            self._limiter.penalise(failure.retry_after_s)
        if isinstance(answer, Reply) and answer.date is not None:
            self._compare_clocks(answer.date)
        return answer

    def _compare_clocks(self, date: datetime) -> None:
        """Keep the least difference: whole seconds and a slow network only ever add to it."""
        ahead_s = (self._now() - date) / timedelta(seconds=1)
        if self.clock_ahead_s is None or ahead_s < self.clock_ahead_s:
            self.clock_ahead_s = ahead_s


def _worth_repeating(answer: Answer) -> bool:
    """Whether another attempt may end otherwise: throttled, a server in trouble, or broken off."""
    if isinstance(answer, NoReply):
        return answer.sent
    redirected = 300 <= answer.status < 400  # noqa: PLR2004 - a class of HTTP statuses
    passing = proves_nothing(answer.status) and not redirected
    return answer.status == _THROTTLED or passing or answer.cut
