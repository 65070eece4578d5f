"""All that a controller has to show, as one value and as JSON, and the lines of its log."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import starmap
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, get_args

from msgspec import UNSET, Meta, Struct, UnsetType, convert, defstruct, field
from msgspec.structs import asdict

from reconcile.controller.cycle import Verdict
from reconcile.errors import Diagnostic, Severity
from reconcile.model.address import Address
from reconcile.model.forecast import Timeline
from reconcile.model.plan import Plan
from reconcile.model.progress import Budget
from reconcile.model.reason import Status
from reconcile.model.recorded import NO_RECORD, Record, Recorded
from reconcile.model.struct import Instant, rfc3339
from reconcile.render.apply import Board
from reconcile.render.documents import AnyAddress, Code, Count, Seconds, encode
from reconcile.render.layout import escape_ci_log, escape_terminal
from reconcile.render.reasons import Reader

_MINUTE = timedelta(minutes=1)

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
    """How a call ended, a moment ago. `job`: Omni's id of it, null where there was none."""

    at: Instant
    addresses: tuple[AnyAddress, ...]
    word: RecentWord = field(name="outcome")
    detail: str
    job: str | None = None


class Situation(Struct, frozen=True, kw_only=True):
    """How a controller and its items stand. All instants UTC.

    `name`: what the operator calls the instance. `plan`, `recorded`, `late`: as of the newest
    look; `late` says since when an item has been due. `timeline`: the next days from there.
    `board`: the apply in progress. `cycles` counts by verdict. `wake_at`: when the next cycle is
    made, None if none is to come by itself; while one is made (`acting`) still its own instant.
    `refused`: why the newest
    version of the files is not used; `problems`: why the last cycle did not end well. `recent`:
    newest first. `stalled`: why there is no progress. `of_fleet`: this is one instance of many, and
    no controller is its own.
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
    acting: bool = False
    refused: tuple[Diagnostic, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    budget: Budget | None = None
    recent: tuple[Recent, ...] = ()
    of_fleet: bool = False
    stalled: str | None = None

    @property
    def ready(self) -> bool:
        """Tell whether the files are valid, the last cycle went well and there is progress."""
        well = self.cycle is not None and self.cycle.well
        return well and not self.refused and self.stalled is None

    @property
    def next_cycle_at(self) -> datetime | None:
        """Return when the next cycle is made; None while one is, or if none is to come."""
        return None if self.acting else self.wake_at

    def record(self, address: Address) -> Record:
        """Return what is recorded of an item."""
        return self.recorded.items.get(address, NO_RECORD) if self.recorded else NO_RECORD

    def late_s(self, address: Address, now: datetime) -> float:
        """Return for how long an item has been due, in seconds; 0 if it is not."""
        return max(0.0, (now - self.late.get(address, now)).total_seconds())

    def used(self, now: datetime) -> int:
        """Return the requests of the last minute, as counted when the last one was sent."""
        return 0 if self.budget is None or now - self.budget.at >= _MINUTE else self.budget.used


# The situation of a controller for programs.

VerdictWord = Annotated[str, Meta(extra_json_schema={"enum": list(Verdict)})]


class Requests(Struct, frozen=True):
    """The requests of the last minute, against the budget."""

    used: Count
    limit: Count


class CycleDocument(Struct, frozen=True, kw_only=True):
    """The last cycle that has ended."""

    at: Instant
    verdict: VerdictWord
    took_s: Seconds
    calls: Count
    polls: Count


class ControlledItem(Struct, frozen=True, kw_only=True):
    """Where one item stands; `late_s`: for how long it has been due."""

    address: AnyAddress
    status: Status
    late_s: Seconds
    last_success: Instant | None
    failures: Count
    newest_slot: Instant | None
    next_slot: Instant | None
    reason: str


class SituationDocument(Struct, frozen=True, kw_only=True):
    """What `reconcile run --listen PLACE` serves at /state.json.

    `ready`: the files are valid and the last cycle went well. `wake_at`: the next cycle; null:
    under way, or none. `planned_at`: as of when the items are told. `cycles`: since the start, by
    verdict. `refused`: why the newest version of the files is not used. `problems`: why the last
    cycle did not end well. `recent`: newest first.
    """

    format_version: Literal[1] = 1
    now: Instant
    name: str
    host: str
    ready: bool
    started_at: Instant
    wake_at: Instant | None
    planned_at: Instant | None
    under_way: bool
    last_cycle: CycleDocument | None
    cycles: dict[str, Count]
    requests: Requests
    refused: tuple[Code, ...]
    problems: tuple[Code, ...]
    recent: tuple[Recent, ...]
    items: tuple[ControlledItem, ...]


def situation_json(situation: Situation, now: datetime) -> str:
    """Return how a controller and its items stand."""
    plan, cycle = situation.plan, situation.cycle
    told = {
        **asdict(situation),
        "now": now,
        "wake_at": situation.next_cycle_at,
        "ready": situation.ready,
        "planned_at": None if plan is None else plan.now,
        "under_way": situation.board is not None,
        "last_cycle": cycle,
        "cycles": dict(sorted(situation.cycles.items())),
        "requests": Requests(
            situation.used(now), 0 if plan is None else plan.load.requests_per_minute
        ),
        "refused": [diagnostic.code for diagnostic in situation.refused],
        "problems": [diagnostic.code for diagnostic in situation.problems],
        "items": list(_items(situation, now)),
    }
    return encode(convert(told, SituationDocument, from_attributes=True))


def _items(situation: Situation, now: datetime) -> Iterator[ControlledItem]:
    if situation.plan is None:
        return
    reader = Reader.of(situation.plan)
    for standing in situation.plan.standings:
        record = situation.record(standing.address)
        yield ControlledItem(
            address=standing.address,
            status=standing.status,
            late_s=situation.late_s(standing.address, now),
            last_success=record.last_success,
            failures=record.failures,
            newest_slot=standing.newest_slot,
            next_slot=standing.next_slot,
            reason=reader.account(standing.address).tell(standing.reason),
        )


# What happened, as one line of a log: for people who grep, or for programs.

Level = Literal["info", "warning", "error"]
Value = str | int | float | bool | datetime | None
Fields = Mapping[str, object]

_PLAIN = re.compile(r"[^\s\"=]+")
_LONGEST = 1_000


class LogLine(Struct, frozen=True):
    """Something that happened at `at`, UTC. `event` is kebab-case and stable."""

    at: datetime
    level: Level
    event: str
    fields: Mapping[str, Value] = field(default_factory=dict)


class LogEntry(Struct, frozen=True, kw_only=True, tag_field="event", tag="stopped"):
    """A line that `run` and `fleet worker` log with `--format json`, on standard error."""

    format_version: Literal[1] = 1
    at: Instant
    level: Level


_WHY: Final[Fields] = {"why": str}
_FOUND: Final[Fields] = {
    "code": Code,
    "summary": str,
    "place": str | UnsetType,
    "detail": str,
    "hint": str | UnsetType,
}
_LEFT: Final[Fields] = {
    "item": str,
    "job": str,
    "since": Instant,
    "looked_at": Instant | UnsetType,
    "answer": str | UnsetType,
    "until": Instant | UnsetType,
}
_EVENTS: Final[Mapping[str, Fields]] = {
    "started": {"file": str, "host": str},
    "serving": {"url": str},
    "absent": {
        "last_seen": Instant,
        "for_s": Seconds,
        "slots_missed": Count,
        "items_late": Count,
    },
    "item-late": {"item": AnyAddress, "since": Instant},
    "cycle": {
        "verdict": VerdictWord,
        "calls": Count | UnsetType,
        "polls": Count | UnsetType,
        "took_s": Seconds,
        "next": Instant | UnsetType,
    },
    "cycle-problem": _FOUND,
    "note": _FOUND,
    "item-failed": {"item": str, "message": str, "may_have_happened": bool},
    "job-left": _LEFT,
    "end-unseen": _LEFT,
    "throttled": {"wait_s": Seconds},
    "files-reloaded": {"items": Count},
    "files-refused": _FOUND,
    "files-kept": _WHY,
    "metrics-not-written": _WHY,
    "heartbeat-failed": _WHY,
    "heartbeat-resumed": {},
    "signal": {
        "instance": str | UnsetType,
        "name": str,
        "unheeded": str | UnsetType,
        "lost": str | UnsetType,
    },
    "stopping": {},
    "worker-started": {"worker": str, "instances": Count},
    "run": {
        "instance": str,
        "verdict": VerdictWord,
        "calls": Count | UnsetType,
        "took_s": Seconds,
        "trouble": str | UnsetType,
    },
    "fleet-reloaded": {"instances": Count, "restart": bool},
}
"""What is told with each event; the last three only by a worker of a fleet."""


def _field(name: str, kind: Any) -> tuple[str, Any] | tuple[str, Any, Any]:
    return (name, kind, UNSET) if UnsetType in get_args(kind) else (name, kind)


LOG_ENTRIES: Final = (
    LogEntry,
    *(
        defstruct(word, starmap(_field, known.items()), bases=(LogEntry,), tag=word, kw_only=True)
        for word, known in _EVENTS.items()
    ),
)


def log_text(line: LogLine) -> str:
    """Return `2026-12-01T06:00:00Z info cycle verdict=done calls=1`: one line of words."""
    words = [rfc3339(line.at.replace(microsecond=0)), line.level, line.event]
    words += [f"{name}={_word(value)}" for name, value in line.fields.items() if value is not None]
    return escape_ci_log(" ".join(words))


def log_json(line: LogLine) -> str:
    """Return one JSON object, in one line."""
    said = {"at": rfc3339(line.at), "level": line.level, "event": line.event}
    told = {name: _plain(value) for name, value in line.fields.items() if value is not None}
    return json.dumps({"format_version": 1, **said, **told}, allow_nan=False)


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
