"""`sandbox` and `rehearse`: an embedded Omni server, until interrupted or for one apply."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from reconcile.clock import wall_clock
from reconcile.errors import Place, fail
from reconcile.model.desired import Desired
from reconcile.model.plan import Choice
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.omni.credential import Credential, Secret, parse_origin
from reconcile.planning.guards import has_calls
from reconcile.planning.plan import plan
from reconcile.sandbox import instance
from reconcile.sandbox.faults import parse_faults
from reconcile.sandbox.server import RunningServer, running, serve
from reconcile.sandbox.world import SANDBOX_BEARER, World
from reconcile.state.backend import backend, load, open_session
from reconcile.state.mend import pull
from reconcile.terminal.console import Console, collect_again, say_plan
from reconcile.terminal.events import NOTHING_DONE
from reconcile.terminal.inputs import gather_choice, gather_desired, gather_recorded
from reconcile.terminal.options import (
    FILE,
    Command,
    OneOf,
    Options,
    choice_options,
    faults_option,
    file_option,
    output_options,
    state_option,
)
from reconcile.terminal.progress import exit_code_of, make_calls, say_summary


@click.command(cls=Command)
@file_option
@output_options
@click.option("--host", default="127.0.0.1", help="Loopback address to listen on.")
@click.option("--port", type=int, default=8460, help="Port; 0 for any.")
@click.option(
    "--instance",
    type=FILE,
    metavar="FILE",
    help="Serve what `discover --format json` listed, in place of what the file declares.",
)
@click.option(
    "--spec",
    type=OneOf(("a", "b")),
    default="b",
    help="Which published specification of Omni's API, the earlier or the later.",
)
@click.option(
    "--vocabulary",
    type=OneOf(("docs", "spec")),
    default="spec",
    help="Whose words for jobs: refresh_schema and RUNNING as in Omni's docs, or REFRESH_SCHEMA "
    "and IN_PROGRESS as in its specifications.",
)
@faults_option
def run_sandbox(options: Options, console: Console) -> int:
    """Serve what the file declares, or what was discovered of an instance."""
    collect_again()
    settings = instance.Settings(
        published=instance.Published(options.spec),
        vocabulary=instance.Vocabulary(options.vocabulary),
    )
    if options.instance is None:
        world = make_world(gather_desired(options, console), options.faults, settings)
    else:
        world = make_replica(options.instance, options.faults, settings)

    def announce(running: RunningServer) -> None:
        console.say(
            f"Omni sandbox at {running.base_url} (OpenAPI at {running.base_url}/openapi.json)\n"
            f"export OMNI_BASE_URL={running.base_url} OMNI_API_KEY={SANDBOX_BEARER}\n"
            "Stop it with Ctrl-C."
        )

    serve(world, options.host, options.port, wall_clock, announce)
    return 0


# Making an embedded Omni server: one that holds what the files declare, or a copy of another.

_LARGEST_BYTES = 64 << 20
_PLAIN = instance.Settings()


def make_world(
    desired: Desired,
    faults: str,
    settings: instance.Settings = _PLAIN,
    recorded: Recorded | None = None,
) -> World:
    """Seed a world with the declared models, connections, branches and policies.

    The files say how many requests a minute it takes. `recorded`: native schedules that an apply
    would take to be there.
    """
    parsed = parse_faults(faults)
    settings = replace(
        settings, requests_per_minute=desired.requests_per_minute, seed=parsed.seed or 0
    )
    seeds = instance.seeds_of(desired)
    if recorded is not None:
        seeds = (*seeds, *_recorded_schedules(recorded, desired))
    return World.from_models(seeds, settings=settings, faults=parsed)


def _recorded_schedules(recorded: Recorded, desired: Desired) -> Iterator[instance.Seed]:
    declared = {connection.id for connection in desired.connections}
    records = recorded.schedules.values()
    for gone in sorted({record.connection_id for record in records} - declared):
        yield instance.SeedConnection(name=gone, id=gone)
    for record in records:
        if record.schedule_id is not None:
            spec = record.spec
            yield instance.SeedSchedule(
                connection=record.connection_id,
                cron=spec.cron,
                zone=spec.zone,
                hard=spec.hard,
                id=record.schedule_id,
            )


def make_replica(file: str, faults: str, settings: instance.Settings) -> World:
    """Seed a world with what `discover` listed of an instance. Raises ReconcileError."""
    parsed = parse_faults(faults)
    settings = replace(settings, seed=parsed.seed or 0)
    return World.from_models(instance.seeds_in(_load(file), file), settings=settings, faults=parsed)


def _load(file: str) -> str:
    try:
        with Path(file).open("rb") as stream:
            content = stream.read(_LARGEST_BYTES + 1)
        if len(content) <= _LARGEST_BYTES:
            return content.decode()
        why = "it is larger than 64 MiB"
    except OSError as error:
        why = error.strerror or str(error)
    except UnicodeDecodeError:
        why = "it is not UTF-8"
    raise fail(
        "instance-file-unreadable",
        f"It was to be served: {why}.",
        hint="reconcile discover --format json > instance.json",
        places=(Place(file),),
    )


# `rehearse`: the real plan and apply, on a copy of the state.


@click.command(cls=Command)
@file_option
@state_option
@output_options
@choice_options
@faults_option
def run_rehearse(options: Options, console: Console) -> int:
    """Start the server, plan, apply, and plan once more to show that nothing is left."""
    desired = gather_desired(options, console)
    choice = gather_choice(options, desired)
    recorded = gather_recorded(desired, console)
    world = make_world(desired, options.faults, recorded=recorded)
    with (
        TemporaryDirectory(prefix="reconcile-rehearsal-") as folder,
        running(world, clock=wall_clock) as server,
    ):
        console.note(f"Rehearsing against an embedded Omni server at {server.base_url}.")
        console.note("Nothing is sent to Omni, and the state is a copy.")
        stage = replace(
            desired, base_url=server.base_url, state_url=_copied_state(desired, Path(folder))
        )
        return _rehearse(stage, choice, options, console)


def _rehearse(stage: Desired, choice: Choice, options: Options, console: Console) -> int:
    origin = parse_origin(stage.base_url or "")
    credential = Credential(origin, Secret(SANDBOX_BEARER), private=True)
    with open_session(
        stage.state_url, command="reconcile rehearse", lock_timeout_s=0.0, now=wall_clock()
    ) as session:
        planned = plan(stage, session.recorded, wall_clock(), choice)
        if console.format == "text":
            say_plan(planned, console, host=stage.base_url, verbose=options.verbose)
        if not has_calls(planned):
            if console.format == "json":
                say_summary(NOTHING_DONE, console)
            return 0
        summary = make_calls(planned, session, credential, console)
        after = plan(stage, session.recorded, wall_clock(), Choice(select=choice.select))
        if console.format == "text":
            console.say("")
            say_plan(after, console, host=stage.base_url, verbose=options.verbose)
    return exit_code_of(summary, detailed=False)


def _copied_state(desired: Desired, folder: Path) -> str:
    """Copy the state and its journal, so that the rehearsal starts from what is known."""
    original = backend(desired.state_url).file
    if original is None:
        copied = folder / "state.json"
        if load(desired.state_url).exists:
            copied.write_bytes(pull(desired.state_url))
        return str(copied)
    copy = folder / original.name
    for path in original.parent.glob(f"{original.name}*"):
        if path.is_file() and path.suffix not in {".lock", ".session"}:
            shutil.copyfile(path, folder / path.name)
    return str(copy)
