"""The verbs that only look: list, show, history, verify, pull."""

from argparse import Namespace

from reconcile.cli.console import Console
from reconcile.cli.gathering import gather_desired
from reconcile.cli.states.subject import not_recorded, recorded_address, state_url
from reconcile.clock import wall_clock
from reconcile.model.address import Address, parse_address
from reconcile.model.diagnostic import Diagnostic, Severity
from reconcile.model.recorded import Recorded, ScheduleRecord
from reconcile.planning.plan import standings
from reconcile.render.items import (
    history_json,
    history_text,
    items_text,
    record_json,
    record_text,
    records_json,
    schedule_json,
    schedule_text,
)
from reconcile.state.journal import history
from reconcile.state.load import load
from reconcile.state.mend import pull, verify


def list_records(options: Namespace, console: Console) -> int:
    """Print a table of every recorded item."""
    desired = gather_desired(options, console)
    recorded = _load(desired.state_url, console)
    if console.format == "json":
        console.say(records_json(recorded))
        return 0
    now, width, coloured = wall_clock(), console.width(), console.coloured(console.out)
    records = recorded.items.keys() | recorded.schedules.keys()
    known = [s for s in standings(desired, recorded, now) if s.address in records]
    console.say(
        items_text(known, recorded, now, width=width, colour=coloured, verbose=options.verbose)
    )
    return 0


def show(options: Namespace, console: Console) -> int:
    """Print all that is known of one item."""
    desired = gather_desired(options, console)
    recorded = _load(desired.state_url, console)
    address = recorded_address(options.address, recorded)
    if address in recorded.schedules:
        return _show_schedule(address, recorded.schedules[address], console)
    record = recorded.items[address]
    if console.format == "json":
        console.say(record_json(address, record))
        return 0
    zones = {item.address: item.timing.zone for item in desired.items}
    zone, width = zones.get(address, "UTC"), console.width()
    console.say(record_text(address, record, wall_clock(), zone, width=width))
    return 0


def _show_schedule(address: Address, record: ScheduleRecord, console: Console) -> int:
    if console.format == "json":
        console.say(schedule_json(address, record))
    else:
        console.say(schedule_text(address, record, wall_clock()))
    return 0


def past(options: Namespace, console: Console) -> int:
    """Print what is still known to have happened, of all items or of one."""
    url = state_url(options, console)
    address = parse_address(options.address) if options.address else None
    entries = history(url, address) if address or not options.address else ()
    serial = 0 if entries else _require_known(options.address, _load(url, console))
    if serial:
        console.diagnose([_kept_elsewhere(serial, options.address)])
    if console.format == "json":
        console.say(history_json(entries))
    else:
        console.say(history_text(entries, serial=serial))
    return 0


def _require_known(address: str | None, recorded: Recorded) -> int:
    """Return the serial of a state. Raises ReconcileError where it knows no such item."""
    known = (*recorded.items, *recorded.schedules)
    if address is not None and parse_address(address) not in known:
        raise not_recorded(address, known)
    return recorded.serial


def _kept_elsewhere(serial: int, address: str | None) -> Diagnostic:
    of = f" of {address}" if address else ""
    return Diagnostic(
        code="history-elsewhere",
        summary="The history is not here",
        detail=f"The state is at serial {serial}, so something has happened, and no history{of} "
        "lies beside it: it was let go as too old, or it is kept where the applies ran.",
        hint="Keep the file that ends in .history together with the state.",
        severity=Severity.WARNING,
    )


def check(options: Namespace, console: Console) -> int:
    """Read everything as strictly as there is, and print what is wrong with it."""
    found = verify(state_url(options, console))
    console.diagnose(found)
    if not found:
        console.say("The state, its journal and its history are whole.")
    return 1 if found else 0


def fetch(options: Namespace, console: Console) -> int:
    """Print the state as it is, journal folded in, for another place or another tool."""
    url = state_url(options, console)
    loaded = load(url)
    console.diagnose(loaded.warnings)
    console.give(pull(url, loaded).decode())
    return 0


def _load(url: str, console: Console) -> Recorded:
    loaded = load(url)
    console.diagnose(loaded.warnings)
    return loaded.recorded
