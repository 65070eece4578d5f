"""The verbs that change the state, each under the lock."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from reconcile.cli.console import Console
from reconcile.cli.gathering import declared_address, gather_desired
from reconcile.cli.states.subject import OWNER_PARTS, recorded_addresses, recorded_item, state_url
from reconcile.clock import wall_clock
from reconcile.model.address import Address, parse_address, quote_key, split_address
from reconcile.model.desired import Desired
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.journal import Entry, Forgotten, Marked, Moved, Renamed
from reconcile.model.plan import Await, Choice, Refresh, ResetCache
from reconcile.model.recorded import Coverage, Recorded
from reconcile.planning.plan import plan
from reconcile.render.words import counted
from reconcile.state.lock import unlock
from reconcile.state.mend import Repaired, push, repair, restore
from reconcile.state.origin import origin_here
from reconcile.state.session import Session, open_session


def remove(options: Namespace, console: Console) -> int:
    """Forget what is recorded of items; the next plan treats them as new."""
    with _session(state_url(options, console), options, console) as session:
        named = [recorded_addresses(text, session.recorded) for text in options.addresses]
        addresses = sorted({address for found in named for address in found})
        session.append(*(Forgotten(wall_clock(), address) for address in addresses))
    them = "it" if len(addresses) == 1 else "them"
    console.say(f"Removed {counted(len(addresses), 'record')}; the next plan treats {them} as new.")
    return 0


def move(options: Namespace, console: Console) -> int:
    """Give a record another address, or all of a model's another model's, under one entry."""
    with _session(state_url(options, console), options, console) as session:
        recorded = session.recorded
        found = recorded_addresses(options.address, recorded)
        moves = tuple((address, _moved_to(options.to, address, found)) for address in found)
        for address, to in moves:
            _require_free(to, address, recorded)
        items = tuple(move for move in moves if move[0] in recorded.items)
        entries: list[Entry] = [Renamed(wall_clock(), items)] if items else []
        entries += [Moved(wall_clock(), *move) for move in moves if move not in items]
        session.append(*entries)
    for address, to in moves:
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
        origin=origin_here(options.file),
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


def _moved_to(text: str, address: Address, found: Sequence[Address]) -> Address:
    """Say where one of the records goes: to an address, or to another model under its own kind."""
    to = parse_address(text)
    owner, own = split_address(text), split_address(address)
    if to is None and owner is not None and own is not None and len(owner) == OWNER_PARTS:
        to = parse_address(".".join(map(quote_key, (*owner, *own[OWNER_PARTS:]))))
    elif len(found) > 1:
        to = None
    if to is None:
        raise _bad_move(
            f"{counted(len(found), 'record')} cannot move to {text}. One record moves to an "
            "address, all of a model's to another model."
        )
    return to


def _require_free(to: Address, address: Address, recorded: Recorded) -> None:
    if _kind(to) != _kind(address):
        raise _bad_move(f"{to} is not the address of an item of the same kind as {address}.")
    if to in (recorded.schedules if address in recorded.schedules else recorded.items):
        raise _bad_move(f"{to} has a record already.")


def _kind(address: Address) -> tuple[str, str]:
    """Tell refreshes, resets and native schedules apart by how their addresses are spelled."""
    owner, _, kind, *_ = split_address(address) or ("", "", "")
    return owner, kind


def _bad_move(detail: str) -> ReconcileError:
    return ReconcileError(
        Diagnostic(
            code="bad-move",
            summary="A record cannot be moved there",
            detail=detail,
            hint="reconcile state list",
        )
    )
