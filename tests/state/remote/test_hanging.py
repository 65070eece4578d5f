"""K1, K5: a store that does not answer holds nobody for long, and costs no record."""

import asyncio
import re
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
import pytest

from reconcile.applying.apply import GroupCommit
from reconcile.errors import ReconcileError
from reconcile.state.backend import backend, load
from reconcile.state.lock import Wanted
from reconcile.state.remote import lease, postgres, stores
from reconcile.state.remote import session as session_module
from reconcile.state.remote.lease import take
from reconcile.state.remote.session import open_on
from reconcile.state.remote.stores import Bounded, RemoteAddress, Stored, StoreError, Version
from tests.postgres import installed, pooled, running_postgres
from tests.proxy import Fault, Proxy, proxied
from tests.state.acts import NOON, done, entry, fold, intent, open_at, refused
from tests.state.remote import servers
from tests.state.remote.local_stores import MemoryStore

PLACE = RemoteAddress("s3", "", "prod", "memory://prod")
_PORT = re.compile(r"127\.0\.0\.1:(\d+)")
FAULTS = [Fault.FROZEN, Fault.LOST, Fault.HALF_OPEN]
needs_postgres = pytest.mark.skipif(installed() is None, reason="PostgreSQL is not installed")


class SilentStore(MemoryStore):
    """Never answers until it is cut off."""

    def __init__(self) -> None:
        super().__init__()
        self.cut_off = threading.Event()
        self.asked_by = 0

    def get(self, key: str) -> Stored | None:
        self.asked_by = threading.get_ident()
        self.cut_off.wait(20)
        return super().get(key)

    def cut(self, thread: int) -> None:
        assert thread == self.asked_by
        self.cut_off.set()


class InterruptedStore(SilentStore):
    """Is asked in a thread that gets the Ctrl-C meant for the one that waits."""

    def get(self, key: str) -> Stored | None:
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        return super().get(key)


class CountingStore(MemoryStore):
    """Takes its time for each writing of the journal, and counts them."""

    journals = 0

    def put(self, key: str, data: bytes, version: Version | None) -> Version:
        if key.endswith(".journal"):
            self.journals += 1
            threading.Event().wait(0.02)
        return super().put(key, data, version)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Listen, take every connection, and say nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "DEADLINE_S", 1.0)
    for name in ("PATIENCE_S", "_INTENT_PATIENCE_S"):
        monkeypatch.setattr(session_module, name, 0.0)


@pytest.mark.usefixtures("quickly")
def test_a_call_without_an_answer_is_given_up_and_cut_off() -> None:
    silent = SilentStore()
    with pytest.raises(StoreError, match="cannot be used") as caught:
        Bounded(silent, PLACE.shown).get("prod")
    assert silent.cut_off.is_set()
    assert "did not answer within" in caught.value.diagnostics[0].detail
    assert caught.value.diagnostics[0].hint
    assert caught.value.passing


def test_a_ctrl_c_is_heeded_at_once_though_no_wait_is_woken_by_it() -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        pytest.skip("ignored here, as under nohup")
    asked_s = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        Bounded(InterruptedStore(), str).get("prod")
    assert time.monotonic() - asked_s < stores.DEADLINE_S / 2


