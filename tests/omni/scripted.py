"""An instance that answers from a script, and a budget that never runs out."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime

from reconcile.model.plan import Request
from reconcile.omni.replies import Answer, Reply
from reconcile.planning.budget import Turn

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

Script = Callable[[Request], Answer]


def said(body: object, status: int = 200, *, date: datetime | None = None) -> Reply:
    headers = {} if date is None else {"date": format_datetime(date, usegmt=True)}
    return Reply(status, headers, json.dumps(body).encode())


NO_SUCH_THING = said({"detail": "Not Found: no such thing", "status": 404}, 404)


@dataclass
class Scripted:
    """Answers each request as the script of its path says: one answer, or several in turn."""

    scripts: Mapping[str, Answer | list[Answer] | Script]
    asked: list[Request] = field(default_factory=list)

    async def exchange(self, request: Request) -> Answer:
        self.asked.append(request)
        script = self.scripts.get(request.path, NO_SUCH_THING)
        if isinstance(script, list):
            return script.pop(0) if len(script) > 1 else script[0]
        return script(request) if callable(script) else script


@dataclass
class Generous:
    """Grants every turn and counts them."""

    turns: int = 0
    penalties: list[float | None] = field(default_factory=list)

    async def turn(self, kind: Turn) -> None:
        assert kind is Turn.CALL
        self.turns += 1

    def penalise(self, retry_after_s: float | None) -> float:
        self.penalties.append(retry_after_s)
        return 0.0
