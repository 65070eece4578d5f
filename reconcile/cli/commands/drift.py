"""`drift`: what the live instance says otherwise than the files. Reads only, changes nothing."""

from argparse import Namespace

from reconcile.cli.console import Console
from reconcile.cli.gathering import gather_desired
from reconcile.cli.live.lacking import not_all_checked
from reconcile.cli.live.planning import differs, gather_live, live_text
from reconcile.clock import wall_clock
from reconcile.model.diagnostic import Severity
from reconcile.model.exit_code import ExitCode
from reconcile.render.live import drift_json


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
                not_checked=sight.not_checked,
            )
        )
    else:
        console.say(live_text(live, console))
    differing = differs(live.findings)
    severity = Severity.WARNING if differing else Severity.ERROR
    blind = list(not_all_checked(live.sight.not_checked, severity=severity))
    console.diagnose(blind)
    if differing:
        return ExitCode.DIFFERS
    return ExitCode.ERROR if blind else 0
