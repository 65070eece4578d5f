"""Proving that a store keeps two runs apart, before anything is trusted to it."""

from reconcile.model.diagnostic import ReconcileError
from reconcile.state.refusals import refusal
from reconcile.state.remote.address import RemoteAddress, parse_remote
from reconcile.state.remote.opening import open_store
from reconcile.state.remote.store import ConflictError, Store, Version


def prove_store(url: str) -> None:
    """Prove the store of a remote state: see `prove`."""
    address = parse_remote(url)
    store = open_store(address)
    try:
        prove(store, address)
    finally:
        store.close()


def prove(store: Store, address: RemoteAddress) -> None:
    """See that a store refuses a second create and a stale update; an object of its own is used.

    Stores that speak like S3 but know no conditions overwrite without a word. Raises
    ReconcileError for those, and for a store that cannot be used at all.
    """
    key = f"{address.key}.probe"
    left = store.get(key)
    first = store.put(key, b"first", left and left.version)
    _require_refusal(store, address, key, None)
    second = store.put(key, b"second", first)
    _require_refusal(store, address, key, first)
    found = store.get(key)
    if found is None or found.data != b"second":
        raise _unsafe(address, "it does not return what was written last")
    store.delete(key, second)
    if store.get(key) is not None:
        raise _unsafe(address, "it returns what was deleted")


def prove_once(store: Store, address: RemoteAddress) -> None:
    """Prove a store, under the lease, unless it keeps a state already: then it was proven.

    Under the lease, since of two that prove at once each would take the other for a fault.
    """
    if store.get(address.journal) is None:
        prove(store, address)


def _require_refusal(
    store: Store, address: RemoteAddress, key: str, version: Version | None
) -> None:
    try:
        store.put(key, b"must be refused", version)
    except ConflictError:
        return
    created = "created an object that was there" if version is None else "took a stale update"
    raise _unsafe(address, f"it {created}")


def _unsafe(address: RemoteAddress, why: str) -> ReconcileError:
    return refusal(
        "state-store-unsafe",
        "This store cannot keep two runs apart",
        f"The store of {address.url} was tried out: {why}. Two runs would overwrite each other "
        "there, so no state is kept in it.",
        path=address.url,
        hint='Name another store: [state] url = "..."',
    )
