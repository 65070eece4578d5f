import pytest

from reconcile.state.remote.address import RemoteAddress
from reconcile.state.remote.contents import fold, read
from reconcile.state.remote.proving import prove
from reconcile.state.remote.session import RemoteSession, open_on
from reconcile.state.remote.store import Store
from reconcile.state.remote.taking import Wanted
from tests.state.acts import NOON, done, entry, intent, refused
from tests.state.acts import fold as folded
from tests.state.remote.odd_stores import CarelessStore, LossyStore

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
    with refused("intent-not-recorded"):
        session.append(intent(2))
    with refused("outcome-not-recorded") as caught:
        session.append(done(1))
    assert '"entry":"done"' in caught.value.diagnostics[0].detail
    store.away = False
    session.close()
    assert [found.code for found in session.warnings] == ["state-not-saved"]
    assert fold(ADDRESS, read(store, ADDRESS)).recorded.sequence == 1


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
