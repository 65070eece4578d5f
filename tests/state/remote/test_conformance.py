"""What every store has to do. Each test runs against each kind, on real servers."""

import signal
from contextlib import ExitStack

import pytest
from msgspec import json, to_builtins

from reconcile.state.lock import Wanted, ourselves
from reconcile.state.remote.lease import decode_leased, seize
from reconcile.state.remote.stores import (
    ConflictError,
    RemoteAddress,
    Store,
    Writing,
    elapsed_s,
    prove,
    swap_all,
)
from tests.state.acts import NOON, done, entry, fold, intent, refused
from tests.state.remote.backends import open_place, session_at
from tests.state.remote.processes import runner
from tests.state.remote.runner import COUNTED

TTL_S = 1.5


def holder_id(store: Store, address: RemoteAddress) -> str:
    found = store.get(address.lock)
    leased = decode_leased(found.data) if found else None
    return leased.holder.id if leased else ""


def test_what_was_put_is_got(opened: tuple[Store, RemoteAddress]) -> None:
    store, address = opened
    assert store.get(address.key) is None
    version = store.put(address.key, bytes(range(256)) * 5_000, None)
    assert store.get(address.key) == (bytes(range(256)) * 5_000, version)


def test_a_second_create_is_refused(opened: tuple[Store, RemoteAddress]) -> None:
    store, address = opened
    store.put(address.key, b"first", None)
    with pytest.raises(ConflictError):
        store.put(address.key, b"second", None)
    assert [found.data for found in [store.get(address.key)] if found] == [b"first"]


def test_a_stale_update_is_refused(opened: tuple[Store, RemoteAddress]) -> None:
    store, address = opened
    first = store.put(address.key, b"first", None)
    second = store.put(address.key, b"second", first)
    with pytest.raises(ConflictError):
        store.put(address.key, b"stale", first)
    assert store.get(address.key) == (b"second", second)


def test_an_update_of_nothing_is_refused(opened: tuple[Store, RemoteAddress]) -> None:
    store, address = opened
    version = store.put(address.key, b"there", None)
    store.delete(address.key, version)
    with pytest.raises(ConflictError):
        store.put(address.key, b"again", version)


def test_what_is_deleted_is_gone_and_can_be_made_anew(opened: tuple[Store, RemoteAddress]) -> None:
    store, address = opened
    for content in (b"one", b"two"):
        version = store.put(address.key, content, None)
        with pytest.raises(ConflictError):
            store.put(address.key, b"three", None)
        store.delete(address.key, version)
        assert store.get(address.key) is None
        with pytest.raises(ConflictError):
            store.delete(address.key, version)


def test_what_is_written_together_is_there_and_what_is_removed_with_it_gone(
    opened: tuple[Store, RemoteAddress],
) -> None:
    store, address = opened
    old = store.put(address.session, b"marker", None)
    writings = (
        Writing(address.journal, b"lines", None),
        Writing(address.key, b"state", None),
        Writing(address.session, None, old),
    )
    first, second, third = store.put_all(writings)
    assert store.get(address.journal) == (b"lines", first)
    assert store.get(address.key) == (b"state", second)
    assert (store.get(address.session), third) == (None, None)


def test_of_what_is_written_together_nothing_stands_after_what_is_refused(
    opened: tuple[Store, RemoteAddress],
) -> None:
    store, address = opened
    store.put(address.key, b"somebody else's", None)
    keys = (address.journal, address.key, address.history)
    with pytest.raises(ConflictError) as refused:
        store.put_all([Writing(key, b"ours", None) for key in keys])
    assert f"{address.key} is not" in refused.value.diagnostics[0].detail
    assert store.get(address.history) is None
    assert [found.data for found in [store.get(address.key)] if found] == [b"somebody else's"]


def test_what_was_written_together_and_not_acknowledged_is_known_again(
    opened: tuple[Store, RemoteAddress],
) -> None:
    store, address = opened
    writings = [Writing(key, b"ours", None) for key in (address.journal, address.key)]
    assert swap_all(store, writings) == swap_all(store, writings)
    store.put(address.history, b"theirs", None)
    with pytest.raises(ConflictError):
        swap_all(store, [*writings, Writing(address.history, b"ours", None)])


def test_two_keys_have_nothing_to_do_with_each_other(opened: tuple[Store, RemoteAddress]) -> None:
    store, address = opened
    first = store.put(address.key, b"mine", None)
    other = store.put(f"{address.key}x", b"theirs", None)
    store.put(f"{address.key}x", b"theirs again", other)
    assert store.get(address.key) == (b"mine", first)


def test_a_store_proves_itself_again_and_again(opened: tuple[Store, RemoteAddress]) -> None:
    store, address = opened
    for _ in range(2):
        prove(store, address)
    assert store.get(address.key) is None


