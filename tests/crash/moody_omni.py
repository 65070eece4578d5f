"""An Omni that refuses, forgets, lies and recovers, and tells the truth of what it really did.

It is written apart from the sandbox and from the tool: what it remembers is what tests go by.
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Literal

from msgspec import Struct

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

Mood = Literal[
    "down",  # nothing can be reached
    "503",  # every answer is a 503
    "lost",  # Omni acts, and the reply is cut
    "token revoked",
    "token without rights",  # every answer is a 403 that does not speak of the token
    "no job id",
    "model gone",
    "no permission",
    "job unreadable",
    "job forgotten",
    "job never ends",
    "job fails",
    "reset refused",
]
SHARED: frozenset[Mood] = frozenset(
    {"down", "503", "lost", "token revoked", "token without rights", "no job id"}
)
"""Moods towards everybody; the others are towards one model."""


class Episode(Struct, frozen=True):
    """A mood, from when it began until it passed. `model`: an id, None for everybody."""

    mood: Mood
    since: datetime
    until: datetime
    model: str | None = None


@dataclass
class Job:
    """A refresh that Omni runs: through whose id, of which connection, and what it looks at."""

    model: str
    connection: str
    began: datetime
    ends: datetime
    fails: bool
    filter: tuple[tuple[str, str], ...]


@dataclass
class MoodyOmni:
    """One instance. `connections`: the true connection of each model id."""

    connections: dict[str, str]
    episodes: tuple[Episode, ...]
    random: Random
    now: Callable[[], datetime]
    jobs: dict[str, Job] = field(default_factory=dict)
    marks: dict[tuple[str, str], datetime] = field(default_factory=dict)
    refused: list[tuple[datetime, str]] = field(default_factory=list)
    """When Omni said no to a call or to the look at a job that was a model's own, and whose."""
    posts: list[tuple[datetime, str, bool]] = field(default_factory=list)
    """When a POST of a refresh arrived, of which model's id, and whether its reply was whole."""

    async def send_refresh(self, request: Request) -> RefreshOutcome:
        model = model_of(request.path)
        answer = await self._reply(model, lambda: self._refresh(model, request))
        return classify_refresh(answer, model_id=model)

    async def send_reset(
        self, request: Request, *, model_id: str, policy: str, reset_at: datetime
    ) -> ResetOutcome:
        stamp = datetime.fromisoformat(str((request.body or {})["resetAt"]))
        answer = await self._reply(model_id, lambda: self._reset(model_id, policy, stamp))
        return classify_reset(answer, model_id=model_id, policy=policy, reset_at=reset_at)

    async def fetch_job(self, job_id: str) -> JobOutcome:
        job = self.jobs.get(job_id)
        if job is None:
            return classify_job(await self._reply("", self._no_such_job, poll=True), job_id=job_id)
        answer = await self._reply(job.model, lambda: self._status(job_id, job), poll=True)
        return classify_job(answer, job_id=job_id)

    async def _reply(self, model: str, act: Callable[[], Reply], *, poll: bool = False) -> Answer:
        await asyncio.sleep(0.2)
        moods = self._moods(model)
        if "down" in moods:
            return NoReply(sent=False, message="refused")
        if "token revoked" in moods:
            return self._said(403, "Invalid bearer token")
        if "503" in moods:
            return self._said(503, "Service Unavailable")
        if "token without rights" in moods:
            return self._said(403, "Forbidden: you may not")
        reply = act()
        if "lost" in moods and not poll:
            return NoReply(sent=True, message="the connection was cut")
        return reply

    def _refresh(self, model: str, request: Request) -> Reply:
        moods = self._moods(model)
        if refusal := self._refusal(model, moods):
            return refusal
        now = self.now()
        lasts = timedelta(seconds=self.random.choice((5, 40, 200)))
        if "job never ends" in moods:
            lasts = timedelta(days=400)
        job = Job(
            model=model,
            connection=self.connections[model],
            began=now,
            ends=now + lasts,
            fails="job fails" in moods,
            filter=tuple(request.query),
        )
        job_id = f"job-{len(self.jobs)}"
        self.jobs[job_id] = job
        self.posts.append((now, model, "lost" not in moods and "no job id" not in moods))
        told: dict[str, object] = {"modelId": model, "status": "running"}
        return self._ok(told if "no job id" in moods else {"jobId": job_id, **told})

    def _reset(self, model: str, policy: str, stamp: datetime) -> Reply:
        moods = self._moods(model)
        if refusal := self._refusal(model, moods):
            return refusal
        if "reset refused" in moods:
            self.refused.append((self.now(), model))
            return self._said(422, "Unprocessable")
        if stamp > self.now():
            return self._said(400, "Bad Request: resetAt cannot be future dated")
        before = self.marks.get((model, policy))
        self.marks[model, policy] = max(stamp, before) if before else stamp
        return self._ok({"success": True})

    def _status(self, job_id: str, job: Job) -> Reply:
        moods = self._moods(job.model)
        # A refresh is of a connection: whoever shares it shares how its job ends.
        sharing = [m for m, place in self.connections.items() if place == job.connection]
        if "job unreadable" in moods:
            self.refused += [(self.now(), model) for model in sharing]
            return self._said(403, "You do not have read permission on it")
        if "job forgotten" in moods:
            return self._said(404, "Not Found")
        word = "RUNNING"
        if self.now() >= job.ends:
            word = "FAILED" if job.fails else "COMPLETED"
        if word == "FAILED":
            self.refused += [(self.now(), model) for model in sharing]
        return self._ok({"job_id": job_id, "job_type": "refresh_schema", "status": word})

    def _no_such_job(self) -> Reply:
        return self._said(404, "Not Found")

    def _refusal(self, model: str, moods: frozenset[Mood]) -> Reply | None:
        if "model gone" in moods:
            return self._refuse(model, 404, "Not Found: model")
        if "no permission" in moods:
            return self._refuse(model, 403, "Forbidden: connection admin role required")
        return None

    def _refuse(self, model: str, status: int, words: str) -> Reply:
        self.refused.append((self.now(), model))
        return self._said(status, words)

    def _moods(self, model: str) -> frozenset[Mood]:
        now = self.now()
        return frozenset(
            episode.mood
            for episode in self.episodes
            if episode.since <= now < episode.until and episode.model in {None, model}
        )

    def _said(self, status: int, words: str) -> Reply:
        return self._dated(status, {"detail": words, "status": status})

    def _ok(self, body: dict[str, object]) -> Reply:
        return self._dated(200, body)

    def _dated(self, status: int, body: dict[str, object]) -> Reply:
        date = format_datetime(self.now().astimezone(UTC), usegmt=True)
        return Reply(status, {"date": date}, json.dumps(body).encode())

    def refreshed(self, connection: str, since: datetime, until: datetime) -> Iterable[Job]:
        """Yield the refreshes of a connection that really ended well, by when they began."""
        for job in self.jobs.values():
            if job.connection == connection and since <= job.began <= until and not job.fails:
                yield job
