"""The instances of a fleet, for people and for programs."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, convert
from msgspec.structs import asdict

from reconcile.config.fleet import Seat
from reconcile.controller.cycle import Verdict
from reconcile.model.progress import Summary
from reconcile.model.struct import Instant
from reconcile.render.documents import Count, Seconds, encode
from reconcile.render.escape import escape_terminal
from reconcile.render.layout import DOT, LEAST_WIDTH, Cell, Ink, both_ends, cells, pad, paint, wrap
from reconcile.render.words import Vantage, counted, rfc3339, words_text

FLEET_FORMAT_VERSION: Final = 1

_LONGEST_NAME = 60
_TROUBLE_LIMIT = 400
_INDENT = "    "
_GAP = "  "
_WELL = frozenset({"idle", "done"})


def fleet_text(seats: Sequence[Seat], now: datetime, *, width: int, colour: bool) -> str:
    """Return where every instance stands; ends with a line break. Instants are UTC."""
    width = max(width, LEAST_WIDTH)
    view = Vantage("UTC", now)
    lines = both_ends(counted(len(seats), "instance"), f"as of {view.local(now)}", width)
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
    return "\n".join(lines) + "\n"


class SeatDocument(Struct, frozen=True, kw_only=True):
    """Where one instance stands; null: never run, or not so."""

    instance: str
    outcome: Annotated[str, Meta(extra_json_schema={"enum": list(Verdict)})] | None
    trouble: str | None
    ran_at: Instant | None
    took_s: Seconds | None
    wake_at: Instant | None
    failures: Count
    worker: str | None
    paused: bool
    paused_until: Instant | None
    paused_reason: str | None

    @staticmethod
    def of(seat: Seat, now: datetime) -> "SeatDocument":
        """Return an instance; a pause that is over is none."""
        hold = seat.hold if seat.is_held(now) else None
        held = (True, hold.until, hold.reason) if hold is not None else (False, None, None)
        told = dict(zip(("paused", "paused_until", "paused_reason"), held, strict=True))
        return convert(asdict(seat) | told, SeatDocument)


class FleetStatusDocument(Struct, frozen=True, kw_only=True):
    """What `reconcile fleet status --format json` prints."""

    format_version: Literal[1] = FLEET_FORMAT_VERSION
    now: Instant
    instances: tuple[SeatDocument, ...]


def fleet_json(seats: Iterable[Seat], now: datetime) -> str:
    """Return what `fleet_text` shows as one JSON object, in the same order."""
    listed = tuple(SeatDocument.of(seat, now) for seat in seats)
    return encode(FleetStatusDocument(now=now, instances=listed))


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


def standing(seat: Seat, now: datetime) -> Cell:
    """Return in a word how an instance stands; in red if somebody has to do something."""
    if seat.is_held(now):
        return Cell("paused", Ink.DIM)
    if seat.ran_at is None:
        return Cell("never run", Ink.DIM)
    ink = Ink.PLAIN if seat.outcome in _WELL else Ink.BAD
    return Cell(seat.outcome or "unknown", ink)


def waits(seat: Seat, now: datetime) -> bool:
    """Tell whether an instance waits for a worker: it is due, or has never been looked at."""
    if seat.is_held(now):
        return False
    return seat.ran_at is None or due_since(seat, now) is not None


def due_since(seat: Seat, now: datetime) -> datetime | None:
    """Return since when an instance waits for a worker; None if it does not, or is paused."""
    if seat.wake_at is None or seat.is_held(now):
        return None
    return seat.wake_at if seat.wake_at <= now else None


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
    if seat.trouble is not None and seat.outcome not in _WELL:
        yield escape_terminal(seat.trouble, _TROUBLE_LIMIT)
