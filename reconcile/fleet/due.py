"""Which instances are to be reconciled now. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from reconcile.model.fleet import Member, Seat

_FIRST_RETRY = timedelta(seconds=30)
_LAST_RETRY = timedelta(minutes=15)
_DOUBLINGS = 5


def due(
    members: Iterable[Member],
    seats: Mapping[str, Seat],
    contents: Mapping[str, str | None],
    now: datetime,
) -> tuple[Member, ...]:
    """Return the instances whose time has come, those that wait longest first.

    `contents`: a hash of each instance's files, by its name; None where they cannot be read,
    which is for the run itself to report. Level-triggered: whatever was missed, one run is due.
    """
    found = [
        member
        for member in members
        if _is_due(seats.get(member.name), contents.get(member.name), now)
    ]
    found.sort(key=lambda member: _waiting_since(seats.get(member.name), now))
    return tuple(found)


def is_held(seat: Seat | None, now: datetime) -> bool:
    """Tell whether an operator paused the instance."""
    if seat is None or seat.hold is None:
        return False
    return seat.hold.until is None or now < seat.hold.until


def retry_at(failures: int, now: datetime) -> datetime:
    """Return when an instance whose run failed is tried again: later each time, within limits."""
    doubled = _FIRST_RETRY * (1 << min(failures - 1, _DOUBLINGS))
    return now + min(doubled, _LAST_RETRY)


def _is_due(seat: Seat | None, content: str | None, now: datetime) -> bool:
    if is_held(seat, now):
        return False
    if seat is None or seat.ran_at is None:
        return True
    if content is not None and content != seat.content:
        return True
    return seat.wake_at is not None and seat.wake_at <= now


def _waiting_since(seat: Seat | None, now: datetime) -> datetime:
    return now if seat is None or seat.wake_at is None else seat.wake_at
