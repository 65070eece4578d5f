"""`state`: look at what is recorded, mend it, move it."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path

import click

from reconcile.clock import wall_clock
from reconcile.config.values import parse_duration
from reconcile.errors import Diagnostic, LeafError, ReconcileError, Severity, diagnose, fail
from reconcile.model.address import Address, fits, parse_address, quote_key, split_address
from reconcile.model.desired import Desired
from reconcile.model.journal import Entry, Forgotten, Marked, Moved, Noted, Numbered, Renamed
from reconcile.model.plan import Choice, Refresh, ResetCache
from reconcile.model.recorded import Coverage, Recorded
from reconcile.model.struct import replace
from reconcile.planning.guards import nearest
from reconcile.planning.item import latest
from reconcile.planning.plan import Moves, follow, plan, standings
from reconcile.planning.record import declaration, same_identity
from reconcile.render.documents import SaidDocument
from reconcile.render.items import history_text, items_text, record_text, schedule_text
from reconcile.render.layout import escape_terminal
from reconcile.render.records import (
    RecordedItem,
    RecordedSchedule,
    history_json,
    listed,
    records_json,
)
from reconcile.render.words import Vantage, counted
from reconcile.state import mend
from reconcile.state.backend import backend, load
from reconcile.state.errors import no_state
from reconcile.state.files import is_remote, told_plainly
from reconcile.terminal import inputs
from reconcile.terminal import options as shared
from reconcile.terminal.console import Console


@click.group(cls=shared.Verbs)
def run_state() -> None:
    """Look at what is recorded, and mend it."""


_usual = shared.together(shared.file_option, shared.state_option, shared.output_options)
_changing = shared.together(_usual, shared.lock_timeout_option)
_address = click.argument("address", shell_complete=shared.complete_addresses)
_addresses = click.argument(
    "addresses",
    nargs=-1,
    required=True,
    metavar="ADDRESS...",
    shell_complete=shared.complete_records,
    help="An address, a model, or a glob in quotes.",
)


# The verbs that only look: list, show, history, verify, pull.


@run_state.command("list")
@click.argument(
    "pattern",
    required=False,
    shell_complete=shared.complete_records,
    help="An address, a model, or a glob in quotes; all if not given.",
)
@_usual
def list_records(options: shared.Options, console: Console) -> int:
    """List every recorded item, or those of a model or a pattern."""
    desired = inputs.gather_desired(options, console)
    loaded = load(desired.state_url)
    console.diagnose(loaded.warnings)
    if not loaded.exists:
        console.diagnose([no_state(backend(desired.state_url).name, Severity.WARNING)])
    recorded = loaded.recorded
    if options.pattern is not None:
        recorded = _of(recorded, recorded_addresses(options.pattern, recorded))
    if console.format == "json":
        console.say(records_json(recorded))
        return 0
    now, coloured = wall_clock(), console.coloured(console.out)
    records = recorded.items.keys() | recorded.schedules.keys()
    known = [s for s in standings(desired, recorded, now) if s.address in records]
    told = listed(known, recorded, now)
    console.say(items_text(told, width=console.width(), colour=coloured, verbose=options.verbose))
    return 0


def _of(recorded: Recorded, addresses: Collection[Address]) -> Recorded:
    """Leave out the records of all other items."""
    items = {address: it for address, it in recorded.items.items() if address in addresses}
    schedules = {it: kept for it, kept in recorded.schedules.items() if it in addresses}
    return replace(recorded, items=items, schedules=schedules)


@run_state.command("show")
@_address
@_usual
def show(options: shared.Options, console: Console) -> int:
    """Show all that is known of one item."""
    desired = inputs.gather_desired(options, console)
    recorded = inputs.load_recorded(desired.state_url, console)
    address = recorded_address(options.address, recorded)
    record: RecordedItem | RecordedSchedule
    if address in recorded.schedules:
        record = RecordedSchedule.of(address, recorded.schedules[address])
        text = schedule_text(record, wall_clock())
    else:
        record = RecordedItem.of(address, recorded.items[address])
        zones = {item.address: item.timing.zone for item in desired.items}
        view = Vantage(zones.get(address, "UTC"), wall_clock())
        text = record_text(record, view, width=console.width())
    if console.format == "json":
        console.say_document(replace(record, format_version=1))
    else:
        console.say(text)
    return 0


@run_state.command("history")
@click.argument("address", required=False, shell_complete=shared.complete_addresses)
@click.option("--since", metavar="DURATION|INSTANT", help="Only this far back, such as 2d.")
@_usual
def past(options: shared.Options, console: Console) -> int:
    """Show what happened, of all items or of one."""
    begin = _since(options.since)
    url = state_url(options, console)
    address = parse_address(options.address) if options.address else None
    entries = mend.history(url, address) if address or not options.address else ()
    if entries:
        kept = [one for one in entries if begin is None or one.entry.at >= begin]
        return _say_history(kept, options, console)
    recorded = inputs.load_recorded(url, console)
    if options.address is not None:
        recorded_address(options.address, recorded)
    if recorded.serial:
        console.diagnose([_kept_elsewhere(recorded.serial, options.address, url)])
    return _say_history((), options, console, recorded.serial)


def _since(text: str | None) -> datetime | None:
    """Read how far back to look, UTC. Raises ReconcileError for what is neither of the two."""
    if text is None:
        return None
    try:
        return wall_clock() - parse_duration(text)
    except LeafError:
        return inputs.gather_now(text, "--since")


def _say_history(
    entries: Sequence[Numbered], options: shared.Options, console: Console, serial: int = 0
) -> int:
    if console.format == "json":
        console.say(history_json(entries))
    elif options.since is not None and not entries:
        console.say(f"Nothing has happened since {options.since}.")
    else:
        console.say(history_text(entries, serial=serial))
    return 0


def _kept_elsewhere(serial: int, address: str | None, url: str) -> Diagnostic:
    keep = "Keep the file that ends in .history together with the state."
    of = f" of {address}" if address else ""
    return diagnose(
        "history-elsewhere",
        f"The state is at serial {serial}, so something has happened, and no history{of} "
        "lies beside it: it was let go as too old, or it is kept where the applies ran.",
        hint=None if is_remote(url) else keep,
        severity=Severity.WARNING,
    )


@run_state.command("verify")
@_usual
def check(options: shared.Options, console: Console) -> int:
    """Check that state, journal, history and inbox are whole."""
    found = mend.verify(state_url(options, console))
    console.diagnose(found)
    if not found:
        _say(console, "The state, its journal, its history and its inbox are whole.")
    return 1 if found else 0


@run_state.command("pull")
@_usual
def fetch(options: shared.Options, console: Console) -> int:
    """Print the state, journal folded in."""
    url = state_url(options, console)
    loaded = load(url)
    console.diagnose(loaded.warnings)
    console.give(mend.pull(url, loaded).decode())
    return 0


# The verbs that change the state, each under the lock.


@run_state.command("rm")
@_addresses
@click.option("--dry-run", is_flag=True, help="Name what would be removed; change nothing.")
@_changing
def remove(options: shared.Options, console: Console) -> int:
    """Forget what is recorded of items.

    The next plan treats them as new.
    """
    if options.dry_run:
        recorded = inputs.load_recorded(state_url(options, console), console)
        doomed = {it for text in options.addresses for it in recorded_addresses(text, recorded)}
        _say(console, *(f"Would remove {address}" for address in sorted(doomed)))
        return 0
    with inputs.session_on(state_url(options, console), options, console) as session:
        named = [recorded_addresses(text, session.recorded) for text in options.addresses]
        addresses = sorted({address for found in named for address in found})
        session.append(*(Forgotten(wall_clock(), address) for address in addresses))
    them = "it" if len(addresses) == 1 else "them"
    removed = counted(len(addresses), "record")
    _say(console, f"Removed {removed}; the next plan treats {them} as new.")
    return 0


@run_state.command("mv")
@click.argument(
    "address", shell_complete=shared.complete_records, help="An address, or a model: models.sales."
)
@click.argument(
    "to",
    metavar="NEW-ADDRESS",
    shell_complete=shared.complete_records,
    help="An address, or the model's new name.",
)
@_changing
def move(options: shared.Options, console: Console) -> int:
    """Give a record, or all records of a model, another name."""
    inputs.require_text("NEW-ADDRESS", options.to)
    with inputs.session_on(state_url(options, console), options, console) as session:
        recorded = session.recorded
        found = recorded_addresses(options.address, recorded)
        moves = tuple((address, _moved_to(options.to, address, found)) for address in found)
        for address, to in moves:
            _require_free(to, address, recorded)
        _require_apart([to for _, to in moves])
        items = tuple(move for move in moves if move[0] in recorded.items)
        entries: list[Entry] = [Renamed(wall_clock(), items)] if items else []
        entries += [Moved(wall_clock(), *move) for move in moves if move not in items]
        session.append(*entries)
    _say(console, *(f"Moved {address} to {to}." for address, to in moves))
    return 0


@run_state.command("mark")
@_addresses
@click.option("--done", is_flag=True, help="They were done, whatever is recorded.")
@click.option("--due", is_flag=True, help="They are due again; ends a hold.")
@_changing
def mark(options: shared.Options, console: Console) -> int:
    """Mark items as done, or as due again."""
    if options.done == options.due:
        raise click.UsageError("Say either --done or --due.", click.get_current_context())
    desired = inputs.gather_desired(options, console)
    with inputs.session_on(desired.state_url, options, console) as session:
        for text in options.addresses:
            _refuse_schedule(text, desired, session.recorded)
        now = wall_clock()
        moves, recorded = follow(desired.items, session.recorded)
        addresses = _to_mark(options, desired, moves, recorded)
        if moves:
            session.append(Renamed(now, moves))
        # Resets come later: those that follow a refresh follow the one that is done now.
        for _, alike in groupby(addresses, _is_reset):
            them = frozenset(alike)
            covers = _done(them, desired, session.recorded, now) if options.done else {}
            seen = _seen_first(them, desired, session.recorded, now)
            session.append(*seen, *(Marked(now, it, covers.get(it)) for it in sorted(them)))
    _say(console, *(f"Marked {it} as {'done' if options.done else 'due'}." for it in addresses))
    return 0


@run_state.command("push")
@click.argument(
    "source", type=shared.FILE, metavar="FILE", help="Or an object of a store, by its URL."
)
@click.option("--force", is_flag=True, help="Also another lineage or an older one.")
@_changing
def send(options: shared.Options, console: Console) -> int:
    """Replace the state by a file that holds a later version of it."""
    if is_remote(options.source):
        data = mend.pull(inputs.absolute_url(options.source, "FILE"))
    else:
        with told_plainly(Path(options.source), "read"):
            data = Path(options.source).read_bytes()
    pushed = mend.push(
        state_url(options, console),
        data,
        lock_timeout_s=options.lock_timeout,
        now=wall_clock(),
        force=options.force,
    )
    records = counted(len(pushed.items) + len(pushed.schedules), "record")
    _say(console, f"Pushed {records}, serial {pushed.serial}.")
    return 0


@run_state.command("unlock")
@click.argument("lock_id", metavar="LOCK-ID")
@_usual
def unlock_stale(options: shared.Options, console: Console) -> int:
    """Clear what a dead run left in the lock; force a remote one."""
    cleared = backend(state_url(options, console)).unlock(options.lock_id, now=wall_clock())
    _say(console, "No lock is held." if cleared is None else f"Cleared the lock {cleared.id}.")
    return 0


@run_state.command("repair")
@_changing
def mend_journal(options: shared.Options, console: Console) -> int:
    """Keep the good part of a damaged journal."""
    url, timeout_s = state_url(options, console), options.lock_timeout
    return _mended(mend.repair(url, lock_timeout_s=timeout_s, now=wall_clock()), console)


@run_state.command("restore")
@_changing
def go_back(options: shared.Options, console: Console) -> int:
    """Go back to the previous version of a damaged state, and on again."""
    url, timeout_s = state_url(options, console), options.lock_timeout
    return _mended(mend.restore(url, lock_timeout_s=timeout_s, now=wall_clock()), console)


def _mended(repaired: mend.Repaired, console: Console) -> int:
    said = [f"Kept {counted(len(repaired.recorded.items), 'record')}."]
    if repaired.lost or repaired.unreadable:
        lost = f"{len(repaired.lost)} readable and {repaired.unreadable} unreadable"
        said.append(f"Could not keep {lost} entries: look at `reconcile state history`.")
    _say(console, *said, *(f"Set aside {path}" for path in repaired.set_aside))
    return 0


def _say(console: Console, *lines: str) -> None:
    """Print what was done or found, where no record is shown."""
    if console.format == "json":
        console.say_document(SaidDocument(said=lines))
    else:
        console.say("\n".join(lines))


def _to_mark(
    options: shared.Options, desired: Desired, moves: Moves, recorded: Recorded
) -> Sequence[Address]:
    """Read which items are meant, by the names of the files. Refreshes come first.

    What is declared can be done, and a call that is awaited; what is recorded can be due again.
    `recorded`: with the records under the names of the files.
    """
    declared = {item.address for item in desired.items}
    begun = {it for it, record in recorded.items.items() if record.pending is not None}
    known = declared | begun if options.done else recorded.items.keys()
    found: set[Address] = set()
    for text in options.addresses:
        address = parse_address(text)
        moved = None if address is None or address in declared else dict(moves).get(address)
        named = named_by(moved or text, known)
        if not named and options.done:
            inputs.declared_address(text, {*declared, *map(_owner_of, declared)})
        elif not named:
            raise not_recorded(text, (*known, *map(_owner_of, known)))
        found.update(named)
    return sorted(found, key=lambda address: (_is_reset(address), address))


def _is_reset(address: Address) -> bool:
    return _kind(address)[1] == "cache"


def _seen_first(
    addresses: Collection[Address], desired: Desired, recorded: Recorded, now: datetime
) -> Iterator[Entry]:
    """Yield what an apply would note of items before all else, so that it undoes no mark."""
    for item in desired.items:
        record = recorded.items.get(item.address)
        if item.address in addresses and (record is None or not same_identity(item, record)):
            yield Noted(now, item.address, declaration(item))


def _done(
    addresses: frozenset[Address], desired: Desired, recorded: Recorded, now: datetime
) -> Mapping[Address, Coverage]:
    """Say what being done covers: what a call right now would, and what one in flight would."""
    covers: dict[Address, Coverage] = {}
    choice = Choice(force=addresses, only=addresses)
    for action in plan(desired, recorded, now, choice).actions:
        if isinstance(action, Refresh | ResetCache):
            covers.update((covered.address, covered) for covered in action.covers)
    declared = {item.address: item for item in desired.items}
    for address in addresses:
        record, item = recorded.items.get(address), declared.get(address)
        if record is None or record.pending is None:
            continue
        if item is None:
            covers[address] = record.pending.coverage
        elif same_identity(item, record):  # Else it is another model's call.
            covers[address] = _both(covers[address], record.pending.coverage)
    return covers


def _both(covers: Coverage, begun: Coverage) -> Coverage:
    """Reach as far as either does. A call that was begun may have made up a slot to come."""
    slot, stamp = latest(covers.slot, begun.slot), latest(covers.stamp, begun.stamp)
    return replace(covers, slot=slot, stamp=stamp, consumed=covers.consumed or begun.consumed)


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


def _require_apart(targets: Sequence[Address]) -> None:
    """Refuse to move several records onto one address: only the last of them would be left."""
    for to, times in Counter(targets).items():
        if times > 1:
            raise _bad_move(f"{times} records would move to {to}. Move them one by one.")


def _kind(address: Address) -> tuple[str, str]:
    """Tell refreshes, resets and native schedules apart by how their addresses are spelled."""
    owner, _, kind, *_ = split_address(address) or ("", "", "")
    return owner, kind


def _bad_move(detail: str) -> ReconcileError:
    return fail("bad-move", detail, hint="reconcile state list")


# The verbs about where the state is kept: check, migrate.


@run_state.command("check")
@_usual
def check_store(options: shared.Options, console: Console) -> int:
    """Prove that the store of the state keeps two runs apart."""
    if backend(state_url(options, console)).prove():
        words = "The store refuses a second create and a stale update: it keeps two runs apart."
    else:
        words = "State is kept in a local file."
    _say(console, words)
    return 0


@run_state.command("migrate")
@click.argument(
    "source", type=shared.FILE, metavar="FROM-URL", help="A path, or a URL as in [state] url."
)
@click.argument("target", type=shared.FILE, metavar="TO-URL")
@_changing
def move_state(options: shared.Options, console: Console) -> int:
    """Copy the state to another place, lineage, history and all."""
    source = inputs.absolute_url(options.source, "FROM-URL")
    target = inputs.absolute_url(options.target, "TO-URL")
    options.state = options.source  # So that a command that is told is about the right place.
    console.diagnose(load(source).warnings)
    options.state = options.target
    moved = mend.migrate(source, target, lock_timeout_s=options.lock_timeout, now=wall_clock())
    _say(
        console,
        f"Copied {counted(len(moved.items), 'record')} and the history, serial {moved.serial}, "
        f"lineage {moved.lineage}. What is at the old place stays, and must not be used any more.",
        f'Next, in the file: [state] url = "{escape_terminal(options.target)}"',
    )
    return 0


# What a verb of `state` is about: which state, and which record in it.

OWNER_PARTS = 2
"""How many keys spell a model or a connection: `models.sales`."""


def state_url(options: shared.Options, console: Console) -> str:
    """Find the state: `--state` needs no desired state beside it."""
    if options.state is not None:
        return inputs.absolute_url(options.state)
    return inputs.gather_desired(options, console).state_url


def recorded_address(text: str, recorded: Recorded) -> Address:
    """Read the address of a record that exists. Raises ReconcileError `not-recorded`."""
    address = parse_address(text)
    if address is not None and (address in recorded.items or address in recorded.schedules):
        return address
    raise not_recorded(text, (*recorded.items, *recorded.schedules))


def recorded_addresses(text: str, recorded: Recorded) -> tuple[Address, ...]:
    """Read an address, a model or connection, or a glob, as all records that it names.

    Raises ReconcileError `not-recorded`.
    """
    known = (*recorded.items, *recorded.schedules)
    found = named_by(text, known)
    if found:
        return found
    raise not_recorded(text, (*known, *map(_owner_of, known)))


def named_by(text: str, known: Collection[Address]) -> tuple[Address, ...]:
    """Return those that an address, a model or connection, or a glob names, sorted."""
    address, owner = parse_address(text), split_address(text)
    if address is not None:
        return (address,) if address in known else ()
    if owner is not None and len(owner) == OWNER_PARTS:
        return tuple(a for a in sorted(known) if (split_address(a) or ())[:OWNER_PARTS] == owner)
    return tuple(a for a in sorted(known) if fits(text, a))


def _owner_of(address: Address) -> str:
    """Spell the model or connection that an address belongs to."""
    kind, name, *_ = split_address(address) or ("", "")
    return f"{kind}.{quote_key(name)}"


def not_recorded(text: str, known: Collection[str]) -> ReconcileError:
    """Say that nothing is known of an address, and which one was probably meant."""
    near = nearest(text, known)
    more = f" The nearest is {near}." if near else ""
    detail = f"The state holds no record of {text}.{more}"
    headline = f"nothing is recorded under {text}"
    return fail("not-recorded", detail, hint="reconcile state list", headline=headline)


def _refuse_schedule(text: str, desired: Desired, recorded: Recorded) -> None:
    """Refuse to mark a native schedule, recorded or only declared."""
    address = parse_address(text)
    if address in {*recorded.schedules, *(item.address for item in desired.schedules)}:
        raise fail(
            "not-recorded",
            f"{text} is one of Omni's own schedules: it is compared, and never due or done.",
            hint=f"reconcile apply --force {address}",
            headline=f"no mark can be put on {text}",
        )
