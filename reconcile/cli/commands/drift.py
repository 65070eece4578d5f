"""`drift`: what the live instance says otherwise than the files. Reads only, changes nothing."""

from argparse import Namespace

from reconcile.cli.console import Console
from reconcile.cli.gathering import gather_desired
from reconcile.cli.live.planning import differs, gather_live, live_text
from reconcile.clock import wall_clock
from reconcile.render.live.findings import drift_json

THE_INSTANCE_DIFFERS = 8


def run(options: Namespace, console: Console) -> int:
    """Look, compare, print; the exit code says whether anything differs."""
    live = gather_live(options, gather_desired(options, console), console)
    if console.format == "json":
        sight = live.sight
        console.say(
            drift_json(
                live.findings,
                host=sight.host,
                observed_at=sight.observed.at,
                now=wall_clock(),
                unseen=sight.unseen,
            )
        )
    else:
        console.say(live_text(live, console))
    return THE_INSTANCE_DIFFERS if differs(live.findings) else 0
