"""`simulate`: months of the real planner and executor in virtual time. Sends nothing."""

from typing import NoReturn

import click

from reconcile.clock import wall_clock
from reconcile.config.values import check_zone
from reconcile.errors import LeafError, fail
from reconcile.model.desired import Desired
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.planning.record import believed_of
from reconcile.planning.time.cron import CronError, parse_cron
from reconcile.sandbox.faults import parse_share
from reconcile.simulation.simulate import simulate
from reconcile.simulation.tally import Scenario
from reconcile.terminal.console import Console, collect_again, warn_of_clock
from reconcile.terminal.inputs import (
    gather_desired,
    gather_duration,
    gather_now,
    gather_recorded,
)
from reconcile.terminal.options import FILE, Command, Options, file_option, output_options

_LINEAGE = "simulation"


@click.command(cls=Command)
@file_option
@click.option(
    "--state", type=FILE, metavar="URL", help="Start from this state, which is only read."
)
@click.option("--from", "start", metavar="INSTANT", help="When to start (default: now).")
@click.option("--for", "length", default="90d", metavar="DURATION", help="How long.")
@click.option(
    "--runner", default="*/15 * * * *", metavar="CRON", help="When the runner is meant to come."
)
@click.option("--runner-timezone", default="UTC", metavar="ZONE", help="Zone of it.")
@click.option(
    "--lateness",
    default="none",
    metavar="SPEC",
    help="How late it comes: none, github, fixed:2m, uniform:0s-10m; with a share that never "
    "comes: none,skip=5%.",
)
@click.option("--fail", default="0%", metavar="SHARE", help="Share of calls that fail.")
@click.option("--seed", type=int, default=0, help="Of all chance in it.")
@output_options
def run_simulate(options: Options, console: Console) -> int:
    """Play the scenario and print what came of it."""
    collect_again()
    scenario = _scenario(options)
    desired = gather_desired(options, console)
    recorded, clock = _recorded(options, desired, console), wall_clock()
    warn_of_clock(believed_of(recorded, max(clock, scenario.start)).newest, console)
    simulated = simulate(desired, recorded, scenario, clock)
    if console.format == "json":
        from reconcile.render.documents import encode

        console.say(encode(simulated))
        return 0
    from reconcile.simulation.text import simulation_text

    coloured = console.coloured(console.out)
    console.say(
        simulation_text(simulated, width=console.width(), colour=coloured, verbose=options.verbose)
    )
    return 0


def _recorded(options: Options, desired: Desired, console: Console) -> Recorded:
    """Start from nothing, or from a state the operator names; that state is only read."""
    if options.state is None:
        return Recorded(lineage=_LINEAGE)
    # What is simulated is an instance of its own, so a state bound to another host is welcome.
    return replace(gather_recorded(desired, console), host=None)


def _scenario(options: Options) -> Scenario:
    start = gather_now(options.start, option="--from")
    if options.start is None:
        start = start.replace(second=0, microsecond=0)
    share = parse_share(options.fail)
    if share is None:
        _refuse("bad-share", "--fail takes a percentage", f'"{options.fail}" is none.', "--fail 2%")
    until = start + gather_duration(options.length, "--for", "reconcile simulate --for 90d")
    try:
        parse_cron(options.runner)
        check_zone(options.runner_timezone)
    except CronError as error:
        detail = f"{error.message[:1].upper()}{error.message[1:]}."
        _refuse("bad-runner", "--runner takes a cron expression", detail, '--runner "*/15 * * * *"')
    except LeafError as error:
        option = "--runner-timezone UTC"
        _refuse("bad-timezone", "--runner-timezone takes a zone", error.detail, option)
    return Scenario(
        start=start,
        until=until,
        runner=options.runner,
        zone=options.runner_timezone,
        lateness=options.lateness,
        fail_share=share,
        seed=options.seed,
    )


def _refuse(code: str, headline: str, detail: str, option: str) -> NoReturn:
    raise fail(code, detail, hint=f"reconcile simulate {option}", headline=headline)
