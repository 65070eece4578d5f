"""`fleet worker`: one process of many."""

import asyncio
import logging
import os
import socket
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor

from reconcile.cli.console import Console
from reconcile.cli.fleets.joining import database_url, gather_fleet
from reconcile.cli.signals import Interruption
from reconcile.clock import wall_clock
from reconcile.controller.outcome import Outcome, Verdict
from reconcile.fleet.database import opened
from reconcile.fleet.queue import Duties, assemble, prepare, work
from reconcile.fleet.roster import Roster
from reconcile.fleet.worker import Habitat, Worker
from reconcile.model.fleet import Fleet, Seat
from reconcile.render.fleet import run_line

_STOP_WITHIN_S = 5.0


def work_on(options: Namespace, console: Console) -> int:
    """Work until a signal comes. Raises ReconcileError once the database is gone."""
    fleet = gather_fleet(options)
    name = options.name or f"{socket.gethostname()}-{os.getpid()}"
    # What the engine has to say is for those who look after the engine; a lost database is ours.
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    return asyncio.run(_work(fleet, name, options.concurrency, console))


async def _work(fleet: Fleet, name: str, concurrency: int, console: Console) -> int:
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
            working = asyncio.create_task(
                work(app, fleet, name=name, concurrency=concurrency, stop_within_s=_STOP_WITHIN_S)
            )

            def wind_up() -> None:
                worker.stop()
                working.cancel()

            interruption = Interruption(wind_up)
            interruption.listen(asyncio.get_running_loop())
            console.note(f"worker {name}: {len(fleet.members)} instances")
            try:
                await working
            except asyncio.CancelledError:
                # Told to stop, which is how a service ends.
                if interruption.exit_code is None:
                    raise
            finally:
                worker.stop()
    return 0
