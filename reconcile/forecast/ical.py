"""A forecast as an iCalendar object (RFC 5545) that a calendar can subscribe to."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from reconcile.model.forecast import Day, ExpectedCall, Forecast
from reconcile.model.struct import rfc3339
from reconcile.render.escape import escape_terminal
from reconcile.render.words import Vantage, address_text, addresses_text, counted

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
        at = Vantage(told.zone, told.now).local(day.busiest)
        busiest = f"at most {counted(day.peak, 'request')} a minute, {at}"
    most = sorted(day.covering.items(), key=lambda entry: (-entry[1], entry[0]))
    runs = [f"{address_text(address)}, {counted(number, 'run')}" for address, number in most]
    yield "BEGIN:VEVENT"
    yield f"UID:{day.date.isoformat()}@reconcile"
    yield f"DTSTAMP:{_utc(told.now)}"
    yield f"DTSTART;VALUE=DATE:{day.date:%Y%m%d}"
    yield f"SUMMARY:{_escaped(counted(day.calls, 'call'))}"
    yield f"DESCRIPTION:{_escaped(_listed([busiest, *runs] if busiest else runs))}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _event(call: ExpectedCall, now: datetime) -> Iterator[str]:
    verb = "Reset" if call.mode is None else f"Refresh ({call.mode})"
    yield "BEGIN:VEVENT"
    yield f"UID:{_uid(call)}"
    yield f"DTSTAMP:{_utc(now)}"
    yield f"DTSTART:{_utc(call.at)}"
    yield f"SUMMARY:{_escaped(f'{verb} {addresses_text(call.addresses)}')}"
    yield f"DESCRIPTION:{_escaped(_description(call))}"
    yield f"CATEGORIES:{'cache reset' if call.mode is None else 'refresh'}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _uid(call: ExpectedCall) -> str:
    # A first run of `every` has no slot; there is only one.
    told = "first" if call.slot is None else rfc3339(call.slot)
    name = sha256(f"{call.addresses[0]} {told}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{name}@reconcile"


def _description(call: ExpectedCall) -> str:
    covers = [
        f"{address_text(c.address)}" + (f", slot {rfc3339(c.slot)}" if c.slot else "")
        for c in call.action.covers
    ]
    return _listed(covers)


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
