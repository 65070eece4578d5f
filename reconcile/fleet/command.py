"""`fleet`: many instances, any number of workers. Work, look, pause, resume."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

import click
from click.shell_completion import CompletionItem
from procrastinate.connector import BaseAsyncConnector
from procrastinate.exceptions import ConnectorException

from reconcile.clock import wall_clock
from reconcile.config.fleet import Fleet, Seat, load_fleet
from reconcile.controller.command import load_secret, log_to, open_listener
from reconcile.controller.cycle import Outcome, Verdict
from reconcile.controller.loop import Supervisor
from reconcile.controller.report import Pulse, Teller
from reconcile.controller.situation import Level, Value, diagnostic_line
from reconcile.controller.watch import file_sight
from reconcile.errors import Diagnostic, ExitCode, ReconcileError, fail
from reconcile.fleet.database import (
    Duties,
    Roster,
    beside,
    database_silent,
    migrate,
    opened,
    prepare,
    versions_of,
    work,
)
from reconcile.fleet.text import (
    Totals,
    fleet_json,
    fleet_text,
    needs_restart,
    reload_line,
    run_line,
)
from reconcile.fleet.worker import Habitat, Worker, keep_up
from reconcile.model.address import OperatorUrl
from reconcile.omni.http import Heart
from reconcile.render.layout import escape_terminal
from reconcile.terminal.console import Console
from reconcile.terminal.inputs import gather_now
from reconcile.terminal.interruption import Interruption, end_soon
from reconcile.terminal.options import (
    FILE,
    Options,
    StayingCommand,
    Verbs,
    listen_options,
    offered,
    output_options,
    signal_token_option,
    together,
)

Result = TypeVar("Result")

# `fleet`, and what all its verbs take.


def _only(ctx: click.Context, _: click.Parameter, files: tuple[str, ...]) -> str:
    """Take one value and no second, which would silently replace the first."""
    if len(files) > 1 and not ctx.resilient_parsing:
        raise click.BadParameter("There is one fleet, and this is a second file.")
    return files[0]


def _complete_instances(
    ctx: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    try:
        fleet = load_fleet(Path(ctx.params.get("file") or _FLEET))
    except ReconcileError:
        return []
    return offered((instance.name for instance in fleet.members), incomplete)


_FLEET = "fleet.toml"
_shared = together(
    click.option(
        "-f",
        "--file",
        type=FILE,
        multiple=True,
        default=(_FLEET,),
        callback=_only,
        metavar="FILE",
        help="The fleet.",
    ),
    output_options,
)
_instance = click.argument("instance", shell_complete=_complete_instances)


@click.group(cls=Verbs)
def run_fleet() -> None:
    """Reconcile many instances, with any number of workers."""


# `fleet worker`: one process of many.

_STOP_WITHIN_S = 4.5
_ASKED_EVERY_S = 10.0
SILENT_S = 20.0
"""A database that says nothing for so long is taken for lost."""
_STOPPING = (signal.SIGINT, signal.SIGTERM)


@run_fleet.command("worker", cls=StayingCommand)
@click.option("--name", help="What this worker is called (default: host and process).")
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=16,
    metavar="N",
    help="Instances reconciled at once.",
)
@listen_options
@signal_token_option
@click.option(
    "--heartbeat-url",
    metavar="URL",
    help="Request this URL every minute while the fleet gets on (https).",
)
@_shared
def work_on(options: Options, console: Console) -> int:
    """Reconcile what falls due, beside any number of workers."""
    loaded = file_sight(Path(options.file))
    fleet = gather_fleet(options)
    name = options.name or f"{socket.gethostname()}-{os.getpid()}"
    heart = None if options.heartbeat_url is None else Heart(options.heartbeat_url)
    return asyncio.run(_work(fleet, loaded, name, heart, options, console))


async def _work(
    fleet: Fleet, loaded: object, name: str, heart: Heart | None, options: Options, console: Console
) -> int:
    concurrency: int = options.concurrency
    log = _Log(console)

    with ThreadPoolExecutor(concurrency + 1, "instance") as threads:
        async with opened(database_url(fleet)) as connector:
            roster = Roster(connector)
            habitat = Habitat(
                name=name, environment=os.environ, now=wall_clock, threads=threads, tell=log.run
            )
            worker = Worker(fleet, roster, habitat)
            await prepare(connector)
            working = work(
                connector,
                fleet,
                Duties(worker.due, worker.reconcile, lambda: worker.queue),
                name=name,
                concurrency=concurrency,
                stop_within_s=_STOP_WITHIN_S,
            )
            async with (
                _served(fleet, roster, worker, options, log) as (show, url),
                _beating(heart, worker, log),
            ):

                def take_up(new: Fleet) -> None:
                    worker.take_up(new)
                    show(new)
                    restart = needs_restart(fleet, new)
                    line = reload_line(new, restart=restart)
                    log.say("fleet-reloaded", line, instances=len(new.members), restart=restart)

                again = asyncio.Event()
                file = Path(options.file)
                keeping_up = asyncio.create_task(
                    keep_up(file, again, take_up, log.refused, loaded=loaded)
                )
                try:
                    answered = beside(working, _ask(roster))

                    def ready() -> None:
                        count = len(fleet.members)
                        line = f"worker {name}: {count} instances"
                        log.say("worker-started", line, worker=name, instances=count)
                        if url is not None:
                            log.say("serving", f"serving {url}", url=url)

                    await _until_told_to_stop(answered, worker, again, ready)
                finally:
                    keeping_up.cancel()
    return 0


class _Log:
    """What a worker logs: lines for people or, if JSON is asked for, objects as `run` has them."""

    def __init__(self, console: Console) -> None:
        self._console, self._write = console, log_to(console)
        self.tell = Teller(self._write, wall_clock)

    def say(self, event: str, line: str, level: Level = "info", **fields: Value) -> None:
        """Log an event: as a line of words, or with its fields."""
        if self._console.format == "json":
            self.tell.say(event, level, **fields)
        else:
            self._console.note(line)

    def run(self, seat: Seat, outcome: Outcome) -> None:
        """Log what the run of an instance came to, if anything was to be done."""
        if outcome.verdict is Verdict.IDLE:
            return
        self.say(
            "run",
            run_line(seat, outcome.summary),
            "info" if outcome.well else "warning",
            instance=seat.instance,
            verdict=outcome.verdict.value,
            calls=outcome.summary.calls if outcome.summary else None,
            took_s=seat.took_s,
            trouble=seat.trouble,
        )

    def refused(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        """Log why the fleet's edited file is not used."""
        if self._console.format != "json":
            self._console.diagnose(diagnostics)
            return
        for diagnostic in diagnostics:
            self._write(diagnostic_line(diagnostic, wall_clock(), "files-refused"))


