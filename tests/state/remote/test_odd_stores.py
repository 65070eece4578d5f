from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reconcile.model.journal import Accepted
from reconcile.state.backend import open_session
from reconcile.state.lock import Wanted
from reconcile.state.mend import migrate
from reconcile.state.remote.lease import take
from reconcile.state.remote.session import RemoteSession, fold, open_on, read
from reconcile.state.remote.stores import RemoteAddress, Store, elapsed_s, prove
from tests.state.acts import NOON, SALES, done, entry, intent, refused
from tests.state.acts import fold as folded
from tests.state.remote.careless_server import careless_server
from tests.state.remote.local_stores import MemoryStore
from tests.state.remote.odd_stores import CarelessStore, FailingStore, LossyStore, SlowStore

ADDRESS = RemoteAddress("s3", "bucket", "prod.json", "s3://bucket/prod.json")


def open_in(store: Store) -> RemoteSession:
    return open_on(store, ADDRESS, Wanted("apply"), now=NOON)


@pytest.mark.fault("L15")
@pytest.mark.parametrize(
    ("store", "why"),
    [
        (CarelessStore(creates=True, updates=True), "created an object that was there"),
        (CarelessStore(creates=False, updates=True), "took a stale update"),
    ],
)
def test_a_store_that_overwrites_is_refused_before_anything_is_kept_there(
    store: Store, why: str
) -> None:
    with refused("state-store-unsafe") as caught:
        prove(store, ADDRESS)
    assert why in caught.value.diagnostics[0].detail
    with refused("state-store-unsafe"):
        open_in(store)
    assert store.get(ADDRESS.key) is None


@pytest.mark.fault("L15")
def test_no_state_is_moved_to_a_store_that_overwrites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = str(tmp_path / "local.json")
    with open_session(local, command="apply", lock_timeout_s=0.0, now=NOON) as session:
        session.append(entry(1))
    with careless_server() as (environment, objects):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with refused("state-store-unsafe"):
            migrate(local, "s3://bucket/prod.json", now=NOON)
    assert "/bucket/prod.json" not in objects


def test_first_sessions_at_once_do_not_take_each_other_for_faults_of_the_store() -> None:
    store = SlowStore()

    def come_and_go(_: int) -> int:
        wanted = Wanted("apply", ttl_s=1.5, timeout_s=60)
        with open_on(store, ADDRESS, wanted, now=NOON) as session:
            return session.append(entry(session.recorded.sequence + 1)).sequence

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(come_and_go, range(4))) == [1, 2, 3, 4]


@pytest.mark.fault("L14")
def test_a_renewal_known_of_late_counts_from_when_it_was_written() -> None:
    store = MemoryStore()
    wanted = Wanted("apply", ttl_s=1.5, timeout_s=60)
    held = take(FailingStore(store, late_s=0.75), ADDRESS, wanted, now=NOON)
    successor = take(store, ADDRESS, wanted, now=NOON)
    trusted = held.still_mine()
    successor.release()
    held.release()
    assert not trusted


@pytest.mark.fault("L16", "L17")
def test_an_acknowledgement_lost_on_the_way_is_no_conflict() -> None:
    store = LossyStore()
    open_in(store).close()
    store.lose(1)
    session = open_in(store)
    for sequence in range(1, 4):
        store.lose(1)
        session.append(entry(sequence))
    store.lose(1)
    session.close()
    assert fold(ADDRESS, read(store, ADDRESS)).recorded.items == folded(3).items
    open_in(store).close()


def test_what_cannot_be_written_down_is_told_with_its_lines_and_no_more_is_taken() -> None:
    store = LossyStore()
    session = open_in(store)
    session.append(intent(1))
    store.away = True
    with refused("intent-not-recorded") as caught:
        session.append(intent(2))
    assert caught.value.diagnostics[0].detail.count(ADDRESS.url) == 1
    with refused("outcome-not-recorded") as caught:
        session.append(done(1))
    assert '"entry":"done"' in caught.value.diagnostics[0].detail
    store.away = False
    session.close()
    assert [found.code for found in session.warnings] == ["state-not-saved"]
    assert fold(ADDRESS, read(store, ADDRESS)).recorded.sequence == 1


def test_a_lost_end_of_a_job_on_record_asks_nothing_of_anybody() -> None:
    store = LossyStore()
    session = open_in(store)
    session.append(intent(1), Accepted(NOON, "operation-1", "job"))
    store.away = True
    with refused("outcome-not-recorded") as caught:
        session.append(done(1))
    told = caught.value.diagnostics[0]
    assert f"The next run looks again at the job of {SALES}." in told.detail
    assert told.hint is None


def test_a_lost_end_of_a_job_is_unknown_where_its_record_may_be_lost_too() -> None:
    store = LossyStore()
    session = open_in(store)
    session.append(intent(1), Accepted(NOON, "operation-1", "job"))
    there = store.get(ADDRESS.journal)
    assert there is not None
    store.put(ADDRESS.journal, b"put back", there.version)
    with refused("outcome-not-recorded") as caught:
        session.append(done(1))
    assert f"reconcile state mark {SALES} --done" in (caught.value.diagnostics[0].hint or "")


def test_a_lease_let_go_while_its_store_was_away_keeps_out_others_and_not_its_own_process() -> None:
    store = LossyStore()
    session = open_in(store)
    store.away = True
    session.close()
    store.away = False
    assert store.get(ADDRESS.lock) is not None
    began_s = elapsed_s()
    with open_in(store) as again:
        assert again.warnings == []  # nobody died
    assert elapsed_s() - began_s < 5


@pytest.mark.fault("S21")
def test_a_state_changed_by_hand_under_the_lease_is_not_overwritten() -> None:
    store = LossyStore()
    session = open_in(store)
    session.append(entry(1))
    there = store.get(ADDRESS.key)
    assert there is not None
    store.put(ADDRESS.key, b"by hand", there.version)
    with refused("state-replaced"):
        session.close()
    assert [found.data for found in [store.get(ADDRESS.key)] if found] == [b"by hand"]
    assert store.get(f"{ADDRESS.key}.rescued-1") is not None
