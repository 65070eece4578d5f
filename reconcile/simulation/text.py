"""A simulation for people and for programs: figures, latest items, nights clocks change."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from reconcile.model.reason import Status
from reconcile.render import layout
from reconcile.render.layout import escape_terminal
from reconcile.render.words import Vantage, address_text, counted, duration_text, interval_text
from reconcile.simulation import tally

# The items of a simulation in columns, the most late first.

_ITEMS_SHOWN = 15
_GAP = 2
_NOTHING = "-"
_LEAST_NAME = 20


def _late(read: Callable[[tally.Lateness], float]) -> Callable[[tally.SimulatedItem], str]:
    return lambda item: _NOTHING if item.lateness is None else duration_text(read(item.lateness))


def _count(read: Callable[[tally.SimulatedItem], int]) -> Callable[[tally.SimulatedItem], str]:
    return lambda item: f"{number:,}" if (number := read(item)) else _NOTHING


_COLUMNS: tuple[tuple[str, Callable[[tally.SimulatedItem], str]], ...] = (
    ("p50", _late(lambda late: late.p50_s)),
    ("p95", _late(lambda late: late.p95_s)),
    ("max", _late(lambda late: late.max_s)),
    ("runs", _count(lambda item: item.successes)),
    ("expected", _count(lambda item: item.expected or 0)),
    ("collapsed", _count(lambda item: item.collapsed)),
    ("missed", _count(lambda item: item.missed)),
    ("failed", _count(lambda item: item.failures + item.doubts)),
)


def lateness_lines(
    items: Sequence[tally.SimulatedItem], width: int, *, colour: bool, verbose: bool
) -> Iterator[str]:
    """Yield a table of the latest items and a count of the rest; columns of nothing are left out.

    A name too long for its column stands on a line of its own, whole, to be copied.
    """
    ranked = sorted(items, key=_rank)
    shown = ranked if verbose else ranked[:_ITEMS_SHOWN]
    if not shown:
        return
    yield ""
    heading = "From a slot to the sending of the call that covers it, most late first"
    yield from (
        layout.paint(line, layout.Ink.BOLD, colour=colour) for line in layout.wrap(heading, width)
    )
    texts = [[read(item) for item in shown] for _, read in _COLUMNS]
    filled = [
        (max(layout.cells(title), *(layout.cells(text) for text in column)), title, column)
        for (title, _), column in zip(_COLUMNS, texts, strict=True)
        if any(text != _NOTHING for text in column)
    ]
    names = [address_text(item.address) for item in shown]
    room = width - _GAP - sum(_GAP + size for size, _, _ in filled)
    name = min(max(map(layout.cells, names)), max(room, _LEAST_NAME))
    yield " " * (_GAP + name) + "".join(_right(title, size) for size, title, _ in filled)
    for row, text in enumerate(names):
        numbers = "".join(_right(column[row], size) for size, _, column in filled)
        above = layout.cells(text) > name
        if above:
            yield " " * _GAP + text
        yield " " * _GAP + layout.pad("" if above else text, name) + numbers
    if left := ranked[len(shown) :]:
        longest = max((item.lateness.max_s for item in left if item.lateness), default=0.0)
        more = counted(len(left), "more item")
        told = f"and {more}, never later than {duration_text(longest, up=True)}; -v shows all"
        yield from (f"  {line}" for line in layout.wrap(told, width - _GAP))


def _rank(item: tally.SimulatedItem) -> tuple[float, float, str]:
    late = item.lateness
    return (-late.max_s, -late.p95_s, item.address) if late else (1.0, 0.0, item.address)


def _right(text: str, size: int) -> str:
    return " " * (_GAP + size - layout.cells(text)) + text


# The nights of a simulation in which clocks changed, and what became of the slots they touched.

_NIGHT_ITEMS_SHOWN = 8
_DATED = Vantage("UTC", datetime(1969, 12, 31, tzinfo=UTC))  # before all that is simulated


def night_lines(
    nights: Sequence[tally.Night], width: int, *, colour: bool, verbose: bool
) -> Iterator[str]:
    """Yield each change of offset with the items it touched."""
    yield ""
    if not nights:
        yield from layout.wrap("No change of clocks touches an item in this span.", width)
        return
    yield layout.paint("Nights in which clocks change", layout.Ink.BOLD, colour=colour)
    for night in nights:
        way = "forward" if night.change_s > 0 else "back"
        size = interval_text(timedelta(seconds=abs(night.change_s)))
        head = f"{escape_terminal(night.zone)}, {_DATED.local(night.instant)}: clocks go {way}"
        yield from (f"  {line}" for line in layout.wrap(f"{head} {size}", width - 2))
        shown = night.items if verbose else night.items[:_NIGHT_ITEMS_SHOWN]
        rows = [_row(item, forward=night.change_s > 0) for item in shown]
        yield from (f"  {line}" for line in layout.listing(rows, width - 2, colour=colour))
        if left := len(night.items) - len(shown):
            yield f"    and {counted(left, 'more item')}; -v shows all"


def _row(item: tally.NightItem, *, forward: bool) -> layout.Row:
    covered = sum(sent is not None for sent in item.sent)
    lost = covered < len(item.slots)
    ink = layout.Ink.BAD if lost else layout.Ink.PLAIN
    return layout.Row(
        layout.Cell("lost" if lost else "ok", ink),
        address_text(item.address),
        layout.Cell(""),
        _why(item, covered, forward=forward),
    )


def _why(item: tally.NightItem, covered: int, *, forward: bool) -> tuple[str, ...]:
    first = f"{item.wall:%H:%M}"
    times = first if item.times == 1 else f"{item.times} local times from {first}"
    plural = item.times > 1
    if forward:
        happens = f"{times} {'do' if plural else 'does'} not exist"
    else:
        happens = f"{times} {'come' if plural else 'comes'} twice"
    if not item.slots:
        return (f"{happens}; not run, as clocks never show it",)
    if len(item.slots) > 1:
        return (f"{happens}; {covered} of {len(item.slots)} slots covered",)
    slot, sent = item.slots[0], item.sent[0]
    if sent is None:
        return (f"{happens}; due at {slot:%H:%M}Z, not covered",)
    return (f"{happens}; due once at {slot:%H:%M}Z, sent at {sent:%H:%M}Z",)


# A simulation for people: the figures of the whole, the latest items, the nights clocks change.

_LABEL = 12


def simulation_text(simulated: tally.Simulated, *, width: int, colour: bool, verbose: bool) -> str:
    """Return the result as text of at most `width` cells a line; ends with a line break.

    `verbose`: every item, where otherwise the latest stand for the rest.
    """
    width = max(width, layout.LEAST_WIDTH)
    lines = [
        layout.paint(line, layout.Ink.BOLD, colour=colour)
        for line in layout.wrap(_headline(simulated.scenario), width)
    ]
    for label, parts, ink in _figures(simulated):
        lines.extend(_labelled(label, parts, width, ink=ink, colour=colour))
    lines.extend(lateness_lines(simulated.items, width, colour=colour, verbose=verbose))
    lines.extend(night_lines(simulated.nights, width, colour=colour, verbose=verbose))
    return "\n".join(lines) + "\n"


def _headline(scenario: tally.Scenario) -> str:
    span = interval_text(scenario.until - scenario.start)
    return f"Simulated {span} from {_DATED.local(scenario.start)}. Nothing was sent."


def _figures(simulated: tally.Simulated) -> Iterator[tuple[str, Sequence[str], layout.Ink]]:
    scenario, ticks, requests = simulated.scenario, simulated.ticks, simulated.requests
    runner = f'"{escape_terminal(scenario.runner)}" {escape_terminal(scenario.zone)}'
    lateness = f"lateness {escape_terminal(scenario.lateness)}"
    share = f"{scenario.fail_share * 100:.4g}%"
    failing = f"{share} of calls fail" if scenario.fail_share else "no failures"
    yield "Runner", (runner, lateness, failing, f"seed {scenario.seed}"), layout.Ink.PLAIN
    yield (
        "Ticks",
        (
            f"{ticks.ran:,} of {ticks.scheduled:,} ran",
            f"{ticks.dropped:,} dropped",
            f"{ticks.locked:,} found the lock held",
        ),
        layout.Ink.PLAIN,
    )
    if ticks.blocked:
        # Nothing is sent by a blocked apply, so every figure below is shaped by it.
        yield "", (f"{ticks.blocked:,} blocked by [limits] in the file",), layout.Ink.BAD
    yield (
        "Calls",
        (
            counted(requests.refreshes, "refresh"),
            counted(requests.resets, "reset"),
            counted(requests.polls, "poll"),
        ),
        layout.Ink.PLAIN,
    )
    peak = f"at most {requests.peak_per_minute:,} in a minute of {requests.requests_per_minute:,}"
    yield "Requests", (peak, f"{requests.throttled:,} answered 429"), layout.Ink.PLAIN
    yield from _outcomes(simulated.items)


def _outcomes(
    items: Sequence[tally.SimulatedItem],
) -> Iterator[tuple[str, Sequence[str], layout.Ink]]:
    missed = sum(item.missed for item in items)
    slots = (
        f"{sum(item.lateness.slots for item in items if item.lateness):,} covered",
        f"{sum(item.collapsed for item in items):,} collapsed into a later one",
        f"{missed:,} past their deadline",
    )
    yield "Slots", slots, layout.Ink.BAD if missed else layout.Ink.PLAIN
    failures, doubts = sum(i.failures for i in items), sum(i.doubts for i in items)
    if failures or doubts:
        parts = (counted(failures, "failed attempt"), f"{doubts:,} of unknown outcome")
        yield "Failures", parts, layout.Ink.PLAIN
    ends = Counter(item.status for item in items)
    listed = [f"{ends[s]:,} {s.value.replace('_', ' ')}" for s in Status if ends[s]]
    yield "At the end", listed, layout.Ink.BAD if ends[Status.HELD] else layout.Ink.PLAIN


def _labelled(
    label: str, parts: Sequence[str], width: int, *, ink: layout.Ink, colour: bool
) -> Iterator[str]:
    head = layout.pad(label, _LABEL)
    for line in layout.wrap(layout.DOT.join(parts), width - _LABEL - 2, layout.DOT):
        yield f"  {head}{layout.paint(line, ink, colour=colour)}"
        head = " " * _LABEL
