"""The days that follow that morning, and the days of any other plan."""

from collections import Counter
from datetime import UTC, datetime, time, timedelta

from reconcile.model.address import Address
from reconcile.model.desired import AfterRefresh, At, Cadence, Cron, Every, ResetAt, WhenChanged
from reconcile.model.forecast import ClockNight, Span, Timeline, Track
from reconcile.model.plan import Plan
from tests.render.moments import NEW_YORK, NOW, SALES, later

WEEK = timedelta(days=7)
WORKDAYS = frozenset(range(5))
CADENCES: tuple[Cadence, ...] = (
    Every(timedelta(hours=6)),
    Cron("*/15 * * * *"),
    At((time(6), time(18)), WORKDAYS),
    WhenChanged(("target/run_results.json",), None),
    AfterRefresh(SALES),
    ResetAt(later(1700)),
)
CHANGE = ClockNight(
    NEW_YORK, datetime(2026, 11, 26, 6, tzinfo=UTC), timedelta(hours=-4), timedelta(hours=-5)
)


def steps(first_minute: float, every_minutes: float, number: int) -> tuple[datetime, ...]:
    return tuple(later(first_minute + every_minutes * step) for step in range(number))


def track(address: Address, number: int = 0, freeze: str = "quarter close") -> Track:
    """One item of a kind that depends on its number: often, daily, held in a freeze, never."""
    cadence = CADENCES[number % len(CADENCES)]
    frozen = (Span(later(2000), later(3500), freeze), Span(later(5000), later(6000), freeze))
    runs: tuple[datetime, ...] = ()
    held: tuple[datetime, ...] = ()
    spans: tuple[Span, ...] = ()
    match number % 4:
        case 0:
            runs, held, spans = steps(0, 360, 28), (), ()
        case 1:
            runs, held, spans = steps(8, 15, 672), (), ()
        case 2:
            runs, held, spans = steps(38, 1440, 2), steps(2918, 1440, 1), frozen
        case _:
            runs, held, spans = (), (), ()
    return Track(
        address=address, zone=NEW_YORK, cadence=cadence, runs=runs, held=held, frozen=spans
    )


def timeline_of(plan: Plan, freeze: str = "quarter close") -> Timeline:
    addresses = sorted(standing.address for standing in plan.standings)
    tracks = tuple(track(address, number, freeze) for number, address in enumerate(addresses))
    minutes = Counter(run.replace(second=0) for each in tracks for run in each.runs)
    freezes = {span for each in tracks for span in each.frozen}
    return Timeline(
        start=NOW,
        until=NOW + WEEK,
        addresses=addresses,
        tracks=tracks,
        minutes=dict(sorted(minutes.items())),
        freezes=tuple(sorted(freezes, key=lambda span: span.start)),
        clock_changes=(CHANGE,),
    )
