"""Every kind of store there is, each by a word that another process can open it by."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconcile.state.lock import Wanted
from reconcile.state.remote.session import RemoteSession, open_on
from reconcile.state.remote.stores import RemoteAddress, Store, open_store, parse_remote
from tests.state.acts import NOON
from tests.state.remote.local_stores import DirectoryStore, MemoryStore

BACKENDS = ("memory", "directory", "s3", "az", "postgresql")
_MEMORY = MemoryStore()


def open_place(place: str) -> tuple[Store, RemoteAddress]:
    """Open `memory://KEY`, `directory://FOLDER#KEY`, or a URL the tool itself knows."""
    scheme, _, rest = place.partition("://")
    if scheme == "memory":
        return _MEMORY, RemoteAddress("s3", "", rest, place)
    if scheme == "directory":
        folder, _, key = rest.partition("#")
        return DirectoryStore(Path(folder)), RemoteAddress("s3", "", key, place)
    address = parse_remote(place)
    return open_store(address), address


def session_at(place: str, *, ttl_s: float = 60.0, timeout_s: float = 0.0) -> RemoteSession:
    store, address = open_place(place)
    return open_on(store, address, Wanted("apply", ttl_s, timeout_s), now=NOON)


@contextmanager
def opened(place: str) -> Iterator[tuple[Store, RemoteAddress]]:
    store, address = open_place(place)
    yield store, address
