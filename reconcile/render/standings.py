"""The lines of a plan for what stands still, and what comes next."""

from collections.abc import Iterable
from datetime import datetime

from reconcile.model.plan import Standing, Status
from reconcile.model.reason import (
    BackingOff,
    BlockedBy,
    CoveredSince,
    FrozenBy,
    HeldAfterFailures,
    HeldInDoubt,
    JobRunningSince,
    OutcomeUnknown,
    PausedUntil,
    RefreshUnseen,
    WaitsUntil,
)
from reconcile.render.layout import Cell, Ink, Row
from reconcile.render.names import address_text
from reconcile.render.reader import Reader

STATUS_WORDS = {
    Status.COVERED: "covered",
    Status.DUE: "due",
    Status.DEFERRED: "deferred",
    Status.PAUSED: "paused",
    Status.HELD: "held",
    Status.BACKING_OFF: "backing off",
    Status.BLOCKED: "blocked",
}

_AWAITED = "awaited"

STATUS_INKS = {
    Status.COVERED: Ink.PLAIN,
    Status.DUE: Ink.REFRESH,
    Status.DEFERRED: Ink.DIM,
    Status.PAUSED: Ink.DIM,
    Status.HELD: Ink.BAD,
    Status.BACKING_OFF: Ink.BAD,
    Status.BLOCKED: Ink.RESET,
}

STANDING_STILL = (
    Status.HELD,
    Status.BACKING_OFF,
    Status.BLOCKED,
    Status.PAUSED,
    Status.DEFERRED,
)
"""What is listed apart from what is due; what needs a person comes first."""


_NAMES_ITS_MOMENT = (
    FrozenBy,
    PausedUntil,
    BackingOff,
    WaitsUntil,
    RefreshUnseen,
    OutcomeUnknown,
)


def status_word(standing: Standing) -> str:
    """Return what a standing is called: an item whose job runs is awaited, and sends nothing."""
    if standing.status is Status.DUE and isinstance(standing.reason, JobRunningSince):
        return _AWAITED
    return STATUS_WORDS[standing.status]


def standing_row(standing: Standing, reader: Reader) -> Row:
    """Return the row of a standing."""
    verb = Cell(status_word(standing), STATUS_INKS[standing.status])
    return Row(verb, address_text(standing.address), Cell(""), _why(standing, reader))


def next_moment(standing: Standing) -> datetime | None:
    """Return when the standing next matters: the end of what stops it, else its next slot.

    Not `until` alone: a slot that comes up during a pause changes the plan, but nothing happens.
    """
    match standing.reason:
        case CoveredSince():  # Nearly all there are, and so asked first.
            return standing.next_slot
        case FrozenBy(until=end) | PausedUntil(until=end):
            return end
        case BackingOff(retry_at=instant) | WaitsUntil(slot=instant):
            return instant
        case RefreshUnseen(retry_at=moment) | OutcomeUnknown(retry_at=moment) if moment is not None:
            return moment
        case HeldAfterFailures() | HeldInDoubt():
            return None
        case BlockedBy():
            return standing.until
        case _:
            return standing.next_slot


def first_moment(standings: Iterable[Standing]) -> tuple[datetime, Standing] | None:
    """Return the first instant at which any of the standings matters, and whose it is."""
    found: tuple[datetime, Standing] | None = None
    for standing in standings:
        moment = next_moment(standing)
        if moment is None or (found and moment > found[0]):
            continue
        if not found or moment < found[0] or standing.address < found[1].address:
            found = moment, standing
    return found


def _why(standing: Standing, reader: Reader) -> tuple[str, ...]:
    parts = reader.account(standing.address).parts(standing.reason)
    moment = next_moment(standing)
    if moment is None or isinstance(standing.reason, _NAMES_ITS_MOMENT):
        return parts
    return (
        f"{parts[0]}; next {reader.vantage(standing.address).with_distance(moment)}",
        *parts[1:],
    )
