"""The verbs of `fleet` that look, pause and resume."""

import asyncio
from argparse import Namespace
from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from typing import TypeVar

from reconcile.cli.console import Console
from reconcile.cli.fleets.joining import database_url, gather_fleet
from reconcile.cli.gathering import gather_now
from reconcile.clock import wall_clock
from reconcile.fleet.database import Roster, opened
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.fleet import Fleet, Seat
from reconcile.render.escape import escape_terminal
from reconcile.render.fleet import fleet_json, fleet_text

Result = TypeVar("Result")


def status(options: Namespace, console: Console) -> int:
    """Show where every instance stands."""
    fleet = gather_fleet(options)
    known = _with_roster(fleet, lambda roster: roster.load())
    seats = [known.get(i.name, Seat(instance=i.name)) for i in fleet.members]
    now = wall_clock()
    if console.format == "json":
        console.say(fleet_json(seats, now))
    else:
        coloured = console.coloured(console.out)
        console.say(fleet_text(seats, now, width=console.width(), colour=coloured))
    return 0


def pause(options: Namespace, console: Console) -> int:
    """Pause an instance."""
    fleet = gather_fleet(options)
    name = _declared(options.instance, fleet)
    until = None if options.until is None else gather_now(options.until, "--until")
    _with_roster(fleet, lambda roster: roster.hold(name, until, options.reason))
    shown = escape_terminal(name, 60)
    console.note(f"{shown} is paused. A run that has begun goes on to its end.")
    return 0


def resume(options: Namespace, console: Console) -> int:
    """End a pause."""
    fleet = gather_fleet(options)
    name = _declared(options.instance, fleet)
    _with_roster(fleet, lambda roster: roster.lift(name))
    console.note(f"{escape_terminal(name, 60)} is resumed; what it missed is made up once.")
    return 0


def _with_roster(fleet: Fleet, act: Callable[[Roster], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        async with opened(database_url(fleet)) as connector:
            roster = Roster(connector)
            await roster.create()
            return await act(roster)

    return asyncio.run(run())


def _declared(name: str, fleet: Fleet) -> str:
    names = [instance.name for instance in fleet.members]
    if name in names:
        return name
    near = get_close_matches(name, names, n=1)
    raise ReconcileError(
        Diagnostic(
            code="no-such-instance",
            summary="The fleet has no such instance",
            detail=f"{name} is not the name of an instance in the fleet's file."
            + (f" Did you mean {near[0]}?" if near else ""),
            hint="reconcile fleet status",
        )
    )
