"""`why`: why one item is due or not. Opens no socket, reads no token, takes no lock."""

from argparse import Namespace

from reconcile.cli.console import Console
from reconcile.cli.gathering import (
    declared_address,
    gather_desired,
    gather_now,
    gather_recorded,
    read_elsewhere,
)
from reconcile.cli.holding import hold
from reconcile.clock import wall_clock
from reconcile.model.address import Address
from reconcile.model.desired import Desired
from reconcile.model.plan import Choice
from reconcile.model.recorded import Recorded
from reconcile.planning.item import declared_addresses
from reconcile.planning.plan import plan
from reconcile.planning.why import explain
from reconcile.render.documents import plan_json
from reconcile.render.why import schedule_why_text, why_json, why_text


def run(options: Namespace, console: Console) -> int:
    """Explain one item and print."""
    desired = gather_desired(options, console)
    address = declared_address(options.address, declared_addresses(desired))
    recorded = hold(gather_recorded(desired, console))
    if any(schedule.address == address for schedule in desired.schedules):
        return _explain_schedule(desired, recorded, address, options, console)
    told = explain(desired, recorded, gather_now(options.at), address, wall_clock())
    if console.format == "json":
        console.say(why_json(told))
    else:
        coloured, elsewhere = console.coloured(console.out), read_elsewhere(told.now, console)
        width = console.width()
        console.say(why_text(told, width=width, colour=coloured, elsewhere=elsewhere))
    return 0


def _explain_schedule(
    desired: Desired, recorded: Recorded, address: Address, options: Namespace, console: Console
) -> int:
    """Show a plan of this schedule alone: how it differs is all there is to explain."""
    choice = Choice(only=frozenset({address}))
    planned = plan(desired, recorded, gather_now(options.at), choice)
    (standing,) = (standing for standing in planned.standings if standing.address == address)
    if console.format == "json":
        console.say(plan_json(planned, host=desired.base_url))
    else:
        coloured = console.coloured(console.out)
        console.say(schedule_why_text(planned, standing, width=console.width(), colour=coloured))
    return 0
