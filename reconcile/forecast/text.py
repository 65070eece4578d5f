"""A forecast, and why one item stands as it does: for people, programs and calendars."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from math import ceil
from typing import Final

from msgspec import Struct

from reconcile.forecast.why import WhyOutline
from reconcile.model.address import Address
from reconcile.model.forecast import Day, ExpectedCall, Forecast
from reconcile.model.struct import rfc3339
from reconcile.render import words
from reconcile.render.layout import (
    DOT,
    LEAST_WIDTH,
    Cell,
    Ink,
    Row,
    both_ends,
    cells,
    escape_terminal,
    listing,
    pad,
    paint,
    wrap,
)
from reconcile.render.outline import STATUS_INKS, Outline
from reconcile.render.reasons import Reader, riding_text

# A forecast as a person reads it: calls per item and day, and how full each hour is.

_LEVELS: Final = "▁▂▃▄▅▆▇█"
_NO_REQUESTS: Final = "·"
_HOURS_MARKED: Final = "0     6     12    18    "
_LISTED: Final = 12
_LEAST_COLUMN: Final = 3
_WIDEST_NAME: Final = 46
_ASSUMPTIONS: Final = (
    "Assumes that an apply runs as soon as something falls due, that no limit blocks it, that "
    "every call succeeds at once, and that watched files stay as they are. Real applies run a "
    "little later, and an interval counts from the run before: `every` items drift from these "
    "times."
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
        span = words.duration_text((told.until - told.now).total_seconds())
        refreshes, resets = told.refreshes, told.resets
        total = f"{words.counted(refreshes + resets, 'call')} in {span}"
        kinds = f"{words.counted(refreshes, 'refresh')} and {words.counted(resets, 'reset')}"
        since = f"from {self._vantage().both(told.now)}"
        first, *rest = both_ends(f"{total}{DOT}{kinds}", since, self.width)
        yield paint(first, Ink.BOLD, colour=self.colour)
        yield from rest

    def _table(self) -> Iterator[str]:
        """Yield as many days side by side as fit, and the others below."""
        days = self.told.days
        called = sorted({address for day in days for address in day.covering})
        names = [words.address_text(address) for address in called]
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
        weekdays = (words.DAYS[day.date.weekday()].rjust(figures) for day in block)
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
        told = ((it.address, (riding_text(it, span, self._vantage()),)) for it in riding)
        yield from self._listed("+", told, len(riding))

    def _strips(self) -> Iterator[str]:
        budget = self.told.requests_per_minute
        title = (
            f"Requests in each hour's busiest minute, of {budget:,} allowed; hours of "
            f"{self.told.zone}"
        )
        yield from wrap(title, self.width)
        yield paint(f"{'':8}{_HOURS_MARKED}".rstrip(), Ink.DIM, colour=self.colour)
        for day in self.told.days:
            label = f"{words.DAYS[day.date.weekday()]} {day.date.day:>2}"
            over = day.peak > budget
            strip = "".join(_level(peak, budget) for peak in day.peaks)
            told = paint(strip, Ink.BAD if over else Ink.PLAIN, colour=self.colour)
            yield f"{label}  {told}  {self._peak(day)}".rstrip()
        if any(day.peak > budget for day in self.told.days):
            yield from wrap("What is over the budget waits for the next minutes.", self.width)

    def _peak(self, day: Day) -> str:
        if day.busiest is None:
            return ""
        at = words.Vantage(self.told.zone, day.busiest).local(day.busiest)
        over = ", over the budget" if day.peak > self.told.requests_per_minute else ""
        return f"{day.peak:,} at {at}{over}"

    def _idle(self) -> Iterator[str]:
        idle = self.told.idle
        if not idle:
            return
        reader = Reader(self.told.zones, self.told.zone, self.told.now)
        yield ""
        yield f"No call for {words.counted(len(idle), 'item')}:"
        told = ((address, reader.account(address).parts(reason)) for address, reason in idle)
        yield from self._listed("-", told, len(idle))

    def _listed(
        self, sign: str, told: Iterable[tuple[Address, Sequence[str]]], number: int
    ) -> Iterator[str]:
        shown = islice(told, _LISTED)
        rows = (
            Row(Cell(sign), words.address_text(it), Cell(""), tuple(said)) for it, said in shown
        )
        yield from listing(rows, self.width, colour=self.colour)
        if number > _LISTED:
            yield f"  and {words.counted(number - _LISTED, 'more item')}"

    def _vantage(self) -> words.Vantage:
        return words.Vantage(self.told.zone, self.told.now)


def _level(peak: int, budget: int) -> str:
    """Return a bar of as many eighths of the budget as are used, rounded up."""
    if not peak:
        return _NO_REQUESTS
    return _LEVELS[min(len(_LEVELS), ceil(peak * len(_LEVELS) / budget)) - 1]


# Why one item is due or not: its verdict, the steps that led there, and what would change it.

_LABEL: Final = 15


def why_text(told: WhyOutline, *, width: int, colour: bool, elsewhere: bool = False) -> str:
    """Return an explanation as text that ends with a line break. `width` is in terminal cells.

    `elsewhere`: it may be read on another day.
    """
    width = max(width, LEAST_WIDTH)
    document, view = told.document, told.view
    as_of = view.in_full(document.now) if elsewhere else view.both(document.now)
    name, word = words.address_text(document.address), told.word
    first, *rest = both_ends(f"{name} is {word}", f"as of {as_of}", width)
    inked = paint(word, STATUS_INKS[document.status], colour=colour)
    lines = [first.replace(f" is {word}", f" is {inked}", 1), *rest]
    for step in document.steps:
        first, *rest = wrap(step.found, width - _LABEL - 2)
        lines.append(f"  {paint(step.step.ljust(_LABEL), Ink.DIM, colour=colour)}{first}")
        lines += [" " * (_LABEL + 2) + line for line in rest]
    lines.append("")
    for said in told.verdict:
        lines += wrap(said, width)
    return "\n".join(lines) + "\n"


# Why a native schedule stands as it does: its standing, and what an apply would do about it.


def schedule_why_text(outline: Outline, *, width: int, colour: bool) -> str:
    """Return the line that a plan of the schedule alone has, with the exact request."""
    rows = [row for action in outline.actions for row in action.in_full()]
    rows = rows or [*outline.still, *outline.covered]
    return "\n".join(listing(rows, max(width, LEAST_WIDTH), colour=colour, stacked=True)) + "\n"


# The calls as an iCalendar object (RFC 5545) that a calendar can subscribe to.


_LONGEST_LINE: Final = 75
"""Octets, without the line break (RFC 5545, 3.1)."""

_CONTINUATION: Final = " "
_DESCRIBED: Final = 20


def forecast_ics(told: Forecast, *, singly: bool = False) -> Iterator[str]:
    """Yield a calendar with one event a day; `singly`: one a call, at the instant it falls due.

    An event of a call has no end, so it takes up no time. Its UID is derived from the address and
    the slot: a calendar fetched again updates what it has, and a slot that is late moves.
    """
    return (f"{folded}\r\n" for line in _lines(told, singly=singly) for folded in _fold(line))


def _lines(told: Forecast, *, singly: bool) -> Iterator[str]:
    yield "BEGIN:VCALENDAR"
    yield "VERSION:2.0"
    yield "PRODID:-//reconcile//forecast//EN"
    yield "METHOD:PUBLISH"
    yield "X-WR-CALNAME:Omni refreshes and cache resets"
    yield "REFRESH-INTERVAL;VALUE=DURATION:PT1H"
    if singly:
        for call in told.calls:
            yield from _event(call, told.now)
    else:
        for day in told.days:
            yield from _day(day, told)
    yield "END:VCALENDAR"


def _day(day: Day, told: Forecast) -> Iterator[str]:
    """Yield a day of the forecast's zone as an event of the whole day; none where nothing runs."""
    if not day.calls:
        return
    busiest = ""
    if day.busiest is not None:
        at = words.Vantage(told.zone, told.now).local(day.busiest)
        busiest = f"at most {words.counted(day.peak, 'request')} a minute, {at}"
    most = sorted(day.covering.items(), key=lambda entry: (-entry[1], entry[0]))
    runs = [f"{words.address_text(it)}, {words.counted(number, 'run')}" for it, number in most]
    yield "BEGIN:VEVENT"
    yield f"UID:{day.date.isoformat()}@reconcile"
    yield f"DTSTAMP:{_utc(told.now)}"
    yield f"DTSTART;VALUE=DATE:{day.date:%Y%m%d}"
    yield f"SUMMARY:{_escaped(words.counted(day.calls, 'call'))}"
    yield f"DESCRIPTION:{_escaped(_listed([busiest, *runs] if busiest else runs))}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _event(call: ExpectedCall, now: datetime) -> Iterator[str]:
    verb = "Reset" if call.mode is None else f"Refresh ({call.mode})"
    covers = [
        f"{words.address_text(c.address)}" + (f", slot {rfc3339(c.slot)}" if c.slot else "")
        for c in call.action.covers
    ]
    # A first run of `every` has no slot; there is only one.
    told = f"{call.addresses[0]} {'first' if call.slot is None else rfc3339(call.slot)}"
    yield "BEGIN:VEVENT"
    yield f"UID:{sha256(told.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}@reconcile"
    yield f"DTSTAMP:{_utc(now)}"
    yield f"DTSTART:{_utc(call.at)}"
    yield f"SUMMARY:{_escaped(f'{verb} {words.addresses_text(call.addresses)}')}"
    yield f"DESCRIPTION:{_escaped(_listed(covers))}"
    yield f"CATEGORIES:{'cache reset' if call.mode is None else 'refresh'}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _listed(lines: Sequence[str]) -> str:
    more = len(lines) - _DESCRIBED
    return "\n".join([*lines[:_DESCRIBED], f"and {more:,} more"] if more > 0 else lines)


def _utc(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    """Escape a TEXT value (RFC 5545, 3.3.11); no control character is left in it."""
    lines = [escape_terminal(line) for line in text.split("\n")]
    escaped = (line.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,") for line in lines)
    return "\\n".join(escaped)


def _fold(line: str) -> Iterator[str]:
    """Cut a line into pieces of 75 octets at most, never inside a character."""
    piece, octets = "", 0
    for character in line:
        size = len(character.encode())
        if octets + size > _LONGEST_LINE:
            yield piece
            piece, octets = _CONTINUATION, len(_CONTINUATION)
        piece += character
        octets += size
    yield piece
