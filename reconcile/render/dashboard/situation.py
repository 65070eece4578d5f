"""All that a controller has to show, as one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from reconcile.model.address import Address
from reconcile.model.diagnostic import Diagnostic
from reconcile.model.forecast import Timeline
from reconcile.model.plan import Plan
from reconcile.model.progress import Budget
from reconcile.model.recorded import Recorded
from reconcile.render.board import Board

RecentWord = Literal["done", "failed", "unknown", "running", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One cycle that has ended, at `at`. `well`: the reconciler did its part."""

    at: datetime
    verdict: str
    well: bool
    took_s: float
    calls: int = 0
    polls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """How a call ended, a moment ago."""

    at: datetime
    addresses: tuple[Address, ...]
    word: RecentWord
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
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
