"""`state`: look at what is recorded, and mend it."""

from argparse import Namespace
from typing import Literal, assert_never, cast

from reconcile.cli.console import Console
from reconcile.cli.gathering import gather_desired
from reconcile.clock import wall_clock
from reconcile.model.address import Address, parse_address
from reconcile.model.desired import Desired
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.journal import Forgotten
from reconcile.model.recorded import Recorded
from reconcile.planning.planner import plan
from reconcile.render.items import items_text, records_json
from reconcile.render.names import counted
from reconcile.render.records import record_json, record_text
from reconcile.state.loading import load
from reconcile.state.session import open_session

Verb = Literal["list", "show", "rm"]


def run(options: Namespace, console: Console) -> int:
    """Carry out one verb."""
    desired = gather_desired(options, console)
    url = desired.state_url
    verb = cast("Verb", options.verb)
    match verb:
        case "list":
            _list(desired, console)
        case "show":
            _show(url, options.address, console)
        case "rm":
            _remove(url, options, console)
        case _ as unreachable:
            assert_never(unreachable)
    return 0


def _list(desired: Desired, console: Console) -> None:
    recorded = _load(desired.state_url, console)
    if console.format == "json":
        console.say(records_json(recorded))
        return
    coloured = console.coloured(console.out)
    now = wall_clock()
    known = [s for s in plan(desired, recorded, now).standings if s.address in recorded.items]
    console.say(items_text(known, recorded, now, width=console.width(), colour=coloured))


def _show(url: str, text: str, console: Console) -> None:
    recorded = _load(url, console)
    address = _recorded_address(text, recorded)
    record = recorded.items[address]
    if console.format == "json":
        console.say(record_json(address, record))
        return
    console.say(record_text(address, record, wall_clock(), "UTC", width=console.width()))


def _remove(url: str, options: Namespace, console: Console) -> None:
    with open_session(
        url,
        command="reconcile state rm",
        lock_timeout_s=options.lock_timeout,
        now=wall_clock(),
    ) as session:
        console.diagnose(session.warnings)
        addresses = [_recorded_address(text, session.recorded) for text in options.addresses]
        session.append(*(Forgotten(wall_clock(), address) for address in addresses))
    console.say(f"Forgot {counted(len(addresses), 'record')}. The next plan treats them as new.")


def _load(url: str, console: Console) -> Recorded:
    loaded = load(url)
    console.diagnose(loaded.warnings)
    return loaded.recorded


def _recorded_address(text: str, recorded: Recorded) -> Address:
    address = parse_address(text)
    if address is not None and address in recorded.items:
        return address
    raise ReconcileError(
        Diagnostic(
            code="not-recorded",
            summary="Nothing is recorded under that address",
            detail=f"The state holds no record of {text}.",
            hint="reconcile state list",
        )
    )
