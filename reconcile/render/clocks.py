"""What `validate` says of valid files: how much they declare, and which clocks change next."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from reconcile.model.forecast import ClockChange, TouchedSlot
from reconcile.render.escape import escape_terminal
from reconcile.render.layout import LEAST_WIDTH, wrap
from reconcile.render.words import Vantage, addresses_text, counted, duration_text

_SLOTS_SHOWN: Final = 8


def clocks_text(changes: Sequence[ClockChange], now: datetime, *, width: int) -> str:
    """Return a paragraph for each zone; each line ends with a line break."""
    lines = [line for change in changes for line in _paragraph(change, now, width)]
    return "".join(f"{line}\n" for line in lines)


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
