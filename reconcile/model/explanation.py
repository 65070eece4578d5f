"""Why one item stands as it does, and what would be if one thing were not in its way."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconcile.model.desired import Item
from reconcile.model.plan import Await, Refresh, ResetCache, Standing, Status
from reconcile.model.reason import FrozenBy, Reason
from reconcile.model.recorded import Record


class ObstacleKind(StrEnum):
    """What an obstacle is."""

    PAUSE = "pause"
    FREEZE = "freeze"
    FAILURES = "failures"
    JOB = "job"
    UNSEEN = "unseen"
    DOUBT = "doubt"
    DEADLINE = "deadline"
    ON_CHANGE = "on_change"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing that may hold an item back. `name`: the freeze's, or the address it runs after."""

    kind: ObstacleKind
    name: str = ""


@dataclass(frozen=True, slots=True)
class Without:
    """How the item would stand if one obstacle were gone, found by planning again without it.

    `earliest`: when it would run then.
    """

    obstacle: Obstacle
    status: Status
    reason: Reason
    earliest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything that bears on one item at `now`. All instants UTC.

    `settled`: up to where slots are made up. `seen`: whether an apply has seen this timing.
    `frozen`: freezes that hold now, whether or not it is due. `first`: the refresh it runs after.
    `call`: what the plan makes of it; `place`: where that call stands among how many.
    `earliest`: when it runs if applies are prompt and calls succeed; None if not before `searched`,
    which is None where what stops it has no end of its own.
    `without`: only obstacles whose absence would make it due now or let it run earlier.
    """

    now: datetime
    item: Item
    record: Record
    standing: Standing
    settled: datetime | None
    seen: bool
    frozen: tuple[FrozenBy, ...]
    first: Standing | None
    call: Refresh | ResetCache | Await | None
    place: tuple[int, int] | None
    requests_per_minute: int
    earliest: datetime | None
    searched: datetime | None
    without: tuple[Without, ...]
