"""All that a controller has to show, as one value."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from msgspec import Struct, field

from reconcile.errors import Diagnostic, Severity
from reconcile.model.address import Address
from reconcile.model.forecast import Timeline
from reconcile.model.plan import Plan
from reconcile.model.progress import Budget
from reconcile.model.recorded import Recorded
from reconcile.render.apply import Board
from reconcile.render.escape import escape_ci_log, escape_terminal
from reconcile.render.words import rfc3339

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
