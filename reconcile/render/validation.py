"""What `validate` says of valid files: how much they declare, and which clocks change next."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from reconcile.model.forecast import ClockChange, TouchedSlot
from reconcile.model.struct import Instant
from reconcile.render.documents import Count, ItemAddress, encode
from reconcile.render.escape import escape_terminal
from reconcile.render.layout import LEAST_WIDTH, wrap
from reconcile.render.words import Vantage, addresses_text, counted, duration_text

WallTime = Annotated[str, Meta(extra_json_schema={"pattern": r"^\d{4}-\d{2}-\d{2}T[\d:.]+$"})]
"""A local time without an offset."""

VALIDATION_FORMAT_VERSION: Final = 1


class TouchedDocument(Struct, frozen=True, kw_only=True):
    """A local time that a change skips or repeats: what it means by either offset, when it runs."""

    wall_time: WallTime
    change: Literal["skipped", "repeated"]
    before: Instant
    after: Instant
    runs: Annotated[tuple[Instant, ...], Meta(description="before any spread")]
    addresses: tuple[ItemAddress, ...]

    @staticmethod
    def of(slot: TouchedSlot) -> "TouchedDocument":
        """Say which of the two it is."""
        return TouchedDocument(
            wall_time=slot.wall.isoformat(),
            change="skipped" if slot.skipped else "repeated",
            before=slot.before,
            after=slot.after,
            runs=slot.runs,
            addresses=slot.addresses,
        )


class ClockChangeDocument(Struct, frozen=True, kw_only=True):
    """A change of the clocks of a zone, and the slots it touches; offsets are east of UTC."""

    zone: str
    at: Instant
    offset_before_s: float
    offset_after_s: float
    slots: Annotated[tuple[TouchedDocument, ...], Meta(extra_json_schema={"minItems": 1})]

    @staticmethod
    def of(change: ClockChange) -> "ClockChangeDocument":
        """Return the change in seconds."""
        return ClockChangeDocument(
            zone=change.zone,
            at=change.instant,
            offset_before_s=change.offset_before.total_seconds(),
            offset_after_s=change.offset_after.total_seconds(),
            slots=tuple(map(TouchedDocument.of, change.slots)),
        )


class ValidationDocument(Struct, frozen=True, kw_only=True):
    """What `reconcile validate --format json` prints of valid files; of others, diagnostics."""

    format_version: Literal[1] = VALIDATION_FORMAT_VERSION
    valid: Literal[True] = True
    models: Count
    refreshes: Count
    resets: Count
    schedules: Annotated[int, Meta(description="left out if there are none")] | UnsetType = UNSET
    clock_changes: Annotated[tuple[ClockChangeDocument, ...], Meta(description="of a year")]


def validation_json(counts: Mapping[str, Any], changes: Iterable[ClockChange]) -> str:
    """Return how much valid files declare, by noun, and the changes to come."""
    listed = tuple(map(ClockChangeDocument.of, changes))
    return encode(ValidationDocument(**counts, clock_changes=listed))


# The same for people.

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
