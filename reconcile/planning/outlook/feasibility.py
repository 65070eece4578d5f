"""Whether the request budget can take what is declared, before anything has run."""

from collections.abc import Iterator
from datetime import datetime
from math import ceil
from typing import Final

from reconcile.model.cadence import AfterRefresh, At, Cron, Every
from reconcile.model.desired import Desired, Generation, Item, RefreshItem
from reconcile.model.diagnostic import Diagnostic, Severity
from reconcile.planning.calendar.wall_clock import local
from reconcile.planning.merging import group_of
from reconcile.planning.outlook.bursts import WEEK, Burst, bursts, slots_of_week

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
    """Sum what cannot be avoided: a connection's quickest refresh, one poll a job, every reset."""
    quickest: dict[str, float] = {}
    items = {item.address: item for item in desired.items}
    resets = 0.0
    for item in desired.items:
        if isinstance(item, RefreshItem):
            group = group_of(item)
            quickest[group] = max(quickest.get(group, 0.0), _runs_per_minute(item, now))
        elif isinstance(item.timing.cadence, AfterRefresh):
            followed = items.get(item.timing.cadence.refresh)
            resets += 0.0 if followed is None else _runs_per_minute(followed, now)
        else:
            resets += _runs_per_minute(item, now)
    requests_a_refresh = 2 if desired.generation is Generation.V1 else 1
    return resets + requests_a_refresh * sum(quickest.values())


def _runs_per_minute(item: Item, now: datetime) -> float:
    pause = item.timing.pause
    if pause is not None and pause.until is None:
        return 0.0
    match item.timing.cadence:
        case Every(interval):
            return _MINUTE_S / interval.total_seconds()
        case Cron() | At() as cadence:
            slots = slots_of_week(cadence, item.timing.zone, now)
            return len(slots) * _MINUTE_S / WEEK.total_seconds()
        case _:
            return 0.0


def _warning(code: str, detail: str, hint: str) -> Diagnostic:
    return Diagnostic(
        code=code,
        summary=SUMMARIES[code],
        detail=detail,
        hint=hint,
        severity=Severity.WARNING,
    )
