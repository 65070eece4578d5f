"""Stores under test: those that need a server are skipped where it is not installed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from uuid import uuid4

import pytest

from reconcile.state.remote.stores import RemoteAddress, Store
from tests.state.remote import servers
from tests.state.remote.backends import BACKENDS, open_place

_SERVERS = {"s3": servers.moto, "az": servers.azurite, "postgresql": servers.postgres}
_URLS = {
    "s3": f"s3://{servers.BUCKET}/KEY",
    "az": f"az://{servers.BUCKET}/KEY",
    "postgresql": "postgresql://127.0.0.1/postgres#KEY",
}
Placing = Callable[[str], str]


@pytest.fixture(scope="session")
def placing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Placing]:
    """Return a place of its own in a kind of store, its server started once it is asked for."""
    begun = set()
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patched:

        def place(kind: str) -> str:
            key = f"teams/{uuid4().hex[:8]}/prod.json"
            if kind == "memory":
                return f"memory://{key}"
            if kind == "directory":
                return f"directory://{tmp_path_factory.mktemp('objects')}#{key}"
            if kind not in begun:
                try:
                    serving = _SERVERS[kind](tmp_path_factory.mktemp(kind))
                    for name, value in stack.enter_context(serving).items():
                        patched.setenv(name, value)
                except servers.NotInstalledError as missing:
                    pytest.skip(f"{missing} is not installed")
                begun.add(kind)
            return _URLS[kind].replace("KEY", key)

        yield place


def _marked(kinds: tuple[str, ...]) -> list[object]:
    return [pytest.param(k, marks=pytest.mark.servers if k in _SERVERS else ()) for k in kinds]


@pytest.fixture(params=_marked(BACKENDS))
def place(request: pytest.FixtureRequest, placing: Placing) -> str:
    """Where a state is to be, in each kind of store."""
    return placing(request.param)


@pytest.fixture(params=_marked(BACKENDS[1:]))
def shared_place(request: pytest.FixtureRequest, placing: Placing) -> str:
    """Where a state is to be, in each kind of store that several processes can open."""
    return placing(request.param)


@pytest.fixture(params=_marked(tuple(_URLS)))
def url(request: pytest.FixtureRequest, placing: Placing) -> str:
    """Where a state is to be, by a URL that the tool knows."""
    return placing(request.param)


@pytest.fixture
def opened(place: str) -> tuple[Store, RemoteAddress]:
    store, address = open_place(place)
    return store, address


@pytest.fixture
def store(opened: tuple[Store, RemoteAddress]) -> Store:
    return opened[0]
