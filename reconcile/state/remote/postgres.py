"""State in one table of a PostgreSQL database. The one module that imports psycopg.

Session advisory locks are not used: they die in a transaction pooler, and outlive a dead machine
for as long as TCP does.
"""

import atexit
import logging
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import SHUT_RDWR, socket
from threading import Lock, get_ident
from time import monotonic
from typing import Any, LiteralString

import psycopg
from msgspec import Struct
from psycopg import errors, pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from reconcile.model.address import is_loopback
from reconcile.state.errors import refusal
from reconcile.state.remote import stores

# Which server may be given a password, and how it has to prove itself first. Pure.
#
# A file comes with a pull request; the password comes from the operator. So a file may say where
# the state is, but only the operator says who is given the password, and what makes a server
# trusted.

Parameters = Mapping[str, str]
"""What libpq is told, by its own keywords."""

_OF_A_FILE = frozenset(
    {
        *("host", "port", "dbname", "user", "service", "options", "application_name"),
        *("client_encoding", "connect_timeout", "target_session_attrs", "load_balance_hosts"),
    }
)
"""What a file may say: where the database is, and nothing of how its server is trusted."""

_VERIFIED = "verify-full"
_NO_READABLE_PASSWORD = "!password,!md5"  # noqa: S105 - ways to authenticate
_FIRST_WITH_REQUIRE_AUTH = 160_000


class Libpq(Struct, frozen=True, kw_only=True):
    """What is there besides the URL.

    `settings`: the environment's and the service's. `names`: the variable of each keyword.
    `loose_entry`: the password file has an entry for any host. `roots`: authorities to trust, where
    libpq would find none by itself. `version`: libpq's.
    """

    settings: Parameters
    names: Parameters
    loose_entry: bool
    roots: str | None
    version: int


def required(asked: Parameters, around: Libpq, *, url: str, said: bool) -> Parameters:
    """Return what libpq has to be told besides the URL, whose parameters are `asked`.

    `said`: the operator gave the URL, and no file. `url` is shown. Raises ReconcileError
    `state-host-unsaid`, `state-url-option`.
    """
    if not said:
        _require_plain(asked, around, url)
        _require_said_host(asked, around, url)
    told = {**around.settings, **asked}
    if _stays_here(told):
        return {}
    added = {}
    if "sslmode" not in told:
        added["sslmode"] = _VERIFIED
    mode = added.get("sslmode", told.get("sslmode"))
    if mode == _VERIFIED and "sslrootcert" not in told and around.roots is not None:
        added["sslrootcert"] = around.roots
    if "require_auth" not in told and around.version >= _FIRST_WITH_REQUIRE_AUTH:
        added["require_auth"] = _NO_READABLE_PASSWORD
    return added


def advice(words: str) -> str | None:
    """Say how the operator can ask less of a server that cannot prove itself as is required."""
    words = words.lower()
    if "authentication method requirement" in words:
        return "if the server is to see the password: export PGREQUIREAUTH=password"
    if "certificate" in words or "ssl" in words:
        return (
            "name the authority of its certificate: export PGSSLROOTCERT=/path/to/ca.pem "
            "(PGSSLMODE=require takes any certificate, PGSSLMODE=disable none)"
        )
    return None


def _require_said_host(asked: Parameters, around: Libpq, url: str) -> None:
    """Refuse a host that only a file names where there is a password that belongs to no host."""
    host, settings = asked.get("host"), around.settings
    # A service has a host of its own, and its password belongs to that.
    loose = "password" in settings or around.loose_entry or "service" in asked
    if host is None or not loose or _hosts(host) <= _hosts(settings.get("host", "")):
        return
    raise refusal(
        "state-host-unsaid",
        f"The file's state URL names {host}, but the password that is set (PGPASSWORD, a service, "
        "or an entry of the password file for any host) is not bound to that host. Whoever can "
        "change the file would be sent the password, so no connection was made.",
        path=url,
        hint=f"if that host is yours: export PGHOST={shlex.quote(host)}",
    )


