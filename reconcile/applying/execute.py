"""Making the calls of a plan: concurrently, in order where order matters, and stoppable."""

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any

from reconcile.applying import scheduling
from reconcile.applying.performing import Performer
from reconcile.applying.ports import Ports
from reconcile.applying.stopping import Stop, StopCause
from reconcile.model import journal
from reconcile.model.plan import Await, Forget, Plan, Rename
from reconcile.model.progress import Summary
from reconcile.planning.budget.order import order

GRACE_S = 4.0
"""How long a call in flight may still finish after a stop; the whole stop stays under 5 s."""


async def execute(plan: Plan, ports: Ports, stop: Stop) -> Summary:
    """Carry out a plan. Raises ReconcileError when the journal can no longer be written.

    One failing item never stops the others. A stop lets no further call begin, gives those in
    flight GRACE_S (or all the time they need, if it is only to plan anew), and leaves running jobs
    to the next apply, which awaits them.
    """
    began = ports.now()
    _note(plan, ports)
    run = Performer(ports, stop)
    actions = order(plan)
    for action in actions:
        run.expect(action)
    # Awaits first: a new call of the same group has to queue behind the job that is running.
    ranked = sorted(actions, key=lambda action: not isinstance(action, Await))
    tasks = [asyncio.create_task(run.perform(action)) for action in ranked]
    await _until_done_or_stopped(tasks, run, stop)
    finished = await asyncio.gather(*tasks, return_exceptions=True)
    for problem in finished:
        if isinstance(problem, BaseException) and not isinstance(problem, asyncio.CancelledError):
            raise problem
    return Summary(
        results=run.results.of(actions),
        calls=run.sender.calls,
        polls=run.follower.polls + run.scheduler.lookups,
        took_s=(ports.now() - began).total_seconds(),
        interrupted=stop.cause is StopCause.INTERRUPTED,
    )


def _note(plan: Plan, ports: Ports) -> None:
    """Remember declarations, slots let pass and addresses gone: all of it without any call."""
    entries: list[journal.Entry] = [
        journal.Renamed(plan.now, action.moves)
        for action in plan.actions
        if isinstance(action, Rename)
    ]
    entries += [
        journal.Noted(plan.now, address, declared) for address, declared in plan.noted.items()
    ]
    entries += [journal.Missed(plan.now, address, slot) for address, slot in plan.missed]
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
