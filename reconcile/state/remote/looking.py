"""Looking at what lies beside a remote state; takes no lease, writes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.state.history import good_lines, unreadable
from reconcile.state.journal import Line
from reconcile.state.rebuilding import is_whole
from reconcile.state.refusals import history_damaged, previous_damaged
from reconcile.state.remote.address import RemoteAddress, parse_remote
from reconcile.state.remote.contents import fold, read
from reconcile.state.remote.opening import open_store
from reconcile.state.remote.store import Store


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