def _require_plain(asked: Parameters, around: Libpq, url: str) -> None:
    """Refuse to let a file choose how the server is trusted, unless that changes nothing."""
    for keyword, value in asked.items():
        strict = keyword == "sslmode" and value == _VERIFIED
        if keyword in _OF_A_FILE or strict or around.settings.get(keyword) == value:
            continue
        name = around.names.get(keyword)
        raise refusal(
            "state-url-option",
            f"The file's state URL sets {keyword}, which only the operator may do, because it can "
            "weaken how the server proves itself or decide what it is sent.",
            path=url,
            hint="Take it out of the URL"
            if name is None
            else f"export {name}={shlex.quote(value)}",
        )


def _stays_here(told: Parameters) -> bool:
    """Tell whether nothing leaves the machine: a socket, or loopback alone."""
    address = told.get("hostaddr") or told.get("host", "")
    return all(map(_is_here, _hosts(address)))


def _hosts(text: str) -> frozenset[str]:
    return frozenset(host.strip().lower() for host in text.split(","))


def _is_here(host: str) -> bool:
    return not host or host.startswith(("/", "@")) or is_loopback(host)


# One table, and a connection for each thread that uses it.

Connection = psycopg.Connection[tuple[Any, ...]]

_environment = Lock()
_SERVICE = "PGSERVICE"
_UNSAID_MODE = "prefer"
_LARGEST_PASSFILE = 1 << 20
_ROOTS = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Red Hat
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # macOS, BSD
)

_SETUP = (
    # CREATE ... IF NOT EXISTS races with itself; the lock is let go with the transaction.
    "SELECT pg_advisory_xact_lock(hashtext('reconcile_state'))",
    "CREATE SEQUENCE IF NOT EXISTS reconcile_state_version",
    (
        "CREATE TABLE IF NOT EXISTS reconcile_state"
        " (key text PRIMARY KEY, version bigint NOT NULL, data bytea NOT NULL)"
    ),
)
# From a sequence: a row that is made anew must never have a version that some earlier one had.
_CREATE = (
    "INSERT INTO reconcile_state (key, version, data)"
    " VALUES (%s, nextval('reconcile_state_version'), %s)"
    " ON CONFLICT DO NOTHING RETURNING version"
)
_UPDATE = (
    "UPDATE reconcile_state SET data = %s, version = nextval('reconcile_state_version')"
    " WHERE key = %s AND version = %s RETURNING version"
)
_READ = "SELECT key, version, data FROM reconcile_state WHERE key = ANY(%s)"
_DELETE = "DELETE FROM reconcile_state WHERE key = %s AND version = %s RETURNING version"
_BOUNDS = (
    "SELECT set_config('statement_timeout', '8s', true), set_config('lock_timeout', '4s', true),"
    " set_config('idle_in_transaction_session_timeout', '8s', true)"
)
"""Below our own deadline, so that the server says why, and lets go of what it locked."""
_LATE = (errors.LockNotAvailable, errors.QueryCanceled)
_IS_LOCKED = (
    "see who holds a lock on the table reconcile_state: "
    "SELECT pid, query FROM pg_stat_activity WHERE state <> 'idle'"
)
_FINAL = (
    errors.InsufficientPrivilege,
    errors.InvalidAuthorizationSpecification,
    errors.InvalidPassword,
    errors.InvalidCatalogName,
    psycopg.ProgrammingError,
)


def open_at(address: stores.RemoteAddress) -> stores.RawStore:
    """Open the database of an address; libpq finds what the URL does not say.

    Raises ReconcileError before any connection: see `guarded`.
    """
    # What fails is raised and told once; the driver would print its own line beside it.
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)
    conninfo = _recent.of(
        address, lambda: guarded(address.place, shown=address.url, said=address.said)
    )
    return PostgresStore(address, conninfo)


_recent = stores.RecentPlaces[str]()


