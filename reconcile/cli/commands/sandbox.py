"""`sandbox`: serve an Omni server on loopback until interrupted."""

from argparse import Namespace

from reconcile.cli.collecting import collect_again
from reconcile.cli.console import Console
from reconcile.cli.gathering import gather_desired
from reconcile.cli.seeding import make_world
from reconcile.clock import wall_clock
from reconcile.sandbox.server import Running, serve
from reconcile.sandbox.world import SANDBOX_BEARER


def run(options: Namespace, console: Console) -> int:
    """Serve the models of the file, if there is one."""
    collect_again()
    world = make_world(gather_desired(options, console), options.faults)

    def announce(running: Running) -> None:
        console.say(
            f"Omni sandbox at {running.base_url} (OpenAPI at {running.base_url}/openapi.json)\n"
            f"export OMNI_BASE_URL={running.base_url} OMNI_API_KEY={SANDBOX_BEARER}\n"
            "Stop it with Ctrl-C."
        )

    serve(world, options.host, options.port, wall_clock, announce)
    return 0
