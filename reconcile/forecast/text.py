"""A forecast, and why one item stands as it does: for people and for programs."""

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Final

from msgspec import Struct

from reconcile.forecast.why import Explanation, Obstacle, ObstacleKind, Without
from reconcile.model.desired import At, Cron, OnChange, WhenChanged
from reconcile.model.forecast import Day, Forecast
from reconcile.model.plan import Plan, ResetCache, Standing
from reconcile.model.reason import (
    DeadlineMissed,
    HeldAfterFailures,
    JobRunningSince,
    Status,
    WaitsForNextSlot,
)
from reconcile.render.escape import escape_terminal
from reconcile.render.layout import (
    DOT,
    LEAST_WIDTH,
    Cell,
    Ink,
    Row,
    both_ends,
    cells,
    listing,
    pad,
    paint,
    wrap,
)
from reconcile.render.outline import STATUS_INKS, action_lines, standing_row, status_word
from reconcile.render.reasons import Account, Reader, riding_text
from reconcile.render.words import (
    Vantage,
    address_text,
    addresses_text,
    cadence_text,
    counted,
    duration_text,
    interval_text,
    words_text,
)

# A forecast for people and for programs: calls per item and day, and changes of the clocks.

# A forecast as a person reads it: calls per item and day, and how full each hour is.

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LEVELS: Final = "▁▂▃▄▅▆▇█"
_NO_REQUESTS: Final = "·"
_HOURS_MARKED: Final = "0     6     12    18    "
_IDLE_SHOWN: Final = 12
_LEAST_COLUMN: Final = 3
_WIDEST_NAME: Final = 46
_ASSUMPTIONS: Final = (
    "Assumes that an apply runs as soon as something falls due, that every call succeeds at once, "
    "and that watched files stay as they are. Real applies run a little later, and an interval "
    "counts from the run before: `every` items drift from these times."
)


def forecast_text(told: Forecast, *, width: int, colour: bool) -> str:
    """Return a forecast as text that ends with a line break. `width` is in terminal cells."""
    page = _Page(told, max(width, LEAST_WIDTH), colour)
    return "\n".join(page.lines()) + "\n"


