"""What `validate` says of valid files: how much they declare, and which clocks change next."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from reconcile.model.forecast import ClockChange, TouchedSlot
from reconcile.render.documents import encode, instant_json
from reconcile.render.escape import escape_terminal
from reconcile.render.layout import LEAST_WIDTH, wrap
from reconcile.render.words import Vantage, addresses_text, counted, duration_text

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
