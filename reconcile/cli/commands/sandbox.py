"""`sandbox`: serve an Omni server on loopback until interrupted."""

from argparse import Namespace

from reconcile.cli.collecting import collect_again
from reconcile.cli.console import Console
from reconcile.cli.gathering import gather_desired
from reconcile.cli.seeding import make_replica, make_world
from reconcile.clock import wall_clock
from reconcile.sandbox.instance import Published
from reconcile.sandbox.server import Running, serve
from reconcile.sandbox.world import SANDBOX_BEARER


def run(options: Namespace, console: Console) -> int:
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
