"""All that a controller has to show, as one value and as JSON, and the lines of its log."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

from msgspec import Struct, field

from reconcile.errors import Diagnostic, Severity
from reconcile.model.address import Address
from reconcile.model.forecast import Timeline
from reconcile.model.plan import Plan, Standing
from reconcile.model.progress import Budget
from reconcile.model.recorded import Record, Recorded
from reconcile.render.apply import Board
from reconcile.render.documents import encode, instant_json
from reconcile.render.escape import escape_ci_log, escape_terminal
from reconcile.render.reasons import Reader
from reconcile.render.words import rfc3339

_MINUTE = timedelta(minutes=1)
_NO_RECORD = Record()

RecentWord = Literal["done", "failed", "unknown", "running", "skipped"]


class Cycle(Struct, frozen=True, kw_only=True):
    """One cycle that has ended, at `at`. `well`: the reconciler did its part."""

    at: datetime
    verdict: str
    well: bool
    took_s: float
    calls: int = 0
    polls: int = 0


class Recent(Struct, frozen=True, kw_only=True):
    """How a call ended, a moment ago."""

    at: datetime
    addresses: tuple[Address, ...]
    word: RecentWord
    detail: str


class Situation(Struct, frozen=True, kw_only=True):
    """How a controller and its items stand. All instants UTC.

    `name`: what the operator calls the instance. `plan`, `recorded`, `late`: as of the newest
    look; `late` says since when an item has been due. `timeline`: the next days from there.
    `board`: the apply in progress. `cycles` counts by verdict. `wake_at`: when the next cycle is
    made, None while one is being made or if none is to come by itself. `refused`: why the newest
    version of the files is not used; `problems`: why the last cycle did not end well. `recent`:
    newest first. `of_fleet`: this is one instance of many, and no controller is its own.
    """

    name: str
    host: str
    started_at: datetime
    plan: Plan | None = None
    recorded: Recorded | None = None
    late: Mapping[Address, datetime] = field(default_factory=lambda: MappingProxyType({}))
    timeline: Timeline | None = None
    board: Board | None = None
    cycle: Cycle | None = None
    cycles: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    wake_at: datetime | None = None
    refused: tuple[Diagnostic, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    budget: Budget | None = None
    recent: tuple[Recent, ...] = ()
    of_fleet: bool = False

    @property
    def ready(self) -> bool:
        """Tell whether the files are valid, the state is readable and the last cycle went well."""
        return not self.refused and self.cycle is not None and self.cycle.well

    def record(self, address: Address) -> Record:
        """Return what is recorded of an item."""
        return self.recorded.items.get(address, _NO_RECORD) if self.recorded else _NO_RECORD

    def late_s(self, address: Address, now: datetime) -> float:
        """Return for how long an item has been due, in seconds; 0 if it is not."""
        return max(0.0, (now - self.late.get(address, now)).total_seconds())

    def used(self, now: datetime) -> int:
        """Return the requests of the last minute, as counted when the last one was sent."""
        return 0 if self.budget is None or now - self.budget.at >= _MINUTE else self.budget.used


# The situation of a controller for programs.

SITUATION_FORMAT_VERSION = 1


def situation_json(situation: Situation, now: datetime) -> str:
    """Return one document; keys are only ever added within a format version."""
    plan = situation.plan
    return encode(
        {
            "format_version": SITUATION_FORMAT_VERSION,
            "now": instant_json(now),
            "name": situation.name,
            "host": situation.host,
            "ready": situation.ready,
            "started_at": instant_json(situation.started_at),
            "wake_at": instant_json(situation.wake_at),
            "planned_at": None if plan is None else instant_json(plan.now),
            "under_way": situation.board is not None,
            "last_cycle": None if situation.cycle is None else _cycle(situation.cycle),
            "cycles": dict(sorted(situation.cycles.items())),
            "requests": {
                "used": situation.used(now),
                "limit": 0 if plan is None else plan.load.requests_per_minute,
            },
            "refused": [diagnostic.code for diagnostic in situation.refused],
            "problems": [diagnostic.code for diagnostic in situation.problems],
            "recent": [_recent_document(recent) for recent in situation.recent],
            "items": list(_item_documents(situation, now)),
        }
    )


def _cycle(cycle: Cycle) -> dict[str, object]:
    return {
        "at": instant_json(cycle.at),
        "verdict": cycle.verdict,
        "took_s": cycle.took_s,
        "calls": cycle.calls,
        "polls": cycle.polls,
    }


def _recent_document(recent: Recent) -> dict[str, object]:
    return {
        "at": instant_json(recent.at),
        "addresses": list(recent.addresses),
        "outcome": recent.word,
        "detail": recent.detail,
    }


def _item_documents(situation: Situation, now: datetime) -> Iterator[dict[str, object]]:
    if situation.plan is not None:
        reader = Reader.of(situation.plan)
        for standing in situation.plan.standings:
            yield _item(standing, situation, reader, now)


def _item(
    standing: Standing, situation: Situation, reader: Reader, now: datetime
) -> dict[str, object]:
    record = situation.record(standing.address)
    return {
        "address": standing.address,
        "status": standing.status.value,
        "late_s": situation.late_s(standing.address, now),
        "last_success": instant_json(record.last_success),
        "failures": record.failures,
        "newest_slot": instant_json(standing.newest_slot),
        "next_slot": instant_json(standing.next_slot),
        "reason": reader.account(standing.address).tell(standing.reason),
    }


# What happened, as one line of a log: for people who grep, or for programs.

Level = Literal["info", "warning", "error"]
Value = str | int | float | bool | datetime | None

LOG_FORMAT_VERSION = 1

_PLAIN = re.compile(r"[^\s\"=]+")
_LONGEST = 1_000


class LogLine(Struct, frozen=True):
    """Something that happened at `at`, UTC. `event` is kebab-case and stable."""

    at: datetime
    level: Level
    event: str
    fields: Mapping[str, Value] = field(default_factory=dict)


def log_text(line: LogLine) -> str:
    """Return `2026-12-01T06:00:00Z info cycle verdict=done calls=1`: one line of words."""
    words = [rfc3339(line.at.replace(microsecond=0)), line.level, line.event]
    words += [f"{name}={_word(value)}" for name, value in line.fields.items() if value is not None]
    return escape_ci_log(" ".join(words))


def log_json(line: LogLine) -> str:
    """Return one JSON object, in one line."""
    told = {name: _plain(value) for name, value in line.fields.items() if value is not None}
    said = {"at": rfc3339(line.at), "level": line.level, "event": line.event}
    head = {"format_version": LOG_FORMAT_VERSION, **said}
    return json.dumps(head | told, ensure_ascii=True, allow_nan=False)


def diagnostic_line(diagnostic: Diagnostic, at: datetime, event: str) -> LogLine:
    """Return a diagnostic as one line; its first place is said as `file:line`."""
    fields: dict[str, Value] = {"code": diagnostic.code, "summary": diagnostic.summary}
    if diagnostic.places:
        place = diagnostic.places[0]
        fields["place"] = place.file if place.line is None else f"{place.file}:{place.line}"
    fields["detail"] = diagnostic.detail
    level: Level = "error" if diagnostic.severity is Severity.ERROR else "warning"
    return LogLine(at, level, event, fields | {"hint": diagnostic.hint})


def _word(value: Value) -> str:
    text = escape_terminal(str(_plain(value)), _LONGEST)
    return text if _PLAIN.fullmatch(text) else f'"{text.replace(chr(34), chr(39))}"'


def _plain(value: Value) -> str | int | float | bool | None:
    if isinstance(value, datetime):
        return rfc3339(value.replace(microsecond=0))
    return round(value, 3) if isinstance(value, float) else value