def guarded(url: str, *, shown: str, said: bool) -> str:
    """Return a connection string that sends a password only where the operator wants it.

    `said`: the operator gave the URL, and no file. `shown` names it to people. Raises
    ReconcileError: see `required`, and `state-url` if libpq cannot read it.
    """
    try:
        asked = {key: str(value) for key, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:
        why = "State cannot be kept there: PostgreSQL's own library cannot read the URL."
        raise refusal("state-url", why, path=shown) from None
    added = required(asked, _surroundings(asked.get("service")), url=shown, said=said)
    return make_conninfo(url, **added)


def _surroundings(service: str | None) -> Libpq:
    """Look at what libpq would find by itself: environment, service and files of this account."""
    with _environment, _set(_SERVICE, service):
        defaults = pq.Conninfo.get_defaults()
    names = {o.keyword.decode(): o.envvar.decode() for o in defaults if o.envvar}
    settings = {o.keyword.decode(): o.val.decode() for o in defaults if o.val}
    if settings.get("sslmode") == _UNSAID_MODE and "PGSSLMODE" not in os.environ:
        del settings["sslmode"]
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() fails without one
    entries = _text(Path(settings.get("passfile") or home / ".pgpass")).splitlines()
    own_roots = (home / ".postgresql" / "root.crt").exists()
    return Libpq(
        settings=settings,
        names=names,
        loose_entry=any(entry.startswith("*:") for entry in entries),
        roots=None if own_roots else _roots(),
        version=pq.version(),
    )


def _roots() -> str:
    """Find the system's authorities; libpq of a wheel looks where its makers had theirs."""
    found = [os.environ.get("SSL_CERT_FILE"), *_ROOTS]
    return next((path for path in found if path and Path(path).is_file()), "system")


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_LARGEST_PASSFILE)
    except OSError:
        return ""


@contextmanager
def _set(name: str, value: str | None) -> Iterator[None]:
    """Set a variable of the environment for a moment; libpq looks a service up by nothing else."""
    before = os.environ.get(name)
    if value is not None:
        os.environ[name] = value
    try:
        yield
    finally:
        if before is not None:
            os.environ[name] = before
        elif value is not None:
            del os.environ[name]


class _Idle:
    """Connections that nobody uses, for a few seconds: a session opens soon after a look.

    Each is known by what it was made with, the environment included.
    """

    def __init__(self) -> None:
        self._guard = Lock()
        self._kept: dict[tuple[str, ...], list[tuple[float, Connection]]] = {}
        os.register_at_fork(after_in_child=self._forget)
        atexit.register(self.close_all)

    def taken(self, made_with: tuple[str, ...]) -> Connection | None:
        """Return one, no longer kept here; None if there is none."""
        with self._guard:
            self._close_old()
            kept = self._kept.get(made_with)
            return kept.pop()[1] if kept else None

    def keep(self, made_with: tuple[str, ...], connection: Connection) -> None:
        """Keep one for a while."""
        with self._guard:
            self._kept.setdefault(made_with, []).append((monotonic(), connection))
            self._close_old()

    def close_all(self) -> None:
        """Close what is kept, however young it is."""
        with self._guard:
            self._close_old(monotonic())

    def _forget(self) -> None:
        """Leave them to the process this one was forked from, and the lock to its threads."""
        self._guard, self._kept = Lock(), {}

    def _close_old(self, since: float | None = None) -> None:
        since = monotonic() - _IDLE_S if since is None else since
        for made_with, kept in list(self._kept.items()):
            for _, connection in (one for one in kept if one[0] < since):
                connection.close()
            self._kept[made_with] = [one for one in kept if one[0] >= since]


def _made_with(conninfo: str) -> tuple[str, ...]:
    said = (f"{name}={value}" for name, value in os.environ.items() if name.startswith("PG"))
    return conninfo, *sorted(said)


_IDLE_S = 10.0
_idle = _Idle()


