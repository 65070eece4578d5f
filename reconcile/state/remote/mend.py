"""Mending a remote state under its lease: the counterparts of what is done to local files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import uuid4

from reconcile.errors import Diagnostic, ReconcileError
from reconcile.model.recorded import Recorded
from reconcile.state.errors import history_damaged, previous_damaged
from reconcile.state.journal import Line, good_lines, unreadable
from reconcile.state.load import decode_at
from reconcile.state.lock import Holder
from reconcile.state.mend import (
    JOURNAL_IS_LOST,
    STATE_IS_LOST,
    Repaired,
    beginning,
    decode_pushed,
    is_whole,
    reached,
    rebuilt,
    refuse_unless,
    succeeding,
)
from reconcile.state.remote.lease import Wanted, seize, take
from reconcile.state.remote.session import Contents, Shelf, fold, read
from reconcile.state.remote.stores import RemoteAddress, Store, open_store, parse_remote, prove_once


def push(url: str, data: bytes, *, now: datetime, force: bool) -> Recorded:
    """Put a state file's content in place: see `transfer.push`."""
    with _shelf(url, "state push", now) as (_, shelf):
        pushed = decode_pushed(shelf.address.url, data)
        contents = shelf.fence()
        present, whole = None, True
        try:
            loaded = fold(shelf.address, contents)
            present = reached(loaded)
        except ReconcileError:
            if not force:
                raise
            whole = False
        successor = succeeding(shelf.address.url, present, pushed, force=force)
        if successor is not None:
            if whole:
                shelf.keep_previous()
            else:
                _set_aside(shelf, contents)
            _put(shelf, successor)
        return successor or present or pushed


def restore(url: str, *, now: datetime) -> Repaired:
    """Go back to the previous version: see `repairing.restore`."""

    def previous(store: Store, shelf: Shelf, _: Contents, lines: tuple[Line, ...]) -> Recorded:
        found = store.get(shelf.address.previous)
        if found is None or not is_whole(found.data):
            return beginning(shelf.address.url, lines)
        return decode_at(shelf.address.shown(shelf.address.previous), found.data)

    return _mend(url, "state restore", STATE_IS_LOST, previous, now)


def repair(url: str, *, now: datetime) -> Repaired:
    """Keep the good part of a journal: see `repairing.repair`."""

    def saved(_: Store, shelf: Shelf, contents: Contents, lines: tuple[Line, ...]) -> Recorded:
        if contents.state is not None:
            return decode_at(shelf.address.url, contents.state.data)
        return Recorded(lineage=lines[0].lineage if lines else str(uuid4()))

    return _mend(url, "state repair", JOURNAL_IS_LOST, saved, now)


def unlock(url: str, lease_id: str, *, now: datetime) -> Holder | None:
    """Take the lease from its holder, and fence it off: see `unlocking.unlock`."""
    with opened(url) as (store, address):
        lease = seize(store, address, lease_id, Wanted("state unlock"), now=now)
        if lease is None:
            return None
        try:
            Shelf(store, address, lease.id).fence()
        finally:
            lease.release()
        return lease.previous


def _mend(
    url: str,
    command: str,
    lost: set[str],
    base: Callable[[Store, Shelf, Contents, tuple[Line, ...]], Recorded],
    now: datetime,
) -> Repaired:
    with _shelf(url, command, now) as (store, shelf):
        contents = shelf.fence()
        refuse_unless(lost, lambda: fold(shelf.address, contents), shelf.address.url, command)
        history = store.get(shelf.address.history)
        journal = contents.fenced.lines
        lines = good_lines(history.data if history else b"", journal)
        recorded, beyond = rebuilt(base(store, shelf, contents, lines), lines)
        set_aside = _set_aside(shelf, contents)
        _put(shelf, recorded)
        return Repaired(recorded, beyond, unreadable(journal), set_aside)


def _put(shelf: Shelf, recorded: Recorded) -> None:
    """Put a state in place; stopped anywhere, the lines are in the history before they go."""
    shelf.keep_history()
    shelf.save(recorded)
    shelf.empty_journal()
    shelf.unmark()


def _set_aside(shelf: Shelf, contents: Contents) -> tuple[str, ...]:
    kept = [part.data for part in (contents.state, contents.journal) if part is not None]
    return tuple(shelf.set_aside(data, "damaged") for data in kept)


@contextmanager
def _shelf(url: str, command: str, now: datetime) -> Iterator[tuple[Store, Shelf]]:
    with opened(url) as (store, address):
        lease = take(store, address, Wanted(command), now=now)
        try:
            prove_once(store, address)
            yield store, Shelf(store, address, lease.id)
        finally:
            lease.release()


# Looking at what lies beside a remote state; takes no lease, writes nothing.


def past_lines(url: str) -> tuple[Line, ...]:
    """Return every line of history and journal that checks out: see `history.history`."""
    with opened(url) as (store, address):
        history = store.get(address.history)
        return good_lines(history.data if history else b"", read(store, address).fenced.lines)


def verify(url: str) -> tuple[Diagnostic, ...]:
    """Check every object of a state: see `repairing.verify`."""
    try:
        with opened(url) as (store, address):
            found = list(fold(address, read(store, address)).warnings)
            previous = store.get(address.previous)
            if previous is not None and not is_whole(previous.data):
                found.append(previous_damaged(address.shown(address.previous)))
            history = store.get(address.history)
            if history is not None and (lines := unreadable(history.data)):
                found.append(history_damaged(address.shown(address.history), lines))
    except ReconcileError as error:
        return error.diagnostics
    return tuple(found)


@contextmanager
def opened(url: str) -> Iterator[tuple[Store, RemoteAddress]]:
    """Open the store of a remote state for a moment."""
    address = parse_remote(url)
    store = open_store(address)
    try:
        yield store, address
    finally:
        store.close()
