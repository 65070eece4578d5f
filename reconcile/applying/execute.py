"""Making the calls of a plan: concurrently, in order where order matters, and stoppable."""

import asyncio
from collections.abc import Collection, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from reconcile.applying import scheduling
from reconcile.applying.blame import Blame
from reconcile.applying.performing import Performer
from reconcile.applying.ports import Ports
from reconcile.applying.stopping import Stop, StopCause
from reconcile.applying.troubles import Troubles
from reconcile.applying.wire import MachineClock, StoppedError, Wire
from reconcile.model import journal
from reconcile.model.plan import Await, Forget, Plan, Refresh, Rename, ResetCache
from reconcile.model.progress import Summary
from reconcile.planning.budget import Called, Turn, order

GRACE_S = 4.0
"""How long a call in flight may still finish after a stop; the whole stop stays under 5 s."""


NO_JOB = "00000000-0000-4000-8000-000000000000"
"""An id that no job of Omni's has."""

_MINUTE_S = 60


async def execute(plan: Plan, ports: Ports, stop: Stop) -> Summary:
    """Carry out a plan. Raises ReconcileError when the journal can no longer be written.

    One failing item never stops the others. A stop lets no further call begin, gives those in
    flight GRACE_S (or all the time they need, if it is only to plan anew), and leaves running jobs
    to the next apply, which awaits them.
    """
    began_s = asyncio.get_running_loop().time()
    clock, troubles = MachineClock(ports.now), Troubles()
    ports = replace(ports, now=clock.now)
    actions = order(plan)
    missed = _missed(plan)
    _note(plan, ports, () if actions else missed)
    # Appending nothing returns the state as it stands.
    recorded = ports.ledger.append()
    wire = Wire(
        ports,
        stop,
        clock,
        troubles,
        supposed=missed if actions else (),
        mends=plan.clock_went_back is not None or recorded.clock_wrong_at is not None,
    )
    blame = Blame(actions, ports.host, stop, troubles)
    run = Performer(ports, stop, wire, blame, troubles)
    looks = 0
    if actions and recorded.clock_wrong_at is not None:
        looks = await _look_at_the_clock(wire, ports)
    for action in actions:
        run.expect(action)
    tasks = [asyncio.create_task(run.perform(action)) for action in _ranked(actions, plan, ports)]
    await _until_done_or_stopped(tasks, run, stop)
    finished = await asyncio.gather(*tasks, return_exceptions=True)
    for problem in finished:
        if isinstance(problem, BaseException) and not isinstance(problem, asyncio.CancelledError):
            raise problem
    blame.end()
    if late := wire.settled():
        ports.ledger.append(*late)
    return Summary(
        results=run.results.of(actions),
        calls=run.sender.calls,
        polls=run.follower.polls + run.scheduler.lookups + looks,
        took_s=asyncio.get_running_loop().time() - began_s,
        interrupted=stop.cause is StopCause.INTERRUPTED,
        troubles=troubles.all(),
    )


async def _look_at_the_clock(wire: Wire, ports: Ports) -> int:
    """Ask for Omni's clock by a request that changes nothing; returns how many it took.

    Without it, a machine whose clock stays wrong would make one call in each of its applies, since
    by that clock all of them are due. Asked for is a job that never was: of the refusal only the
    Date is wanted, and it takes no right that an apply does not need.
    """
    with suppress(StoppedError):
        async with wire.turn(Turn.POLL):
            asked_at = ports.now()
            outcome = await ports.omni.fetch_job(NO_JOB)
            if entries := wire.heard(asked_at, outcome.server_date):
                ports.ledger.append(*entries)
            return 1
    return 0


def _ranked(actions: Sequence[Called], plan: Plan, ports: Ports) -> list[Called]:
    """Put first what is likely to be accepted, and then jobs before calls.

    A new call of a group has to queue behind the job that is running. And while nothing has been
    accepted a few forbidden items look like a bad token: as they are the most late, they would be
    tried first in every apply, and none of the others ever.
    """
    jobs = [action for action in actions if isinstance(action, Await)]
    calls = [action for action in actions if not isinstance(action, Await)]
    apt = [a for a in calls if isinstance(a, Refresh | ResetCache) and _may_begin(a)]
    if not apt:
        return [*jobs, *calls]
    # Appending nothing returns the state as it stands.
    records = ports.ledger.append().items

    def succeeded(action: Refresh | ResetCache) -> bool:
        known = [records.get(coverage.address) for coverage in action.covers]
        return any(r is not None and r.last_success is not None and not r.failures for r in known)

    # Where nothing ever was accepted, another one each time.
    turn = apt[int(plan.now.timestamp() // _MINUTE_S) % len(apt)]
    first = next(filter(succeeded, apt), turn)
    return [*jobs, first, *(action for action in calls if action is not first)]


def _may_begin(action: Refresh | ResetCache) -> bool:
    return isinstance(action, Refresh) or action.waits_for is None


def _missed(plan: Plan) -> tuple[journal.Entry, ...]:
    return tuple(journal.Missed(plan.now, address, slot) for address, slot in plan.missed)


def _note(plan: Plan, ports: Ports, missed: Iterable[journal.Entry]) -> None:
    """Remember declarations, slots let pass and addresses gone: all of it without any call."""
    entries: list[journal.Entry] = [
        journal.Renamed(plan.now, action.moves)
        for action in plan.actions
        if isinstance(action, Rename)
    ]
    entries += [
        journal.Noted(plan.now, address, declared) for address, declared in plan.noted.items()
    ]
    entries += missed
    entries += [
        journal.Forgotten(plan.now, action.address)
        for action in plan.actions
        if isinstance(action, Forget)
    ]
    entries += scheduling.noted(plan)
    if entries:
        ports.ledger.append(*entries)


async def _until_done_or_stopped(
    tasks: Collection[asyncio.Task[None]], run: Performer, stop: Stop
) -> None:
    def watch(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception():
            stop.request(StopCause.JOURNAL_FAILED)

    if not tasks:
        return
    for task in tasks:
        task.add_done_callback(watch)
    # One wait over all, not one after each that ends: thousands of calls cost thousands of steps.
    await _either(asyncio.wait(tasks), stop.wait())
    pending = {task for task in tasks if not task.done()}
    in_flight = pending & run.sender.in_flight
    for task in pending - in_flight:
        task.cancel()
    if in_flight:
        await _either(asyncio.wait(in_flight), stop.wait_for_hurry())
        _, late = await asyncio.wait(in_flight, timeout=GRACE_S)
        for task in late:
            task.cancel()


async def _either(first: Coroutine[Any, Any, object], second: Coroutine[Any, Any, object]) -> None:
    racing = [asyncio.create_task(first), asyncio.create_task(second)]
    await asyncio.wait(racing, return_when=asyncio.FIRST_COMPLETED)
    for task in racing:
        task.cancel()