class PostgresStore:
    """Rows of one table, each with a version. Its connections are lent to one call at a time."""

    def __init__(self, address: stores.RemoteAddress, conninfo: str) -> None:
        self._address = address
        self._conninfo, self._made_with = conninfo, _made_with(conninfo)
        self._guard = Lock()
        self._asking: dict[int, Connection | None] = {}

    def get_all(self, keys: Sequence[str]) -> Sequence[stores.Stored | None]:
        """Return objects as they were at one moment; there are none before there is a table."""
        with self._connected(keys[-1]) as connection:
            try:
                with _bounded(connection):
                    cursor = connection.execute(_READ, (list(keys),))
                rows = cursor.fetchall()
            except errors.UndefinedTable:
                rows = []
        found = {row[0]: stores.Stored(bytes(row[2]), str(row[1])) for row in rows}
        return [found.get(key) for key in keys]

    def put_all(self, writes: Sequence[stores.Writing]) -> Sequence[stores.Version | None]:
        """Write objects in one transaction: all, or none. Raises ConflictError, StoreError."""
        with self._connected(writes[0].key) as connection:
            try:
                return self._written(connection, writes)
            except errors.UndefinedTable:
                _set_up(connection)
                return self._written(connection, writes)

    def _written(
        self, connection: Connection, writes: Sequence[stores.Writing]
    ) -> list[stores.Version | None]:
        several = len(writes) > 1
        cursors = [connection.cursor() for _ in writes]
        with suppress(errors.DivisionByZero), _bounded(connection):
            for write, cursor in zip(writes, cursors, strict=True):
                query, parameters = _statement(*write)
                cursor.execute(_required(query) if several else query, parameters)
        versions: list[stores.Version | None] = []
        for write, cursor in zip(writes, cursors, strict=True):
            # Of those that were refused together, the first without a row is why.
            row = cursor.fetchone() if cursor.rowcount > 0 else None
            if row is None:
                raise stores.ConflictError(self._address.shown(write.key))
            versions.append(None if write.data is None else str(row[0]))
        return versions

    def cut(self, thread: int) -> None:
        """Close the socket that a thread waits at."""
        with self._guard:
            connection = self._asking.pop(thread, None)
        if connection is not None:
            # Not by libpq, which is in the other thread's hands; it finds the line dead.
            with suppress(OSError, psycopg.Error):
                line = socket(fileno=os.dup(connection.fileno()))
                with line:
                    line.shutdown(SHUT_RDWR)

    @contextmanager
    def _connected(self, key: str) -> Iterator[Connection]:
        try:
            connection = self._lent()
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            finally:
                with self._guard:
                    given_up = self._asking.pop(get_ident(), None) is None
                if given_up:
                    connection.close()
                elif not connection.closed:
                    _idle.keep(self._made_with, connection)
        except psycopg.Error as error:
            passing = not isinstance(error, _FINAL)
            words = stores.plain_words(error)
            hint = _IS_LOCKED if isinstance(error, _LATE) else advice(words)
            raise stores.StoreError(
                self._address.shown(key), words, passing=passing, hint=hint
            ) from None

    def _lent(self) -> Connection:
        me = get_ident()
        with self._guard:
            self._asking[me] = None
        connection = _idle.taken(self._made_with) or _connect(self._conninfo)
        with self._guard:
            given_up = me not in self._asking
            if not given_up:
                self._asking[me] = connection
        if given_up:
            # Nobody waits for it any more, and nobody is to be surprised by it.
            connection.close()
            raise psycopg.OperationalError("the connection took too long")
        return connection


async def try_out(conninfo: str, **options: Any) -> str | None:
    """Connect once, and say why that cannot be, which a pool of connections never does."""
    try:
        connection = await psycopg.AsyncConnection.connect(conninfo, **options)
    except psycopg.Error as error:
        return stores.plain_words(error)
    await connection.close()
    return None


def _connect(conninfo: str) -> Connection:
    return psycopg.connect(
        conninfo,
        autocommit=True,
        connect_timeout=5,
        tcp_user_timeout=10_000,
        # Of a machine that is gone nothing else tells who waits for its answer.
        keepalives_idle=5,
        keepalives_interval=5,
        # A pooler may give every statement another session.
        prepare_threshold=None,
        application_name="reconcile",
    )


@contextmanager
def _bounded(connection: Connection) -> Iterator[None]:
    """Run statements in one transaction that the server itself bounds, on one way there and back.

    The bounds are the transaction's, not the session's: behind a pooler the next transaction may
    be somebody else's, or ours on another session. What goes in one pipeline is one transaction,
    which ends with it.
    """
    with connection.pipeline():
        connection.execute(_BOUNDS)
        yield


def _set_up(connection: Connection) -> None:
    with connection.transaction():
        for statement in (_BOUNDS, *_SETUP):
            connection.execute(statement)


def _required(query: LiteralString) -> LiteralString:
    """Have a statement fail that writes no row, and with it all that goes on the same way."""
    counted: LiteralString = (
        "SELECT (SELECT version FROM written), 1 / (SELECT count(*) FROM written)"
    )
    return f"WITH written AS ({query}) {counted}"


def _statement(
    key: str, data: bytes | None, version: stores.Version | None
) -> tuple[LiteralString, Sequence[object]]:
    """Return what writes an object; it gives one row, unless that is of another version."""
    if version is None:
        return _CREATE, (key, data)
    return (_DELETE, (key, int(version))) if data is None else (_UPDATE, (data, key, int(version)))
