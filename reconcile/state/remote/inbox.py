"""The inbox of a remote state: one object, replaced under compare-and-swap."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep

from reconcile.state.remote.stores import (
    ConflictError,
    Store,
    Stored,
    open_store,
    parse_remote,
    swap,
)

_PAUSE_S = 0.01


def read_inbox(url: str) -> tuple[bytes | None, str]:
    """Return the inbox of a state, None if there is none, and its own URL. Raises StoreError."""
    with _opened(url) as (store, key, shown):
        return _data(store.get(key)), shown


def swap_inbox(
    url: str, change: Callable[[bytes | None, str], bytes | None], patience_s: float
) -> None:
    """Replace the inbox by what `change` makes of it and its URL; None leaves it as it is.

    Raises StoreError, and ConflictError where others were quicker for `patience_s` seconds.
    """
    until = monotonic() + patience_s
    with _opened(url) as (store, key, shown):
        while True:
            there = store.get(key)
            data = change(_data(there), shown)
            if data is None:
                return
            version = None if there is None else there.version
            try:
                swap(store, key, data, version, patience_s=until - monotonic())
            except ConflictError:
                if monotonic() >= until:
                    raise
                sleep(_PAUSE_S)
            else:
                return


@contextmanager
def _opened(url: str) -> Iterator[tuple[Store, str, str]]:
    address = parse_remote(url)
    store = open_store(address)
    try:
        yield store, address.inbox, address.shown(address.inbox)
    finally:
        store.close()


def _data(there: Stored | None) -> bytes | None:
    return None if there is None else there.data
