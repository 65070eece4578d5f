"""The instances of a fleet, for people and for programs."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct, convert
from msgspec.structs import asdict

from reconcile.config.fleet import Fleet, Seat
from reconcile.controller.situation import VerdictWord
from reconcile.model.progress import Summary
from reconcile.model.struct import Instant, replace, rfc3339
from reconcile.render.documents import Count, Seconds, encode
from reconcile.render.layout import (
    DOT,
    LEAST_WIDTH,
    Cell,
    Ink,
    both_ends,
    cells,
    escape_terminal,
    pad,
    paint,
    wrap,
)
from reconcile.render.words import Vantage, counted, words_text

_LONGEST_NAME = 60
_TROUBLE_LIMIT = 400
_INDENT = "    "
_GAP = "  "
_WELL = frozenset({"idle", "done"})
_PASSING = frozenset({"locked", "stopped"})
_LISTED = 50

LONGEST_LATE = timedelta(minutes=15)
"""An instance that waits longer for a worker is in trouble."""


class Totals(Struct, frozen=True, kw_only=True):
    """How many instances there are, and how many of them are not simply as declared."""

    instances: Count
    in_trouble: Count
    due: Count
    paused: Count

    @staticmethod
    def of(seats: Sequence[Seat], now: datetime) -> "Totals":
        """Count instances as of `now`, UTC."""
        return Totals(
            instances=len(seats),
            in_trouble=sum(is_troubled(seat, now) for seat in seats),
            due=sum(waits(seat, now) for seat in seats),
            paused=sum(seat.is_held(now) for seat in seats),
        )


def ranked(seats: Iterable[Seat], now: datetime) -> list[Seat]:
    """Return those in trouble first, then those that wait, then paused ones; else in their order.

    `now`: UTC.
    """

    def rank(seat: Seat) -> tuple[bool, bool, bool]:
        return not is_troubled(seat, now), not waits(seat, now), not seat.is_held(now)

    return sorted(seats, key=rank)


def fleet_text(
    seats: Sequence[Seat],
    now: datetime,
    *,
    width: int,
    colour: bool,
    troubled_only: bool = False,
    whole: bool = False,
) -> str:
    """Return where instances stand, troubles first; ends with a line break. Instants are UTC.

    `whole`: list all of them, however many.
    """
    width = max(width, LEAST_WIDTH)
    view, totals = Vantage("UTC", now), Totals.of(seats, now)
    lines = both_ends(DOT.join(_told(totals)), f"as of {view.local(now)}", width)
    seats = listed(seats, now, troubled_only=troubled_only)
    left = [] if whole else seats[_LISTED:]
    seats = seats[: len(seats) - len(left)]
    names = [escape_terminal(seat.instance, _LONGEST_NAME) for seat in seats]
    standings = [standing(seat, now) for seat in seats]
    name_cells = max(map(cells, names), default=0)
    word_cells = max((cells(word.text) for word in standings), default=0)
    for seat, name, word in zip(seats, names, standings, strict=True):
        shown = paint(pad(word.text, word_cells), word.ink, colour=colour)
        line = _GAP.join([pad(name, name_cells), shown])
        told = DOT.join(_seat_facts(seat, view))
        if name_cells + word_cells + cells(told) + 2 * len(_GAP) <= width:
            lines.append(f"{line}{_GAP}{told}".rstrip())
        else:
            lines.append(line.rstrip())
            lines += [_INDENT + part for part in wrap(told, width - len(_INDENT), DOT)]
        for note in notes(seat, view):
            lines += [_INDENT + part for part in wrap(note, width - len(_INDENT))]
    if left:
        lines.append(f"and {len(left):,} more, which -v lists")
    return "\n".join(lines) + "\n"


class SeatDocument(Struct, frozen=True, kw_only=True):
    """Where one instance stands; null: never run, or not so."""

    instance: str
    outcome: VerdictWord | None
    trouble: str | None
    ran_at: Instant | None
    took_s: Seconds | None
    wake_at: Instant | None
    failures: Count
    worker: str | None
    in_trouble: bool
    paused: bool
    paused_until: Instant | None
    paused_reason: str | None

    @staticmethod
    def of(seat: Seat, now: datetime) -> "SeatDocument":
        """Return an instance; a pause that is over is none."""
        hold = seat.hold if seat.is_held(now) else None
        told = {
            "in_trouble": is_troubled(seat, now),
            "paused": hold is not None,
            "paused_until": hold and hold.until,
            "paused_reason": hold and hold.reason,
        }
        return convert(asdict(seat) | told, SeatDocument)


class FleetStatusDocument(Struct, frozen=True, kw_only=True):
    """What `reconcile fleet status --format json` prints."""

    format_version: Literal[1] = 1
    now: Instant
    totals: Totals
    instances: tuple[SeatDocument, ...]


def fleet_json(seats: Sequence[Seat], now: datetime, *, troubled_only: bool = False) -> str:
    """Return what `fleet_text` shows as one JSON object, all of it, in the same order."""
    shown = listed(seats, now, troubled_only=troubled_only)
    return encode(
        FleetStatusDocument(
            now=now,
            totals=Totals.of(seats, now),
            instances=tuple(SeatDocument.of(seat, now) for seat in shown),
        )
    )


def listed(seats: Iterable[Seat], now: datetime, *, troubled_only: bool) -> list[Seat]:
    """Return the instances to show, in the order to show them."""
    kept = ranked(seats, now)
    return [seat for seat in kept if is_troubled(seat, now)] if troubled_only else kept


def run_line(seat: Seat, summary: Summary | None) -> str:
    """Return one run as a line of a worker's log."""
    at = "" if seat.ran_at is None else rfc3339(seat.ran_at.replace(microsecond=0))
    parts = [f"{at} {escape_terminal(seat.instance, _LONGEST_NAME)}: {seat.outcome}"]
    if summary is not None:
        parts.append(counted(summary.calls, "call"))
    if seat.took_s is not None:
        parts.append(f"{seat.took_s:.1f} s")
    if seat.trouble is not None:
        parts.append(escape_terminal(seat.trouble, _TROUBLE_LIMIT))
    return DOT.join(parts)