class _Page(Struct, frozen=True):
    told: Forecast
    width: int
    colour: bool

    def lines(self) -> Iterator[str]:
        yield from self._headline()
        if self.told.refreshes or self.told.resets:
            yield ""
            yield from self._table()
            yield from self._riding()
            yield ""
            yield from self._strips()
        yield from self._idle()
        yield ""
        yield from wrap(_ASSUMPTIONS, self.width)

    def _headline(self) -> Iterator[str]:
        told = self.told
        span = duration_text((told.until - told.now).total_seconds())
        kinds = f"{counted(told.refreshes, 'refresh')} and {counted(told.resets, 'reset')}"
        total = f"{counted(told.refreshes + told.resets, 'call')} in {span}"
        since = f"from {self._vantage().both(told.now)}"
        first, *rest = both_ends(f"{total}{DOT}{kinds}", since, self.width)
        yield paint(first, Ink.BOLD, colour=self.colour)
        yield from rest

    def _table(self) -> Iterator[str]:
        """Yield as many days side by side as fit, and the others below."""
        days = self.told.days
        called = sorted({address for day in days for address in day.covering})
        names = [address_text(address) for address in called]
        name_width = min(max(map(cells, [*names, "calls"])), _WIDEST_NAME, self.width // 2)
        figures = max(_LEAST_COLUMN, *(len(f"{day.calls:,}") for day in days)) + 1
        fitting = max(1, (self.width - name_width) // figures)
        for start in range(0, len(days), fitting):
            block = days[start : start + fitting]
            if start:
                yield ""
            yield from self._dates(block, name_width, figures)
            for address, name in zip(called, names, strict=True):
                row = [day.covering.get(address, 0) for day in block]
                yield from self._figures(name, row, name_width, figures)
            totals = [day.calls for day in block]
            for line in self._figures("calls", totals, name_width, figures):
                yield paint(line, Ink.BOLD, colour=self.colour)

    def _dates(self, block: Sequence[Day], name_width: int, figures: int) -> Iterator[str]:
        weekdays = (_WEEKDAYS[day.date.weekday()].rjust(figures) for day in block)
        numbers = (str(day.date.day).rjust(figures) for day in block)
        month = f"{block[0].date:%Y-%m}"
        yield paint((" " * name_width + "".join(weekdays)), Ink.DIM, colour=self.colour)
        yield paint(pad(month, name_width) + "".join(numbers), Ink.DIM, colour=self.colour)

    def _figures(
        self, name: str, row: Sequence[int], name_width: int, figures: int
    ) -> Iterator[str]:
        told = "".join((f"{number:,}" if number else "-").rjust(figures) for number in row)
        if cells(name) > name_width:
            yield name
            name = ""
        yield pad(name, name_width) + told

    def _riding(self) -> Iterator[str]:
        riding = self.told.riding
        if not riding:
            return
        yield ""
        yield "More often than their cadence alone:"
        span = self.told.until - self.told.now
        rows = (
            Row(
                Cell("+"),
                address_text(ride.address),
                Cell(""),
                (riding_text(ride, span, self._vantage()),),
            )
            for ride in riding[:_IDLE_SHOWN]
        )
        yield from listing(rows, self.width, colour=self.colour)
        if len(riding) > _IDLE_SHOWN:
            yield f"  and {counted(len(riding) - _IDLE_SHOWN, 'more item')}"

    def _strips(self) -> Iterator[str]:
        budget = self.told.requests_per_minute
        title = (
            f"Requests in each hour's busiest minute, of {budget:,} allowed; hours of "
            f"{self.told.zone}"
        )
        yield from wrap(title, self.width)
        yield paint(f"{'':8}{_HOURS_MARKED}".rstrip(), Ink.DIM, colour=self.colour)
        for day in self.told.days:
            label = f"{_WEEKDAYS[day.date.weekday()]} {day.date.day:>2}"
            over = day.peak > budget
            strip = "".join(_level(peak, budget) for peak in day.peaks)
            told = paint(strip, Ink.BAD if over else Ink.PLAIN, colour=self.colour)
            yield f"{label}  {told}  {self._peak(day)}".rstrip()
        if any(day.peak > budget for day in self.told.days):
            yield from wrap("What is over the budget waits for the next minutes.", self.width)

    def _peak(self, day: Day) -> str:
        if day.busiest is None:
            return ""
        at = Vantage(self.told.zone, day.busiest).local(day.busiest)
        over = ", over the budget" if day.peak > self.told.requests_per_minute else ""
        return f"{day.peak:,} at {at}{over}"

    def _idle(self) -> Iterator[str]:
        idle = self.told.idle
        if not idle:
            return
        reader = Reader(self.told.zones, self.told.zone, self.told.now)
        yield ""
        yield f"No call for {counted(len(idle), 'item')}:"
        rows = (
            Row(Cell("-"), address_text(address), Cell(""), reader.account(address).parts(reason))
            for address, reason in idle[:_IDLE_SHOWN]
        )
        yield from listing(rows, self.width, colour=self.colour)
        if len(idle) > _IDLE_SHOWN:
            yield f"  and {counted(len(idle) - _IDLE_SHOWN, 'more item')}"

    def _vantage(self) -> Vantage:
        return Vantage(self.told.zone, self.told.now)


def _level(peak: int, budget: int) -> str:
    """Return a bar of as many eighths of the budget as are used, rounded up."""
    if not peak:
        return _NO_REQUESTS
    return _LEVELS[min(len(_LEVELS), ceil(peak * len(_LEVELS) / budget)) - 1]


# Why one item is due or not: its verdict, the steps that led there, and what would change it.

_LABEL: Final = 15


def why_text(told: Explanation, *, width: int, colour: bool, elsewhere: bool = False) -> str:
    """Return an explanation as text that ends with a line break. `width` is in terminal cells.

    `elsewhere`: it may be read on another day.
    """
    width = max(width, LEAST_WIDTH)
    view = Vantage(told.standing.zone, told.now)
    as_of = view.in_full(told.now) if elsewhere else view.both(told.now)
    lines = list(_headline(told, as_of, width, colour=colour))
    for label, fact in steps(told, view):
        first, *rest = wrap(fact, width - _LABEL - 2)
        lines.append(f"  {paint(label.ljust(_LABEL), Ink.DIM, colour=colour)}{first}")
        lines += [" " * (_LABEL + 2) + line for line in rest]
    for said in _verdict(told, view):
        lines += wrap(said, width)
    return "\n".join(lines) + "\n"


def _headline(told: Explanation, as_of: str, width: int, *, colour: bool) -> Iterator[str]:
    standing = told.standing
    word = status_word(standing)
    name = address_text(standing.address)
    first, *rest = both_ends(f"{name} is {word}", f"as of {as_of}", width)
    ink = STATUS_INKS[standing.status]
    yield first.replace(f" is {word}", f" is {paint(word, ink, colour=colour)}", 1)
    yield from rest


def _verdict(told: Explanation, view: Vantage) -> Iterator[str]:
    yield ""
    first, *commands = account(told, view)
    word = status_word(told.standing)
    whole = first if first.startswith(word) else f"{word}: {first}"
    yield f"{whole[:1].upper()}{whole[1:]}."
    if isinstance(told.standing.reason, JobRunningSince):
        yield "An apply awaits the job and starts nothing."
    elif told.searched is None:
        yield "It does not run as things stand: nothing ends this by itself."
    elif told.earliest is None:
        yield f"As things stand it does not run before {view.both(told.searched)}."
    elif told.standing.status is Status.DUE:
        yield "It would run now."
    else:
        yield f"Earliest run: {view.both(told.earliest)}, {view.distance(told.earliest)}."
    for without in told.without:
        yield sentence(without, view)
    for command in commands:
        yield command[:1].upper() + command[1:]


def sentence(without: Without, view: Vantage) -> str:
    """Return when the item would run without one of its obstacles."""
    removed = _named(without.obstacle)
    if without.status is Status.DUE:
        return f"Without {removed} it would be due now."
    return f"Without {removed} the earliest run would be {view.both(without.earliest)}."


def _named(obstacle: Obstacle) -> str:
    match obstacle.kind:
        case ObstacleKind.PAUSE:
            return "the pause"
        case ObstacleKind.FREEZE:
            return f"the freeze {words_text(obstacle.name)}"
        case ObstacleKind.FAILURES:
            return "the failures"
        case ObstacleKind.JOB:
            return "the running job"
        case ObstacleKind.UNSEEN:
            return "the refresh whose end was not seen"
        case ObstacleKind.DOUBT:
            return "the unknown outcome"
        case ObstacleKind.DEADLINE:
            return "the deadline"
        case ObstacleKind.ON_CHANGE:
            return 'on_change = "next"'
        case ObstacleKind.AFTER:
            return f"waiting for {words_text(obstacle.name)}"


# The steps of an explanation, one line each: what was asked, and what was found.

Step = tuple[str, str]


def steps(told: Explanation, view: Vantage) -> Iterator[Step]:
    """Yield what was asked of the item, in the order the planner asks, and what was found."""
    yield "cadence", _cadence(told, view)
    yield from _slots(told, view)
    yield "covered", _covered(told, view)
    yield "on_change", _on_change(told)
    yield "deadline", _deadline(told)
    yield "pause", _pause(told, view)
    yield "freeze", _freeze(told, view)
    yield "failures", _failures(told, view)
    yield "in flight", _in_flight(told, view)
    if told.first is not None:
        yield "after", f"{address_text(told.first.address)}, which is {status_word(told.first)}"
    yield from _budget(told)


def _cadence(told: Explanation, view: Vantage) -> str:
    timing = told.item.timing
    text = cadence_text(timing.cadence, view)
    if isinstance(timing.cadence, Cron | At):
        text += f" in {escape_terminal(timing.zone)}"
        if timing.spread:
            text += f", spread over {interval_text(timing.spread)}"
    return text


def _slots(told: Explanation, view: Vantage) -> Iterator[Step]:
    standing = told.standing
    newest, following = standing.newest_slot, standing.next_slot
    if newest is not None:
        older = f", {counted(standing.missed, 'older slot')} missed" if standing.missed else ""
        yield "newest slot", f"{view.both(newest)}, {view.distance(newest)}{older}"
    else:
        yield "newest slot", "none yet"
    if following is not None:
        yield "next slot", f"{view.both(following)}, {view.distance(following)}"


def _covered(told: Explanation, view: Vantage) -> str:
    record = told.record
    if record.last_success is None:
        return "no: there is no success on record"
    text = f"last success {view.both(record.last_success)}"
    if record.stamp is not None:
        text += f", stamp {view.both(record.stamp)}"
    newest = told.standing.newest_slot
    if newest is None or told.settled is None or isinstance(told.item.timing.cadence, WhenChanged):
        return text
    return f"{'yes' if told.settled >= newest else 'no'}: {text}"


def _on_change(told: Explanation) -> str:
    timing = told.item.timing
    if timing.on_change is OnChange.NOW:
        return "now: a slot that has passed still counts"
    waits = isinstance(told.standing.reason, WaitsForNextSlot)
    seen = "" if told.seen else ", and no apply has seen this timing yet"
    return f"next: slots before its declaration are let pass{seen}" + (" (waits)" if waits else "")


def _deadline(told: Explanation) -> str:
    deadline = told.item.timing.deadline
    if deadline is None:
        return "none"
    missed = isinstance(told.standing.reason, DeadlineMissed)
    return interval_text(deadline) + (", passed" if missed else "")


def _pause(told: Explanation, view: Vantage) -> str:
    pause = told.item.timing.pause
    if pause is None:
        return "none"
    over = pause.until is not None and pause.until <= told.now
    until = "without an end" if pause.until is None else f"until {view.both(pause.until)}"
    return (
        ("over: " if over else "") + until + (f", {words_text(pause.reason)}" * bool(pause.reason))
    )


def _freeze(told: Explanation, view: Vantage) -> str:
    if not told.frozen:
        return "none holds now"
    return "; ".join(
        f"{words_text(frozen.name)} "
        + (
            "without an end in sight"
            if frozen.until is None
            else f"until {view.both(frozen.until)}"
        )
        for frozen in told.frozen
    )


def _failures(told: Explanation, view: Vantage) -> str:
    record, reason = told.record, told.standing.reason
    if not record.failures or record.last_failure is None:
        return "none"
    text = (
        f"{record.failures} of {told.item.timing.hold_after} before it is held, last "
        f"{view.both(record.last_failure.at)}: {words_text(record.last_failure.message)}"
    )
    return f"held: {text}" if isinstance(reason, HeldAfterFailures) else text


def _in_flight(told: Explanation, view: Vantage) -> str:
    pending, unseen = told.record.pending, told.record.unseen
    found: list[str] = []
    if pending is not None and pending.job_id is None:
        found.append(f"a call of {view.both(pending.since)} whose outcome is unknown")
    elif pending is not None:
        look = pending.look
        seen = f", last seen {view.local(look.at)}: {words_text(look.answer)}" if look else ""
        found.append(f"a job since {view.both(pending.since)}{seen}")
    if unseen is not None:
        since = view.both(unseen.call.since)
        found.append(f"a job of {since} whose end was not seen: {words_text(unseen.answer)}")
    return "; ".join(found) or "nothing"


def _budget(told: Explanation) -> Iterator[Step]:
    if told.call is None or told.place is None:
        return
    others = [c.address for c in told.call.covers if c.address != told.item.address]
    if others:
        yield "one call with", addresses_text(others)
    if isinstance(told.call, ResetCache) and told.call.waits_for is not None:
        yield "waits for", address_text(told.call.waits_for)
    place, calls = told.place
    yield (
        "budget",
        f"call {place:,} of {calls:,} to go, at {told.requests_per_minute:,} requests a minute",
    )


def account(told: Explanation, view: Vantage) -> Sequence[str]:
    """Return the verdict's reason and, where there is one, the command that ends it, apart."""
    teller = Account(told.standing.address, view)
    parts = teller.parts(told.standing.reason)
    # A plan need not say of each running job how to let go of it; who asks why may want to.
    running = isinstance(told.standing.reason, JobRunningSince)
    return (*parts, teller.release()) if running else parts


# Why a native schedule stands as it does: its standing, and what an apply would do about it.


def schedule_why_text(planned: Plan, standing: Standing, *, width: int, colour: bool) -> str:
    """Return the line that a plan has for the schedule, with the exact request."""
    reader = Reader.of(planned)
    told = (action_lines(action, reader) for action in planned.actions)
    rows = [row for lines in told for row in lines.in_full()]
    rows = rows or [standing_row(standing, reader)]
    return "\n".join(listing(rows, max(width, LEAST_WIDTH), colour=colour, stacked=True)) + "\n"
