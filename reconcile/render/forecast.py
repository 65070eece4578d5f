"""A forecast for people and for programs: calls per item and day, and changes of the clocks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Final

from reconcile.model.forecast import ClockChange, Day, ExpectedCall, Forecast, TouchedSlot
from reconcile.model.plan import Refresh
from reconcile.render.documents import encode, instant_json
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
from reconcile.render.reasons import Reader, reason_json, riding_json, riding_text
from reconcile.render.words import Vantage, address_text, addresses_text, counted, duration_text

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


@dataclass(frozen=True, slots=True)
class _Page:
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


# Changes of the clocks that touch slots, for people and for programs.

VALIDATION_FORMAT_VERSION: Final = 1

_SLOTS_SHOWN: Final = 8


def clocks_text(changes: Sequence[ClockChange], now: datetime, *, width: int) -> str:
    """Return a paragraph for each zone; each line ends with a line break."""
    lines = [line for change in changes for line in _paragraph(change, now, width)]
    return "".join(f"{line}\n" for line in lines)


def validation_json(counts: Mapping[str, int], changes: Sequence[ClockChange]) -> str:
    """Return how much valid files declare, by noun, and the changes to come."""
    head = {"format_version": VALIDATION_FORMAT_VERSION, "valid": True, **counts}
    return encode({**head, "clock_changes": clocks_json(changes)})


def clocks_json(changes: Sequence[ClockChange]) -> list[dict[str, object]]:
    """Return the changes as plain JSON values. Offsets are in seconds east of UTC."""
    return [
        {
            "zone": change.zone,
            "at": instant_json(change.instant),
            "offset_before_s": change.offset_before.total_seconds(),
            "offset_after_s": change.offset_after.total_seconds(),
            "slots": [_slot(slot) for slot in change.slots],
        }
        for change in changes
    ]


def _slot(slot: TouchedSlot) -> dict[str, object]:
    return {
        "wall_time": slot.wall.isoformat(),
        "change": "skipped" if slot.skipped else "repeated",
        "before": instant_json(slot.before),
        "after": instant_json(slot.after),
        "runs": [instant_json(instant) for instant in slot.runs],
        "addresses": list(slot.addresses),
    }


def _paragraph(change: ClockChange, now: datetime, width: int) -> Iterator[str]:
    width = max(width, LEAST_WIDTH)
    moved_s = (change.offset_after - change.offset_before).total_seconds()
    way = "forward" if moved_s > 0 else "back"
    when = Vantage(change.zone, now).both(change.instant)
    yield from wrap(
        f"Clocks in {escape_terminal(change.zone)} go {way} {duration_text(abs(moved_s))} "
        f"on {when}:",
        width,
    )
    for slot in change.slots[:_SLOTS_SHOWN]:
        first, *rest = wrap(f"{_told(slot)}: {addresses_text(slot.addresses)}", width - 4)
        yield f"  {first}"
        yield from (f"    {line}" for line in rest)
    if len(change.slots) > _SLOTS_SHOWN:
        yield f"  and {counted(len(change.slots) - _SLOTS_SHOWN, 'more time')}"


def _told(slot: TouchedSlot) -> str:
    wall, before, after = f"{slot.wall:%H:%M}", f"{slot.before:%H:%M}Z", f"{slot.after:%H:%M}Z"
    if slot.skipped:
        runs = f"runs at {slot.runs[0]:%H:%M}Z" if slot.runs else "does not run"
        return f"{wall} does not exist ({before} by the old offset, {after} by the new), {runs}"
    runs = "runs at both" if len(slot.runs) > 1 else "runs at the first"
    return f"{wall} comes twice ({before} and {after}), {runs}"


# A forecast as JSON: versioned, stable in order, ASCII only.

FORECAST_FORMAT_VERSION: Final = 1


def forecast_json(told: Forecast) -> str:
    """Return a forecast as one JSON object, indented, ending with a line break.

    Instants are RFC 3339 in UTC; days are those of `zone`.
    """
    reader = Reader(told.zones, told.zone, told.now)
    return encode(
        {
            "format_version": FORECAST_FORMAT_VERSION,
            "now": instant_json(told.now),
            "until": instant_json(told.until),
            "zone": told.zone,
            "requests_per_minute": told.requests_per_minute,
            "calls": [_call(call) for call in told.calls],
            "days": [_day(day) for day in told.days],
            "riding": [riding_json(riding) for riding in told.riding],
            "idle": [
                {
                    "address": address,
                    "reason": reader.account(address).tell(reason),
                    "because": reason_json(reason),
                }
                for address, reason in told.idle
            ],
        }
    )


def _call(call: ExpectedCall) -> dict[str, object]:
    action = call.action
    shared = {"at": instant_json(call.at), "model_id": action.model_id}
    covers = [
        {"address": coverage.address, "slot": instant_json(coverage.slot)}
        for coverage in action.covers
    ]
    if isinstance(action, Refresh):
        return {"kind": "refresh", **shared, "mode": action.mode.value, "covers": covers}
    own = {"policy": action.policy, "waits_for": action.waits_for}
    return {"kind": "reset", **shared, **own, "covers": covers}


def _day(day: Day) -> dict[str, object]:
    return {
        "date": day.date.isoformat(),
        "calls": day.calls,
        "items": dict(sorted(day.covering.items())),
        "busiest_minute": instant_json(day.busiest),
        "peak_per_minute": day.peak,
        "hour_peaks": list(day.peaks),
    }
