"""Accepted refreshes whose end nobody sees: for how long one is awaited, and what comes then.

An accepted refresh whose end is unseen is tried once more after backoff, then not before its next
slot: a job that cannot be looked at must not make a hard refresh run more often than declared.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from reconcile.model.desired import Every, Item, WhenChanged
from reconcile.model.journal import EndUnseen
from reconcile.model.plan import Standing
from reconcile.model.reason import RefreshUnseen
from reconcile.model.recorded import Look, Pending, Record, Unseen
from reconcile.planning.backoff import backoff

LONGEST_AWAIT: Final = timedelta(hours=24)
"""For how long a job is awaited, counted from its call: no refresh of a schema takes a day, and
the longest `timeout` is no longer."""

ENOUGH_LOOKS: Final = 3
"""How many looks in a row tell of a job what one does not: a deployment of Omni's answers 404 and
403 for a moment as well."""

YOUNG: Final = timedelta(minutes=10)
"""Omni was seen to answer 404 to a job it had only just begun (omni-api.md 4.1)."""

_NOT_LOOKED_AT: Final = "it was not looked at"
_TRIES: Final = 2


def given_up(pending: Pending, now: datetime) -> EndUnseen | None:
    """Return the entry that gives a job up, None while it is to be awaited.

    It is given up once Omni did not know it at `ENOUGH_LOOKS`, the last of them `YOUNG` or more
    after the call; once it was not to be read at as many; or after `LONGEST_AWAIT`.
    """
    look = pending.look
    if pending.job_id is None:
        return None
    if look is not None and look.forbidden >= ENOUGH_LOOKS:
        return EndUnseen(now, pending.operation, look.answer, forbidden=True)
    if is_awaited(pending, now) and not (look is not None and _is_gone(look, pending.since)):
        return None
    return EndUnseen(now, pending.operation, _NOT_LOOKED_AT if look is None else look.answer)


def _is_gone(look: Look, since: datetime) -> bool:
    counted_at = look.counted_at
    return look.absent >= ENOUGH_LOOKS and counted_at is not None and counted_at >= since + YOUNG


def is_awaited(pending: Pending | None, now: datetime) -> bool:
    """Tell whether a call has a job that is young enough to be awaited."""
    return (
        pending is not None and pending.job_id is not None and now - pending.since < LONGEST_AWAIT
    )


def unseen_of(record: Record, now: datetime) -> Unseen | None:
    """Return the newest accepted refresh of an item that is not awaited any more, if any."""
    pending = record.pending
    if pending is None or pending.job_id is None:
        return record.unseen
    if is_awaited(pending, now):
        return None
    answer = _NOT_LOOKED_AT if pending.look is None else pending.look.answer
    return Unseen(pending, pending.since + LONGEST_AWAIT, answer)


def unseen_calls(record: Record, now: datetime) -> Iterator[Pending]:
    """Yield the calls of an item whose jobs may still be looked at, oldest first."""
    if record.unseen is not None:
        yield record.unseen.call
    pending = record.pending
    if pending is not None and pending.job_id is not None and not is_awaited(pending, now):
        yield pending


def attempt_of(item: Item, need: Standing, unseen: Unseen, now: datetime) -> int:
    """Say which attempt at its slot a call made now would be."""
    return 1 if _is_fresh(item, need, unseen, now) else unseen.call.coverage.attempt + 1


def next_attempt(item: Item, need: Standing, unseen: Unseen, now: datetime) -> RefreshUnseen | None:
    """Say from when on the refresh is made again; None where a slot that came since asks for it.

    It may be long past; its `retry_at` is None where nothing known brings it about.
    """
    call = unseen.call
    if _is_fresh(item, need, unseen, now):
        return None
    following = _next_fresh(item, need, call.since)
    retry_at = following
    if not unseen.forbidden and call.coverage.attempt < _TRIES:
        # By the operation, not the item: whoever shared the call is tried again in one.
        retry_at = unseen.at + backoff(call.operation, call.coverage.attempt)
        if following is not None:
            retry_at = min(retry_at, following)
    return RefreshUnseen(call.since, unseen.answer, retry_at, unseen.forbidden)


def _is_fresh(item: Item, need: Standing, unseen: Unseen, now: datetime) -> bool:
    """Tell whether the slot that is wanted came after the call was sent."""
    call, cadence = unseen.call, item.timing.cadence
    match cadence:
        case Every(interval):
            return now >= call.since + interval
        case WhenChanged():
            return cadence.content != call.coverage.content
        case _:
            return need.newest_slot is not None and need.newest_slot > call.since


def _next_fresh(item: Item, need: Standing, sent: datetime) -> datetime | None:
    match item.timing.cadence:
        case Every(interval):
            return sent + interval
        case WhenChanged():
            return None
        case _:
            return need.next_slot