@pytest.mark.fault("X10")
def test_four_processes_that_race_lose_no_update(shared_place: str) -> None:
    with ExitStack() as stack:
        racing = [stack.enter_context(runner("count", shared_place)) for _ in range(4)]
        assert [one.wait() for one in racing] == [0] * 4
    store, address = open_place(shared_place)
    found = store.get(address.key)
    assert found is not None
    assert int(found.data) == 4 * COUNTED


def test_what_was_appended_is_there_for_the_next_session(place: str) -> None:
    for sequence in range(1, 6):
        with session_at(place) as session:
            session.append(entry(sequence))
            lineage = session.recorded.lineage
    with session_at(place) as session:
        assert session.recorded.items == fold(5).items
        assert (session.recorded.lineage, session.recorded.sequence) == (lineage, 5)
        assert session.warnings == []


def test_the_serial_grows_with_every_session_and_never_goes_back(place: str) -> None:
    serials = []
    for sequence in range(1, 4):
        with session_at(place) as session:
            serials.append(session.recorded.serial)
            session.append(entry(sequence))
        serials.append(session.recorded.serial)
    assert serials == sorted(set(serials))


@pytest.mark.fault("L01", "L20", "X01", "X10")
def test_a_holder_that_lives_keeps_others_out(place: str) -> None:
    with session_at(place, ttl_s=TTL_S), refused("lock-held", 5) as caught:
        session_at(place, ttl_s=TTL_S)
    assert "apply of" in caught.value.diagnostics[0].detail
    session_at(place).close()


@pytest.mark.fault("L12", "L13", "X06")
def test_who_was_forced_out_can_neither_call_nor_write(place: str) -> None:
    deposed = session_at(place)
    deposed.append(intent(1))
    store, address = open_place(place)
    lock_id = holder_id(store, address)
    with refused("lock-id-differs"):
        seize(store, address, "another", Wanted("unlock"), now=NOON)
    lease = seize(store, address, lock_id, Wanted("unlock"), now=NOON)
    assert lease is not None
    lease.release()
    assert seize(store, address, lock_id, Wanted("unlock"), now=NOON) is None
    with session_at(place) as successor:
        assert deposed.still_mine()  # it has not noticed yet
        with refused("intent-not-recorded") as caught:
            deposed.append(intent(2))
        assert ") has it now. " in caught.value.diagnostics[0].detail
        with refused("outcome-not-recorded") as caught:
            deposed.append(done(1))
        assert '"entry":"done"' in caught.value.diagnostics[0].detail
        deposed.close()
        assert [found.code for found in deposed.warnings] == ["state-not-saved"]
        assert successor.append(entry(2)).sequence == 2


def test_force_unlock_wins_against_a_fast_heartbeat(place: str) -> None:
    session = session_at(place, ttl_s=0.15)
    store, address = open_place(place)
    lease = seize(store, address, holder_id(store, address), Wanted("unlock"), now=NOON)
    assert lease is not None
    lease.release()
    session.close()
    assert store.get(address.lock) is None


def test_what_a_lease_of_a_later_version_promises_counts() -> None:
    holder = {**to_builtins(ourselves("apply", NOON)), "region": "eu"}
    leased = decode_leased(json.encode({"ttl_s": 600.0, "generation": 1, "holder": holder}))
    assert leased is not None
    assert (leased.ttl_s, leased.holder.command) == (600.0, "apply")


@pytest.mark.fault("L02", "P01")
def test_a_killed_holder_frees_itself_and_loses_nothing_acknowledged(shared_place: str) -> None:
    with runner("append", shared_place, str(TTL_S)) as killed:
        said = [killed.hears() for _ in range(5)] + killed.end()
        began_s = elapsed_s()
        with session_at(shared_place) as session:
            waited_s = elapsed_s() - began_s
            recorded = session.recorded
            assert [found.code for found in session.warnings] == ["previous-run-died"]
    assert waited_s >= TTL_S
    assert recorded.sequence >= int(said[-1])
    assert recorded.items == fold(recorded.sequence).items


@pytest.mark.fault("L14", "X06")
def test_a_stopped_holder_is_fenced_off_and_its_next_call_refused(shared_place: str) -> None:
    with runner("append", shared_place, str(TTL_S)) as zombie:
        zombie.hears()
        zombie.signal(signal.SIGSTOP)
        with session_at(shared_place) as session:
            length = session.recorded.sequence
            zombie.signal(signal.SIGCONT)
            said = zombie.hears_until("end")
            assert session.append(entry(length + 1)).sequence == length + 1
        assert said[-2] in {"!intent-not-recorded", "!outcome-not-recorded"}
        assert all(int(line) <= length for line in said if line.isdigit())
    with session_at(shared_place) as session:
        assert session.recorded.items == fold(length + 1).items