def test_what_a_store_raises_comes_out_of_its_thread() -> None:
    with pytest.raises(stores.ConflictError):
        Bounded(SilentStore(), PLACE.shown).put("prod", b"data", "another")


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("url", ["s3://bucket/prod", "postgresql:///db#prod"])
def test_a_server_that_says_nothing_is_an_error(
    url: str, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent_port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(silent_port),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with refused("state-store-error"):
        load(url)


def test_a_lease_whose_holder_falls_silent_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_SHORTEST_SILENCE_S", 0.1)
    store = MemoryStore()
    held = take(store, PLACE, Wanted("apply", ttl_s=0.9), now=NOON)
    held.attended(at_work=True)
    assert take(store, PLACE, Wanted("next", ttl_s=0.9, timeout_s=30), now=NOON).id != held.id
    assert not held.still_mine()


def test_a_lease_whose_holder_gets_on_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_SHORTEST_SILENCE_S", 0.1)
    store = MemoryStore()
    held = take(store, PLACE, Wanted("apply", ttl_s=0.9), now=NOON)
    for _ in range(20):
        held.attended(at_work=True)
        threading.Event().wait(0.1)
    assert held.still_mine()
    held.release()


def test_a_dead_holder_is_waited_out_counting_down(monkeypatch: pytest.MonkeyPatch) -> None:
    # K9
    monkeypatch.setattr(lease, "_COUNTED_EVERY_S", 0.2)
    monkeypatch.setattr(lease, "_SHORTEST_SILENCE_S", 0.0)
    store, heard = MemoryStore(), list[str]()
    take(store, PLACE, Wanted("reconcile apply", ttl_s=0.9), now=NOON).attended(at_work=True)
    # It may be renewed once more before its silence is told.
    following = Wanted("next", ttl_s=0.9, timeout_s=10.0, tell=heard.append)
    take(store, PLACE, following, now=NOON)
    assert heard[0].startswith("reconcile apply of ")
    assert heard[0].endswith("it is free in 1 s.")


def test_entries_that_wait_go_in_one_write() -> None:
    """P7: and share what makes it durable."""
    store = CountingStore()
    session = open_on(store, PLACE, Wanted("apply"), now=NOON)
    before = store.journals

    async def append_all() -> None:
        async with GroupCommit(session) as ledger:
            await asyncio.gather(*(ledger.append(intent(number)) for number in range(50)))

    asyncio.run(append_all())
    assert store.journals - before <= 3
    assert session.recorded.sequence == 50
    session.close()


def test_an_outcome_is_kept_where_the_intent_beside_it_is_refused(state: Path) -> None:
    session = open_at(state)
    session.append(intent(1))
    state.with_name("prod.json.lock").unlink()

    async def append_both() -> Sequence[object]:
        async with GroupCommit(session) as ledger:
            both = (ledger.append(intent(2)), ledger.append(done(1)))
            return await asyncio.gather(*both, return_exceptions=True)

    refusal, recorded = asyncio.run(append_both())
    assert isinstance(refusal, ReconcileError)
    assert refusal.diagnostics[0].code == "intent-not-recorded"
    assert not isinstance(recorded, BaseException)
    session.close()
    assert load(str(state)).recorded.sequence == 2


def test_a_cancelled_append_is_written_and_then_cancelled(state: Path) -> None:
    async def cancel() -> None:
        async with GroupCommit(session) as ledger:

            async def append() -> None:
                await ledger.append(intent(1))
                written.append(1)
                await asyncio.sleep(10)

            task = asyncio.create_task(append())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    written: list[int] = []
    with open_at(state) as session:
        asyncio.run(cancel())
    assert written == [1]
    assert load(str(state)).recorded.sequence == 1


@pytest.fixture(scope="module")
def database() -> Iterator[Proxy]:
    with running_postgres() as server:
        port = int(server.url.rpartition(":")[2].partition("/")[0])
        with proxied(port) as proxy, pytest.MonkeyPatch.context() as patched:
            for name, value in (("HOST", "127.0.0.1"), ("PORT", proxy.port), ("USER", "reconcile")):
                patched.setenv(f"PG{name}", str(value))
            yield proxy


@needs_postgres
@pytest.mark.servers
@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("fault", FAULTS)
def test_what_was_acknowledged_survives_a_database_that_hangs(
    fault: Fault, database: Proxy
) -> None:
    url = f"postgresql:///postgres#{fault.value}"
    session = open_at(url)
    session.append(intent(1))
    database.be(fault)
    with refused("intent-not-recorded"):
        session.append(intent(2))
    session.close()
    with refused("state-store-error"):
        load(url)
    database.be(Fault.NONE)
    assert load(url).recorded.sequence in {1, 2}


@pytest.fixture(scope="module", params=["s3", "az"])
def objects(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Proxy]]:
    """Where a state is in an object store, and the proxy in front of that."""
    kind: str = request.param
    serving = {"s3": servers.moto, "az": servers.azurite}[kind]
    with ExitStack() as stack:
        try:
            settings = stack.enter_context(serving(tmp_path_factory.mktemp(kind)))
        except servers.NotInstalledError as missing:
            pytest.skip(f"{missing} is not installed")
        (port,) = {port for text in settings.values() for port in _PORT.findall(text)}
        proxy = stack.enter_context(proxied(int(port)))
        patched = stack.enter_context(pytest.MonkeyPatch.context())
        for name, text in settings.items():
            patched.setenv(name, text.replace(f":{port}", f":{proxy.port}"))
        yield f"{kind}://{servers.BUCKET}", proxy


def once_it_answers(url: str) -> int:
    """Return what is recorded. moto serves one connection at a time, the hanging ones first."""
    for _ in range(40):
        with suppress(StoreError):
            return load(url).recorded.sequence
        threading.Event().wait(0.25)
    raise AssertionError


@pytest.mark.servers
@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("fault", FAULTS)
def test_what_was_acknowledged_survives_objects_that_hang(
    fault: Fault, objects: tuple[str, Proxy]
) -> None:
    bucket, proxy = objects
    url = f"{bucket}/{fault.value}.json"
    session = open_at(url)
    session.append(intent(1))
    proxy.be(fault)
    with refused("intent-not-recorded"):
        session.append(intent(2))
    session.close()
    with refused("state-store-error"):
        load(url)
    proxy.be(Fault.NONE)
    assert once_it_answers(url) in {1, 2}


@needs_postgres
@pytest.mark.servers
@pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="PgBouncer is not installed")
def test_a_pooler_gives_each_transaction_its_own_bounds_and_no_other(
    database: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pooled(database.port) as port:
        monkeypatch.setenv("PGPORT", str(port))
        url = "postgresql:///postgres#pooled"
        assert backend(url).prove()
        with open_at(url) as session:
            for number in range(1, 6):
                session.append(entry(number))
        assert load(url).recorded.items == fold(5).items
        with psycopg.connect("dbname=postgres", autocommit=True) as other:
            assert other.execute("SHOW statement_timeout").fetchone() == ("0",)


@needs_postgres
@pytest.mark.servers
def test_a_locked_table_is_an_error_that_says_where_to_look(
    database: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounds = "SELECT set_config('statement_timeout', '8s', true)"
    monkeypatch.setattr(postgres, "_BOUNDS", f"{bounds}, set_config('lock_timeout', '200ms', true)")
    url = "postgresql:///postgres#locked"
    open_at(url).close()
    with psycopg.connect(f"port={database.port} dbname=postgres") as other:
        other.execute("LOCK TABLE reconcile_state")
        with pytest.raises(StoreError) as caught:
            load(url)
    told = caught.value.diagnostics[0]
    assert "lock timeout" in told.detail
    assert "pg_stat_activity" in str(told.hint)
