"""The verbs that change the state, each under the lock."""

from argparse import Namespace
from pathlib import Path

from reconcile.cli.console import Console
from reconcile.cli.gathering import declared_address, gather_desired
from reconcile.cli.states.subject import recorded_address, recorded_item, state_url
from reconcile.clock import wall_clock
from reconcile.model.address import Address, parse_address
from reconcile.model.desired import Desired
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.journal import Forgotten, Marked, Moved
from reconcile.model.plan import Await, Choice, Refresh, ResetCache
from reconcile.model.recorded import Coverage, Recorded
from reconcile.planning.planner import plan
from reconcile.render.names import counted
from reconcile.state.rebuilding import Repaired
from reconcile.state.repairing import repair, restore
from reconcile.state.session import Session, open_session
from reconcile.state.transfer import push
from reconcile.state.unlocking import unlock


def remove(options: Namespace, console: Console) -> int:
    """Forget what is recorded of items; the next plan treats them as new."""
    with _session(state_url(options, console), options, console) as session:
        addresses = [recorded_address(text, session.recorded) for text in options.addresses]
        session.append(*(Forgotten(wall_clock(), address) for address in addresses))
    console.say(f"Forgot {counted(len(addresses), 'record')}. The next plan treats them as new.")
    return 0


def move(options: Namespace, console: Console) -> int:
    """Give a record another address, after a name changed in the file."""
    with _session(state_url(options, console), options, console) as session:
        address = recorded_address(options.address, session.recorded)
        to = _free_address(options.to, address, session.recorded)
        session.append(Moved(wall_clock(), address, to))
    console.say(f"Moved {address} to {to}.")
    return 0


def mark(options: Namespace, console: Console) -> int:
    """Take a person's word that an item is done, or that it is due again."""
    desired = gather_desired(options, console)
    with _session(desired.state_url, options, console) as session:
        if options.done:
            address, covers = _done(options.address, desired, session.recorded)
        else:
            address, covers = recorded_item(options.address, session.recorded), None
        session.append(Marked(wall_clock(), address, covers))
    console.say(f"Marked {address} as {'done' if options.done else 'due'}.")
    return 0


def send(options: Namespace, console: Console) -> int:
    """Replace the state by a file, if it is a later version of the same state."""
    data = Path(options.source).read_bytes()
    pushed = push(state_url(options, console), data, now=wall_clock(), force=options.force)
    records = counted(len(pushed.items) + len(pushed.schedules), "record")
    console.say(f"Pushed {records}, serial {pushed.serial}.")
    return 0


def unlock_stale(options: Namespace, console: Console) -> int:
    """Clear the name of a dead holder; refused while it lives."""
    cleared = unlock(state_url(options, console), options.lock_id, now=wall_clock())
    console.say("No lock is held." if cleared is None else f"Cleared the lock {cleared.id}.")
    return 0


def mend_journal(options: Namespace, console: Console) -> int:
    """Keep the good part of a damaged journal."""
    return _mended(repair(state_url(options, console), now=wall_clock()), console)


def go_back(options: Namespace, console: Console) -> int:
    """Go back to the previous version of a damaged state, and on again."""
    return _mended(restore(state_url(options, console), now=wall_clock()), console)


def _mended(repaired: Repaired, console: Console) -> int:
    console.say(f"Kept {counted(len(repaired.recorded.items), 'record')}.")
    if repaired.lost or repaired.unreadable:
        lost = f"{len(repaired.lost)} readable and {repaired.unreadable} unreadable"
        console.say(f"Could not keep {lost} entries: look at `reconcile state history`.")
    for path in repaired.set_aside:
        console.say(f"Set aside {path}")
    return 0


def _session(url: str, options: Namespace, console: Console) -> Session:
    session = open_session(
        url,
        command=f"reconcile state {options.verb}",
        lock_timeout_s=options.lock_timeout,
        now=wall_clock(),
    )
    console.diagnose(session.warnings)
    return session


def _done(text: str, desired: Desired, recorded: Recorded) -> tuple[Address, Coverage]:
    """Say what being done covers: what is in doubt, else what a call right now would cover."""
    known = parse_address(text)
    record = recorded.items.get(known) if known is not None else None
    if known is not None and record is not None and record.pending is not None:
        return known, record.pending.coverage
    address = declared_address(text, {item.address for item in desired.items})
    itself = frozenset({address})
    choice = Choice(force=itself, only=itself)
    for action in plan(desired, recorded, wall_clock(), choice).actions:
        if isinstance(action, Refresh | ResetCache | Await):
            return address, action.covers[0]
    raise AssertionError(address)  # a forced item is always in an action


def _free_address(text: str, of: Address, recorded: Recorded) -> Address:
    to = parse_address(text)
    known = recorded.schedules if of in recorded.schedules else recorded.items
    alike = to is not None and to.partition(".")[0] == of.partition(".")[0]
    if to is None or not alike or to in known:
        raise ReconcileError(
            Diagnostic(
                code="bad-move",
                summary="A record cannot be moved there",
                detail=f"{text} has a record already, or is not the address of such an item.",
                hint="reconcile state list",
            )
        )
    return to
