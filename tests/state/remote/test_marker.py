"""The session marker in a store: a journal that is gone or cut short is told, and nothing else."""

from collections.abc import Callable, Iterator

import pytest

from reconcile.state.journal import decode_marker
from reconcile.state.remote.session import RemoteSession, read
from reconcile.state.remote.session import fold as folded
from reconcile.state.remote.stores import RemoteAddress, Store
from tests.state.acts import NOON, entry
from tests.state.remote.backends import open_place, session_at

Cutting = Callable[[bytes], bytes]


@pytest.fixture
def living(place: str) -> Iterator[tuple[RemoteSession, Store, RemoteAddress]]:
    """A session that has written four entries and has not ended, as a kill leaves it."""
    with session_at(place) as first:
        first.append(entry(1))
    session = session_at(place, ttl_s=0.5)
    session.append(entry(2), entry(3))
    session.append(entry(4))
    store, address = open_place(place)
    yield session, store, address
    session._let_go()  # noqa: SLF001 - as a kill does


def codes(store: Store, address: RemoteAddress) -> list[str]:
    return [found.code for found in folded(address, read(store, address)).warnings]


def test_a_kill_alone_is_no_missing_journal(
    living: tuple[RemoteSession, Store, RemoteAddress],
) -> None:  # F11
    _, store, address = living
    assert codes(store, address) == []
    there = store.get(address.session)
    marker = decode_marker(there and there.data)
    assert marker is not None
    assert (marker.began, marker.first) == (NOON, 2)


def test_a_journal_that_is_gone_is_told_until_a_session_goes_on(
    living: tuple[RemoteSession, Store, RemoteAddress], place: str
) -> None:  # F11
    session, store, address = living
    journal = store.get(address.journal)
    assert journal is not None
    store.delete(address.journal, journal.version)
    assert codes(store, address) == ["journal-missing"]
    session._lease.release()  # noqa: SLF001 - as its ttl does
    with session_at(place) as following:
        assert "journal-missing" in [found.code for found in following.warnings]
        following.append(entry(2))
    assert codes(store, address) == []


@pytest.mark.parametrize("left", [1, 2])
def test_lines_that_were_cut_off_are_told_by_the_head(
    living: tuple[RemoteSession, Store, RemoteAddress], left: int
) -> None:  # F11
    _, store, address = living
    journal = store.get(address.journal)
    assert journal is not None
    cut = b"".join(journal.data.splitlines(keepends=True)[:left])
    store.put(address.journal, cut, journal.version)
    (found,) = folded(address, read(store, address)).warnings
    assert found.code == "journal-missing"
    assert f"entries {left + 1} to 4 are gone" in found.detail


def test_a_session_that_ends_leaves_no_marker(place: str) -> None:  # F11
    with session_at(place) as session:
        session.append(entry(1))
        store, address = open_place(place)
        assert store.get(address.session) is not None
    assert store.get(address.session) is None


def test_a_session_that_writes_nothing_makes_no_marker(place: str) -> None:  # F11
    with session_at(place):
        store, address = open_place(place)
        assert store.get(address.session) is None
