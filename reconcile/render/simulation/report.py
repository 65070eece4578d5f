"""A simulation for people: the figures of the whole, the latest items, the nights clocks change."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from reconcile.model.plan import Status
from reconcile.model.simulation import Scenario, Simulated, SimulatedItem
from reconcile.render.escape import escape_terminal
from reconcile.render.instants import Vantage, interval_text
from reconcile.render.layout import DOT, LEAST_WIDTH, Ink, pad, paint, wrap
from reconcile.render.names import counted
from reconcile.render.simulation.nights import night_lines
from reconcile.render.simulation.table import lateness_lines

_LABEL = 12
_DATED = Vantage("UTC", datetime(1970, 1, 1, tzinfo=UTC))


def simulation_text(simulated: Simulated, *, width: int, colour: bool, verbose: bool) -> str:
    """Return the result as text of at most `width` cells a line; ends with a line break.

    `verbose`: every item, where otherwise the latest stand for the rest.
    """
    width = max(width, LEAST_WIDTH)
    lines = [
        paint(line, Ink.BOLD, colour=colour) for line in wrap(_headline(simulated.scenario), width)
    ]
    for label, parts, ink in _figures(simulated):
        lines.extend(_labelled(label, parts, width, ink=ink, colour=colour))
    lines.extend(lateness_lines(simulated.items, width, colour=colour, verbose=verbose))
    lines.extend(night_lines(simulated.nights, width, colour=colour, verbose=verbose))
    return "\n".join(lines) + "\n"


def _headline(scenario: Scenario) -> str:
    span = interval_text(scenario.until - scenario.start)
    return f"Simulated {span} from {_DATED.local(scenario.start)}. Nothing was sent."


def _figures(simulated: Simulated) -> Iterator[tuple[str, Sequence[str], Ink]]:
    scenario, ticks, requests = simulated.scenario, simulated.ticks, simulated.requests
    runner = f'"{escape_terminal(scenario.runner)}" {escape_terminal(scenario.zone)}'
    lateness = f"lateness {escape_terminal(scenario.lateness)}"
    share = f"{scenario.fail_share * 100:.4g}%"
    failing = f"{share} of calls fail" if scenario.fail_share else "no failures"
    yield "Runner", (runner, lateness, failing, f"seed {scenario.seed}"), Ink.PLAIN
    yield (
        "Ticks",
        (
            f"{ticks.ran:,} of {ticks.scheduled:,} ran",
            f"{ticks.dropped:,} dropped",
            f"{ticks.locked:,} found the lock held",
        ),
        Ink.PLAIN,
    )
    if ticks.blocked:
        # Nothing is sent by a blocked apply, so every figure below is shaped by it.
        yield "", (f"{ticks.blocked:,} blocked by [limits] in the file",), Ink.BAD
    yield (
        "Calls",
        (
            counted(requests.refreshes, "refresh"),
            counted(requests.resets, "reset"),
            counted(requests.polls, "poll"),
        ),
        Ink.PLAIN,
    )
    peak = f"at most {requests.peak_per_minute:,} in a minute of {requests.requests_per_minute:,}"
    yield "Requests", (peak, f"{requests.throttled:,} answered 429"), Ink.PLAIN
    yield from _outcomes(simulated.items)


def _outcomes(items: Sequence[SimulatedItem]) -> Iterator[tuple[str, Sequence[str], Ink]]:
    missed = sum(item.missed for item in items)
    slots = (
        f"{sum(item.lateness.slots for item in items if item.lateness):,} covered",
        f"{sum(item.collapsed for item in items):,} collapsed into a later one",
        f"{missed:,} past their deadline",
    )
    yield "Slots", slots, Ink.BAD if missed else Ink.PLAIN
    failures, doubts = sum(i.failures for i in items), sum(i.doubts for i in items)
    if failures or doubts:
        parts = (counted(failures, "failed attempt"), f"{doubts:,} of unknown outcome")
        yield "Failures", parts, Ink.PLAIN
    ends = Counter(item.status for item in items)
    listed = [f"{ends[s]:,} {s.value.replace('_', ' ')}" for s in Status if ends[s]]
    yield "At the end", listed, Ink.BAD if ends[Status.HELD] else Ink.PLAIN


def _labelled(
    label: str, parts: Sequence[str], width: int, *, ink: Ink, colour: bool
) -> Iterator[str]:
    head = pad(label, _LABEL)
    for line in wrap(DOT.join(parts), width - _LABEL - 2, DOT):
        yield f"  {head}{paint(line, ink, colour=colour)}"
        head = " " * _LABEL
