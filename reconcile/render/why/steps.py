"""The steps of an explanation, one line each: what was asked, and what was found."""

from collections.abc import Iterator, Sequence

from reconcile.model.desired import At, Cron, OnChange, WhenChanged
from reconcile.model.explanation import Explanation
from reconcile.model.plan import ResetCache
from reconcile.model.reason import (
    DeadlineMissed,
    HeldAfterFailures,
    JobRunningSince,
    WaitsForNextSlot,
)
from reconcile.render.cadences import cadence_text
from reconcile.render.escape import escape_terminal
from reconcile.render.instants import Vantage, interval_text
from reconcile.render.names import address_text, addresses_text, counted, words_text
from reconcile.render.reasons import Account
from reconcile.render.standings import status_word

Step = tuple[str, str]


def steps(told: Explanation, view: Vantage) -> Iterator[Step]:
    """Yield what was asked of the item, in the order the planner asks, and what was found."""
    yield "cadence", _cadence(told, view)
    yield from _slots(told, view)
    yield "covered", _covered(told, view)
    yield "on_change", _on_change(told)
    yield "deadline", _deadline(told)
    yield "pause", _pause(told, view)
    yield "freeze", _freeze(told, view)
    yield "failures", _failures(told, view)
    yield "in flight", _in_flight(told, view)
    if told.first is not None:
        yield "after", f"{address_text(told.first.address)}, which is {status_word(told.first)}"
    yield from _budget(told)


def _cadence(told: Explanation, view: Vantage) -> str:
    timing = told.item.timing
    text = cadence_text(timing.cadence, view)
    if isinstance(timing.cadence, Cron | At):
        text += f" in {escape_terminal(timing.zone)}"
        if timing.spread:
            text += f", spread over {interval_text(timing.spread)}"
    return text


def _slots(told: Explanation, view: Vantage) -> Iterator[Step]:
    standing = told.standing
    newest, following = standing.newest_slot, standing.next_slot
    if newest is not None:
        older = f", {counted(standing.missed, 'older slot')} missed" if standing.missed else ""
        yield "newest slot", f"{view.both(newest)}, {view.distance(newest)}{older}"
    else:
        yield "newest slot", "none yet"
    if following is not None:
        yield "next slot", f"{view.both(following)}, {view.distance(following)}"


def _covered(told: Explanation, view: Vantage) -> str:
    record = told.record
    if record.last_success is None:
        return "no: there is no success on record"
    text = f"last success {view.both(record.last_success)}"
    if record.stamp is not None:
        text += f", stamp {view.both(record.stamp)}"
    newest = told.standing.newest_slot
    if newest is None or told.settled is None or isinstance(told.item.timing.cadence, WhenChanged):
        return text
    return f"{'yes' if told.settled >= newest else 'no'}: {text}"


def _on_change(told: Explanation) -> str:
    timing = told.item.timing
    if timing.on_change is OnChange.NOW:
        return "now: a slot that has passed still counts"
    waits = isinstance(told.standing.reason, WaitsForNextSlot)
    seen = "" if told.seen else ", and no apply has seen this timing yet"
    return f"next: slots before its declaration are let pass{seen}" + (" (waits)" if waits else "")


def _deadline(told: Explanation) -> str:
    deadline = told.item.timing.deadline
    if deadline is None:
        return "none"
    missed = isinstance(told.standing.reason, DeadlineMissed)
    return interval_text(deadline) + (", passed" if missed else "")


def _pause(told: Explanation, view: Vantage) -> str:
    pause = told.item.timing.pause
    if pause is None:
        return "none"
    over = pause.until is not None and pause.until <= told.now
    until = "without an end" if pause.until is None else f"until {view.both(pause.until)}"
    return (
        ("over: " if over else "") + until + (f", {words_text(pause.reason)}" * bool(pause.reason))
    )


def _freeze(told: Explanation, view: Vantage) -> str:
    if not told.frozen:
        return "none holds now"
    return "; ".join(
        f"{words_text(frozen.name)} "
        + (
            "without an end in sight"
            if frozen.until is None
            else f"until {view.both(frozen.until)}"
        )
        for frozen in told.frozen
    )


def _failures(told: Explanation, view: Vantage) -> str:
    record, reason = told.record, told.standing.reason
    if not record.failures or record.last_failure is None:
        return "none"
    text = (
        f"{record.failures} of {told.item.timing.hold_after} before it is held, last "
        f"{view.both(record.last_failure.at)}: {words_text(record.last_failure.message)}"
    )
    return f"held: {text}" if isinstance(reason, HeldAfterFailures) else text


def _in_flight(told: Explanation, view: Vantage) -> str:
    pending, unseen = told.record.pending, told.record.unseen
    found: list[str] = []
    if pending is not None and pending.job_id is None:
        found.append(f"a call of {view.both(pending.since)} whose outcome is unknown")
    elif pending is not None:
        look = pending.look
        seen = f", last seen {view.local(look.at)}: {words_text(look.answer)}" if look else ""
        found.append(f"a job since {view.both(pending.since)}{seen}")
    if unseen is not None:
        since = view.both(unseen.call.since)
        found.append(f"a job of {since} whose end was not seen: {words_text(unseen.answer)}")
    return "; ".join(found) or "nothing"


def _budget(told: Explanation) -> Iterator[Step]:
    if told.call is None or told.place is None:
        return
    others = [c.address for c in told.call.covers if c.address != told.item.address]
    if others:
        yield "one call with", addresses_text(others)
    if isinstance(told.call, ResetCache) and told.call.waits_for is not None:
        yield "waits for", address_text(told.call.waits_for)
    place, calls = told.place
    yield (
        "budget",
        f"call {place:,} of {calls:,} to go, at {told.requests_per_minute:,} requests a minute",
    )


def account(told: Explanation, view: Vantage) -> Sequence[str]:
    """Return the verdict's reason and, where there is one, the command that ends it, apart."""
    teller = Account(told.standing.address, view)
    parts = teller.parts(told.standing.reason)
    # A plan need not say of each running job how to let go of it; who asks why may want to.
    running = isinstance(told.standing.reason, JobRunningSince)
    return (*parts, teller.release()) if running else parts
