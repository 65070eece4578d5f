"""`sandbox`: serve an Omni server on loopback until interrupted."""

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from reconcile.clock import wall_clock
from reconcile.errors import Diagnostic, Place, ReconcileError
from reconcile.model.desired import Desired
from reconcile.model.recorded import Recorded
from reconcile.sandbox.faults import parse_faults
from reconcile.sandbox.instance import (
    Published,
    Seed,
    SeedConnection,
    SeedSchedule,
    Settings,
    seeds_in,
    seeds_of,
)
from reconcile.sandbox.server import Running, serve
from reconcile.sandbox.world import SANDBOX_BEARER, World
from reconcile.terminal.console import Console, collect_again
from reconcile.terminal.inputs import gather_desired


def run_sandbox(options: Namespace, console: Console) -> int:
    """Serve what the file declares, or what was discovered of an instance."""
    collect_again()
    published = Published(options.spec)
    if options.instance is None:
        world = make_world(gather_desired(options, console), options.faults, published)
    else:
        world = make_replica(options.instance, options.faults, published)

    def announce(running: Running) -> None:
        console.say(
            f"Omni sandbox at {running.base_url} (OpenAPI at {running.base_url}/openapi.json)\n"
            f"export OMNI_BASE_URL={running.base_url} OMNI_API_KEY={SANDBOX_BEARER}\n"
            "Stop it with Ctrl-C."
        )

    serve(world, options.host, options.port, wall_clock, announce)
    return 0


# Making an embedded Omni server: one that holds what the files declare, or a copy of another.

_LARGEST_BYTES = 64 << 20


def make_world(
    desired: Desired,
    faults: str,
    published: Published = Published.SPEC_B,
    recorded: Recorded | None = None,
) -> World:
    """Seed a world with the declared models, connections, branches and policies.

    `recorded`: native schedules that an apply would take to be there.
    """
    parsed = parse_faults(faults)
    settings = Settings(
        requests_per_minute=desired.requests_per_minute,
        published=published,
        seed=parsed.seed or 0,
    )
    seeds = seeds_of(desired)
    if recorded is not None:
        seeds = (*seeds, *_recorded_schedules(recorded, desired))
    return World.from_models(seeds, settings=settings, faults=parsed)


def _recorded_schedules(recorded: Recorded, desired: Desired) -> Iterator[Seed]:
    declared = {connection.id for connection in desired.connections}
    records = recorded.schedules.values()
    for gone in sorted({record.connection_id for record in records} - declared):
        yield SeedConnection(name=gone, id=gone)
    for record in records:
        if record.schedule_id is not None:
            spec = record.spec
            yield SeedSchedule(
                connection=record.connection_id,
                cron=spec.cron,
                zone=spec.zone,
                hard=spec.hard,
                id=record.schedule_id,
            )


def make_replica(file: str, faults: str, published: Published) -> World:
    """Seed a world with what `discover` listed of an instance. Raises ReconcileError."""
    parsed = parse_faults(faults)
    settings = Settings(published=published, seed=parsed.seed or 0)
    return World.from_models(seeds_in(_load(file), file), settings=settings, faults=parsed)


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
    raise ReconcileError(
        Diagnostic(
            code="instance-file-unreadable",
            summary="The listing of an instance cannot be read",
            detail=f"It was to be served: {why}.",
            hint="reconcile discover --format json > instance.json",
            places=(Place(file),),
        )
    )
