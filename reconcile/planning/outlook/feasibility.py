"""Whether the request budget can take what is declared, before anything has run."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from math import ceil
from typing import Final

from reconcile.model.desired import (
    AfterRefresh,
    At,
    Cron,
    Desired,
    Every,
    Generation,
    Item,
    RefreshItem,
)
from reconcile.model.diagnostic import Diagnostic, Severity
from reconcile.planning.calendar.wall_clock import local
from reconcile.planning.merging import group_of
from reconcile.planning.outlook.bursts import WEEK, Burst, bursts
from reconcile.planning.outlook.courses import Courses
from reconcile.planning.outlook.instants import Piece, microseconds
from reconcile.planning.outlook.union import united

MINUTE_OVER_BUDGET: Final = "minute-over-budget"
BUDGET_TOO_SMALL: Final = "budget-too-small"
SUMMARIES: Final = {
    MINUTE_OVER_BUDGET: "more calls in one minute than the budget takes",
    BUDGET_TOO_SMALL: "more work than the budget takes",
}
EXPLANATIONS: Final = {
    MINUTE_OVER_BUDGET: "Items whose wall-clock slots fall into one minute are called one after "
    "the other, as fast as requests_per_minute allows; the last of them wait. `spread` gives each "
    "item an offset of its own, and models that name one `connection` share one refresh call.",
    BUDGET_TOO_SMALL: "On average the declared cadences need more requests a minute than "
    "requests_per_minute allows, so the backlog grows without end and slots are missed for good.",
}

_WARNED_OF: Final = 5
_MINUTE_S: Final = 60.0
_MICROSECOND: Final = timedelta(microseconds=1)


def feasibility(desired: Desired, now: datetime) -> tuple[Diagnostic, ...]:
    """Warn of minutes and of averages that are over the budget, in the week after `now`.

    Judged by cadence alone: freezes, items paused without an end and the recorded state are left
    out, and so are polls where a single minute is counted.
    """
    return (*_on_average(desired, now), *_by_minute(desired, now))


def _by_minute(desired: Desired, now: datetime) -> Iterator[Diagnostic]:
    found = bursts(desired, now)
    for burst in found[:_WARNED_OF]:
        wall = local(burst.zone, burst.at)
        others = f" and {burst.times - 1:,} more times a week" if burst.times > 1 else ""
        remedy = f": spread {burst.spread_m} minutes" if burst.spread_m else ""
        when = f"{wall:%H:%M} {burst.zone} ({wall:%Y-%m-%d}{others})"
        needs = f"{when} needs {burst.calls:,} calls in one minute"
        first = f"{needs}; the budget is {burst.budget:,}{remedy}."
        sentences = [first, *_sharing(burst)]
        yield _warning(MINUTE_OVER_BUDGET, " ".join(sentences), _hint(burst))


def _sharing(burst: Burst) -> Iterator[str]:
    fits = ", which fits" if burst.calls_if_merged <= burst.budget else ""
    if burst.unconnected > 1:
        left = f"{burst.calls_if_merged:,} call{'' if burst.calls_if_merged == 1 else 's'}"
        yield (
            f"{burst.unconnected:,} of them refresh models without a `connection`; if these are on "
            f"one connection, naming it leaves {left}{fits}."
        )
    for names in burst.look_alikes:
        told = " and ".join(f'"{name}"' for name in names)
        yield f"The connections {told} differ only in spelling; spelled alike they share a call."


def _hint(burst: Burst) -> str:
    if burst.calls_if_merged <= burst.budget and burst.unconnected > 1:
        return 'connection = "warehouse" in each [models.NAME] that is on it'
    if burst.spread_m:
        return f'spread = "{burst.spread_m}m" on each item that is called alone, or in [defaults]'
    return "Move some of these items to other times, or raise requests_per_minute in [omni]."


def _on_average(desired: Desired, now: datetime) -> Iterator[Diagnostic]:
    needed = _requests_per_minute(desired, now)
    if needed > desired.requests_per_minute:
        detail = (
            f"The cadences need at least {ceil(needed):,} requests a minute on average; the budget "
            f"is {desired.requests_per_minute:,}. The backlog would grow for as long as it runs."
        )
        hint = "Lengthen the shortest intervals, or raise requests_per_minute in [omni]."
        yield _warning(BUDGET_TOO_SMALL, detail, hint)


def _requests_per_minute(desired: Desired, now: datetime) -> float:
    """Count what cannot be avoided: calls as they are merged, one poll a job, every reset.

    All intervals count from `now` on, so that refreshes share as many calls as ever they may.
    """
    courses = Courses({}, now, now + WEEK)
    slots = {item.address: _slots(item, now, courses) for item in desired.items}
    groups: dict[str, list[tuple[Piece, ...]]] = defaultdict(list)
    resets = 0
    for item in desired.items:
        if isinstance(item, RefreshItem):
            groups[group_of(item)].append(slots[item.address])
        else:
            cadence = item.timing.cadence
            followed = cadence.refresh if isinstance(cadence, AfterRefresh) else item.address
            resets += sum(map(len, slots.get(followed, ())))
    together = chain.from_iterable(united(members) for members in groups.values())
    refreshes = sum(len(piece) for pieces in together for piece in pieces)
    requests_a_refresh = 2 if desired.generation is Generation.V1 else 1
    return (resets + requests_a_refresh * refreshes) * _MINUTE_S / WEEK.total_seconds()


def _slots(item: Item, now: datetime, courses: Courses) -> tuple[Piece, ...]:
    """Return the slots of the week after `now` that an item has by its cadence alone."""
    pause, cadence = item.timing.pause, item.timing.cadence
    if pause is not None and pause.until is None:
        return ()
    if isinstance(cadence, Every):
        step = cadence.interval // _MICROSECOND
        return (range(microseconds(now) + step, microseconds(now + WEEK) + 1, step),)
    return courses.slots(item) if isinstance(cadence, Cron | At) else ()


def _warning(code: str, detail: str, hint: str) -> Diagnostic:
    return Diagnostic(
        code=code,
        summary=SUMMARIES[code],
        detail=detail,
        hint=hint,
        severity=Severity.WARNING,
    )
