"""The one place that knows the engine: Procrastinate, which keeps its jobs in Postgres.

It decides who does what, and notices workers that died. It does not decide what is sent: a job
says only which instance to look at, its body is safe to run twice, and the lease on the
instance's state keeps out a worker that was taken for dead and was not.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from procrastinate import App
from procrastinate.connector import BaseAsyncConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job, Status

from reconcile.model.fleet import Fleet, Member

_FIRST = 100
"""Looking and rescuing go before any instance that waits."""

_HOURS_KEPT = 24
_RESCUE_SHARE = 3
_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class Duties:
    """What a worker does: find out which instances are due, and reconcile one of them."""

    due: Callable[[], Awaitable[Iterable[Member]]]
    reconcile: Callable[[str], Awaitable[None]]


def assemble(fleet: Fleet, connector: BaseAsyncConnector, duties: Duties) -> App:
    """Make the app whose worker does these duties. Opens nothing yet."""
    app = App(connector=connector)

    @app.task(name="reconcile-instance")
    async def reconcile_instance(instance: str) -> None:
        await duties.reconcile(instance)

    @app.periodic(cron=_every(fleet.look_every_s))
    @app.task(name="look", queueing_lock="look", priority=_FIRST)
    async def look(timestamp: int) -> None:  # noqa: ARG001 -- the engine hands it over by name
        for member in await duties.due():
            # Waiting already: it will do what has fallen due since, too.
            with suppress(AlreadyEnqueued):
                await reconcile_instance.configure(
                    lock=f"credential {member.credential}",
                    queueing_lock=f"instance {member.name}",
                ).defer_async(instance=member.name)

    # Without a lock of its own: a rescue that died would keep every later one from running.
    @app.periodic(cron=_every(_rescue_every_s(fleet)))
    @app.task(name="rescue", queueing_lock="rescue", priority=_FIRST)
    async def rescue(timestamp: int) -> None:  # noqa: ARG001 -- the engine hands it over by name
        stalled = await app.job_manager.get_stalled_jobs(
            seconds_since_heartbeat=fleet.silent_after_s
        )
        for job in stalled:
            await _rescue(app, job)
        await app.job_manager.delete_old_jobs(
            _HOURS_KEPT, include_failed=True, include_cancelled=True, include_aborted=True
        )

    return app


async def prepare(app: App) -> None:
    """Make the engine's tables unless they are there. Safe for workers that start together."""
    if await app.check_connection_async():
        return
    try:
        await app.schema_manager.apply_schema_async()
    except ConnectorException:
        if not await app.check_connection_async():
            raise


async def work(
    app: App, fleet: Fleet, *, name: str, concurrency: int, stop_within_s: float
) -> None:
    """Do the duties until a signal or a lost database ends it. Raises what the database raises."""
    asyncio.get_running_loop().set_exception_handler(_told_elsewhere)
    await app.run_worker_async(
        name=name,
        concurrency=concurrency,
        delete_jobs="successful",
        fetch_job_polling_interval=fleet.look_every_s,
        update_heartbeat_interval=fleet.silent_after_s / 3,
        stalled_worker_timeout=fleet.silent_after_s,
        shutdown_graceful_timeout=stop_within_s,
        install_signal_handlers=False,
    )


def _told_elsewhere(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Pass over the end of a job that could not be written, which the engine lets fall.

    Another worker has the job by now, or the database is gone, and the worker ends of that.
    """
    if not isinstance(context.get("exception"), ConnectorException):
        loop.default_exception_handler(context)


async def _rescue(app: App, job: Job) -> None:
    """Let another worker have the job of one that fell silent.

    Where the instance is queued anew already the two would clash, and a clash would end the whole
    rescue, so the old job is closed instead: the new one does what it would have done.
    """
    try:
        await app.job_manager.retry_job(job)
    except ConnectorException:
        await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=False)


def _rescue_every_s(fleet: Fleet) -> int:
    most = max(1, fleet.silent_after_s // _RESCUE_SHARE)
    return max(step for step in (1, 2, 5, 10, 15, 30) if step <= most)


def _every(seconds: int) -> str:
    """Spell an interval that divides a minute as cron with a sixth field, of seconds."""
    return "* * * * *" if seconds == _MINUTE_S else f"* * * * * */{seconds}"
