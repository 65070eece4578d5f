"""`fleet worker`: one process of many."""

import asyncio
import logging
import os
import signal
import socket
from argparse import Namespace
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from reconcile.cli.console import Console
from reconcile.cli.fleets.joining import database_url, gather_fleet
from reconcile.cli.listening import open_listener
from reconcile.cli.signals import EXIT_BASE, Interruption
from reconcile.clock import wall_clock
from reconcile.controller.cycle import Outcome, Verdict
from reconcile.fleet.database import Duties, Roster, assemble, opened, prepare, work
from reconcile.fleet.worker import Habitat, Worker
from reconcile.model.fleet import Fleet, Seat
from reconcile.render.fleet import run_line

_STOP_WITHIN_S = 4.5
LONGEST_STOP_S = 4.8
"""After this the process ends, whatever still goes on."""


def work_on(options: Namespace, console: Console) -> int:
    """Work until a signal comes. Raises ReconcileError once the database is gone."""
    fleet = gather_fleet(options)
    name = options.name or f"{socket.gethostname()}-{os.getpid()}"
    # What the engine has to say is for those who look after the engine; a lost database is ours.
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    return asyncio.run(_work(fleet, name, options, console))


async def _work(fleet: Fleet, name: str, options: Namespace, console: Console) -> int:
    concurrency: int = options.concurrency

    def tell(seat: Seat, outcome: Outcome) -> None:
        if outcome.verdict is not Verdict.IDLE:
            console.note(run_line(seat, outcome.summary))

    with ThreadPoolExecutor(concurrency + 1, "instance") as threads:
        async with opened(database_url(fleet)) as connector:
            roster = Roster(connector)
            habitat = Habitat(
                name=name, environment=os.environ, now=wall_clock, threads=threads, tell=tell
            )
            worker = Worker(fleet, roster, habitat)
            app = assemble(fleet, connector, Duties(worker.due, worker.reconcile))
            await prepare(app)
            await roster.create()
            working = work(
                app, fleet, name=name, concurrency=concurrency, stop_within_s=_STOP_WITHIN_S
            )
            console.note(f"worker {name}: {len(fleet.members)} instances")
            async with _served(fleet, roster, name, options, console):
                await _until_told_to_stop(working, worker)
    return 0


async def _until_told_to_stop(working: Coroutine[None, None, None], worker: Worker) -> None:
    """Work until a signal comes, which is how a service ends and no failure."""
    loop, task = asyncio.get_running_loop(), asyncio.create_task(working)

    def wind_up() -> None:
        # Whatever still hangs in a store is left: the journals are true at every instant.
        loop.call_later(LONGEST_STOP_S, os._exit, EXIT_BASE + signal.SIGTERM)
        worker.stop()
        task.cancel()

    interruption = Interruption(wind_up)
    interruption.listen(loop)
    try:
        await task
    except asyncio.CancelledError:
        if interruption.exit_code is None:
            raise
    finally:
        worker.stop()


@asynccontextmanager
async def _served(
    fleet: Fleet, roster: Roster, name: str, options: Namespace, console: Console
) -> AsyncIterator[None]:
    """Serve the page beside the work, if it was asked for."""
    if options.listen is None:
        yield
        return
    listener, token = open_listener(options)
    from reconcile.controller.listener import url_of
    from reconcile.controller.web import access_to, serving
    from reconcile.fleet.web import FleetPages, Lobby

    lobby = Lobby(fleet, roster, wall_clock)
    pages = FleetPages(fleet, lobby, access_to(listener, token), name, wall_clock)
    async with serving(listener, pages.app(), pages.publish()):
        console.note(f"serving {url_of(listener)}")
        yield