async def _ask(roster: Roster) -> None:
    """Ask the database for ever, and raise once it is silent, or what it answers with."""
    while True:
        await asyncio.sleep(_ASKED_EVERY_S)
        await _in_time(roster.load_one(""), SILENT_S)


async def _in_time(asking: Coroutine[None, None, Result], within_s: float) -> Result:
    """Return what a database answers. A silent one is as good as gone, and closing it may hang."""
    asked = asyncio.create_task(asking)
    await asyncio.wait([asked], timeout=within_s)
    if not asked.done():
        lost = database_silent(within_s)
        end_soon(ExitCode.ERROR, str(lost))
        raise lost
    return await asked


async def _until_told_to_stop(
    working: Coroutine[None, None, None],
    worker: Worker,
    again: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    """Work until a signal comes, which is how a service ends and no failure.

    `again` is set where the fleet's file is to be read anew. `ready` is called once signals are
    heeded: whoever reads of a worker may well end it.
    """
    loop, task = asyncio.get_running_loop(), asyncio.create_task(working)
    supervisor = Supervisor(worker.stalled)

    def wind_up() -> None:
        supervisor.tell("STOPPING=1")
        worker.stop()
        task.cancel()

    def reload() -> None:
        again.set()
        supervisor.reloading()

    interruption = Interruption(wind_up, _STOPPING)
    interruption.listen(loop)
    loop.add_signal_handler(signal.SIGHUP, reload)
    ready()
    try:
        async with supervisor.told():
            await task
    except asyncio.CancelledError:
        if interruption.exit_code is None:
            raise
    finally:
        worker.stop()


@asynccontextmanager
async def _served(
    fleet: Fleet, roster: Roster, worker: Worker, options: Options, log: _Log
) -> AsyncIterator[tuple[Callable[[Fleet], None], str | None]]:
    """Serve the page beside the work, if it was asked for.

    Yields what a new fleet is told to, and where the page is.
    """
    if options.listen is None:
        yield (lambda _: None), None
        return
    signal_token = load_secret(options.signal_token_file)
    listener, token = open_listener(options)
    from reconcile.controller.command import url_of
    from reconcile.controller.door import Door
    from reconcile.controller.web import access_to, serving
    from reconcile.fleet.web import FleetPages, Lobby

    async def came(instance: str, signal: str, more: Mapping[str, str]) -> None:
        told = "".join(f", {word}: {why}" for word, why in more.items())
        line = escape_terminal(f"signal {signal} for {instance}{told}")
        level: Level = "warning" if more else "info"
        log.say("signal", line, level, instance=instance, name=signal, **more)
        if not more:
            await roster.wake(instance, wall_clock())

    lobby = Lobby(fleet, roster, wall_clock)
    access = access_to(listener, token)
    door = Door(lobby.desired, signal_token, wall_clock, came)
    pages = FleetPages(lobby, access, worker.name, wall_clock, worker.stalled, door)
    async with serving(listener, pages.app(), pages.publish()):
        yield lobby.take_up, url_of(listener)


@asynccontextmanager
async def _beating(heart: Heart | None, worker: Worker, log: _Log) -> AsyncIterator[None]:
    """Send heartbeats beside the work, if they were asked for."""
    if heart is None:
        yield
        return

    async def gets_on() -> bool:
        try:
            return await worker.gets_on()
        except ConnectorException:
            return False  # Of a database that is gone the work itself ends.

    beating = asyncio.create_task(Pulse(heart, log.tell, gets_on).beat_on())
    try:
        yield
    finally:
        beating.cancel()


# The verbs of `fleet` that look, pause and resume.

_ANSWERED_WITHIN_S = 12.0
"""Longer than it is waited for a connection, which has words of its own."""


@run_fleet.command("status")
@click.argument("pattern", required=False, shell_complete=_complete_instances)
@click.option("--troubles", is_flag=True, help="List only instances in trouble.")
@_shared
def status(options: Options, console: Console) -> int:
    """Show where instances stand, troubles first.

    All of them, or those whose names match a glob. Exits 6 if one of them is in trouble.
    """
    fleet = gather_fleet(options)
    names = set(_matching(options.pattern, fleet))
    known = _with_roster(fleet, lambda roster: roster.meet(names))
    now = wall_clock()
    seats = [member.seat(known, now) for member in fleet.members if member.name in names]
    if console.format == "json":
        console.say(fleet_json(seats, now, troubled_only=options.troubles))
    else:
        text = fleet_text(
            seats,
            now,
            width=console.width(),
            colour=console.coloured(console.out),
            troubled_only=options.troubles,
            whole=options.verbose,
        )
        console.say(text)
    return ExitCode.PARTLY if Totals.of(seats, now).in_trouble else ExitCode.DONE


@run_fleet.command("pause")
@_instance
@click.option("--until", metavar="INSTANT", help="Resume by itself (RFC 3339).")
@click.option("--reason", required=True, help="Why; shown in every status.")
@_shared
def pause(options: Options, console: Console) -> int:
    """Stop reconciling an instance.

    Until an instant, or until it is resumed.
    """
    fleet = gather_fleet(options)
    name = _declared(options.instance, fleet)
    until = None if options.until is None else gather_now(options.until, "--until")
    if until is not None and until <= wall_clock():
        raise click.UsageError(f"--until {options.until} is over already. Nothing was paused.")
    _with_roster(fleet, lambda roster: roster.hold(name, until, options.reason))
    shown = escape_terminal(name, 60)
    console.note(f"{shown} is paused. A run that has begun goes on to its end.")
    return 0


@run_fleet.command("resume")
@_instance
@_shared
def resume(options: Options, console: Console) -> int:
    """End the pause of an instance."""
    fleet = gather_fleet(options)
    name = _declared(options.instance, fleet)

    async def end(roster: Roster) -> bool:
        seat = await roster.load_one(name)
        await roster.lift(name)
        return seat is not None and seat.is_held(wall_clock())

    shown = escape_terminal(name, 60)
    if _with_roster(fleet, end):
        console.note(f"{shown} is resumed; what it missed is made up once.")
    else:
        console.note(f"{shown} was not paused; it is looked at now.")
    return 0


@run_fleet.command("migrate")
@_shared
def migrate_tables(options: Options, console: Console) -> int:
    """Bring the tables in the fleet's database to this version.

    Stop its workers first. There is no way back.
    """

    async def act(database: BaseAsyncConnector) -> str:
        before = await versions_of(database)
        after = await migrate(database)
        return f"There was nothing to do: {after}." if before == after else f"It has {after} now."

    console.note(_asked(gather_fleet(options), act))
    return 0


def _with_roster(fleet: Fleet, act: Callable[[Roster], Awaitable[Result]]) -> Result:
    async def prepared(database: BaseAsyncConnector) -> Result:
        await prepare(database)
        return await act(Roster(database))

    return _asked(fleet, prepared)


def _asked(fleet: Fleet, act: Callable[[BaseAsyncConnector], Awaitable[Result]]) -> Result:
    async def ask() -> Result:
        async with opened(database_url(fleet)) as database:
            return await act(database)

    return asyncio.run(_in_time(ask(), _ANSWERED_WITHIN_S))


def _declared(name: str, fleet: Fleet) -> str:
    names = [instance.name for instance in fleet.members]
    if name in names:
        return name
    raise _no_such_instance(name, names)


def _matching(pattern: str | None, fleet: Fleet) -> list[str]:
    names = [instance.name for instance in fleet.members]
    if pattern is None or pattern in names:
        return names if pattern is None else [pattern]
    if found := [name for name in names if fnmatchcase(name, pattern)]:
        return found
    raise _no_such_instance(pattern, names)


def _no_such_instance(name: str, names: list[str]) -> ReconcileError:
    near = get_close_matches(name, names, n=1)
    return fail(
        "no-such-instance",
        f"{name} is not the name of an instance in the fleet's file."
        + (f" Did you mean {near[0]}?" if near else ""),
        hint="reconcile fleet status",
    )


# How a command joins a fleet: its file, its database, and what to say when that is gone.

DATABASE_VARIABLE = "RECONCILE_FLEET_DATABASE"


def gather_fleet(options: Options) -> Fleet:
    """Load the fleet that a command is about. Raises ReconcileError with every mistake in it."""
    return load_fleet(Path(options.file))


def database_url(fleet: Fleet) -> str:
    """Return where the fleet's database is. Raises ReconcileError if nobody says."""
    if fleet.database:
        return fleet.database
    if url := os.environ.get(DATABASE_VARIABLE):
        return OperatorUrl(url)
    raise fail(
        "no-fleet-database",
        "Neither [fleet] database in its file nor RECONCILE_FLEET_DATABASE says which "
        "Postgres hands out the work.",
        hint=f"export {DATABASE_VARIABLE}=postgresql://db.internal/reconcile",
    )