def needs_restart(began_with: Fleet, fleet: Fleet) -> bool:
    """Tell whether something of the fleet's edited file takes effect at another start only."""
    return replace(fleet, members=began_with.members) != began_with


def reload_line(fleet: Fleet, *, restart: bool) -> str:
    """Return that the fleet's file was read anew, and whether that takes another start."""
    line = f"The fleet's file is read anew: {counted(len(fleet.members), 'instance')}"
    more = "; a change to its [fleet] takes effect when the worker starts again"
    return f"{line}{more if restart else ''}"


def standing(seat: Seat, now: datetime) -> Cell:
    """Return in a word how an instance stands; in red if somebody has to do something."""
    if seat.is_held(now):
        return Cell("paused", Ink.DIM)
    if seat.ran_at is None:
        return Cell("never run", Ink.BAD if is_troubled(seat, now) else Ink.DIM)
    word = seat.outcome or "unknown"
    if not is_troubled(seat, now):
        return Cell(word)
    return Cell("in trouble" if word in _WELL else word, Ink.BAD)


def is_troubled(seat: Seat, now: datetime) -> bool:
    """Tell whether something of an instance does not go on as declared; a paused one may not.

    A run that another run's lock or a worker's end kept from working changes nothing: how long the
    instance has waited counts.
    """
    if seat.is_held(now):
        return False
    since = due_since(seat, now)
    if seat.is_ahead(now) or (since is not None and now - since > LONGEST_LATE):
        return True
    if seat.failures or seat.outcome in _PASSING:
        return seat.failures > 0
    return seat.trouble is not None or (seat.outcome is not None and seat.outcome not in _WELL)


def waits(seat: Seat, now: datetime) -> bool:
    """Tell whether an instance waits for a worker: it is due, or has never been looked at."""
    if seat.is_held(now):
        return False
    return seat.ran_at is None or seat.is_ahead(now) or due_since(seat, now) is not None


def due_since(seat: Seat, now: datetime) -> datetime | None:
    """Return since when an instance waits for a worker; None if it does not, or is paused."""
    if seat.wake_at is None or seat.is_held(now):
        return None
    return seat.wake_at if seat.wake_at <= now else None


def _told(totals: Totals) -> Iterator[str]:
    yield counted(totals.instances, "instance")
    figures = ("in trouble", totals.in_trouble), ("due", totals.due), ("paused", totals.paused)
    yield from (f"{number:,} {word}" for word, number in figures if number)


def _seat_facts(seat: Seat, view: Vantage) -> Iterator[str]:
    if seat.ran_at is not None:
        yield f"last run {view.distance(seat.ran_at)}"
    if seat.wake_at is not None and not seat.is_held(view.now):
        late = seat.wake_at <= view.now
        yield (
            f"due since {view.local(seat.wake_at)}" if late else f"next {view.local(seat.wake_at)}"
        )
    if seat.failures:
        yield f"{counted(seat.failures, 'failure')} in a row"


def notes(seat: Seat, view: Vantage) -> Iterator[str]:
    """Yield why an instance is left alone, and what went wrong with it."""
    if seat.hold is not None and seat.is_held(view.now):
        until = seat.hold.until
        end = "until resumed" if until is None else f"until {view.local(until)}"
        yield f"{end}: {words_text(seat.hold.reason)}"
    if seat.is_ahead(view.now):
        worker = escape_terminal(seat.worker or "its worker", _LONGEST_NAME)
        yield f"its last run lies in the future: the clock of {worker} was ahead, or ours is behind"
    if seat.trouble is not None:
        yield escape_terminal(seat.trouble, _TROUBLE_LIMIT)
