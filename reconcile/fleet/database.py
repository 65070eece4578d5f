"""The fleet's database: one row for each instance, the queue that hands them out, their tables.

The one module that knows the engine: Procrastinate, which keeps its jobs in Postgres.
"""

import asyncio
import logging
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Mapping,
)
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any, LiteralString, Protocol
from weakref import WeakKeyDictionary

from msgspec import Struct, convert
from procrastinate import App, PsycopgConnector
from procrastinate.connector import BaseAsyncConnector
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.schema import SchemaManager
from psycopg_pool import AsyncConnectionPool

from reconcile.clock import wall_clock
from reconcile.config.fleet import Fleet, FleetMember, Hold, Seat
from reconcile.errors import ReconcileError, fail
from reconcile.model.address import OperatorUrl
from reconcile.state.remote.postgres import advice, guarded, try_out
from reconcile.state.remote.stores import plain_words

# What every worker knows of every instance: one row each, in the database of the fleet.
#
# It decides nothing about calls: what was done is in each instance's state. Should it be lost,
# every instance is looked at once more, and nothing is sent twice.

_SELECT: LiteralString = "SELECT * FROM reconcile_seats"
_SELECT_ONE: LiteralString = "SELECT * FROM reconcile_seats WHERE instance = %(instance)s"
_SELECT_DUE: LiteralString = """
SELECT * FROM reconcile_seats
WHERE (wake_at <= %(now)s AND NOT (held AND (held_until IS NULL OR held_until > %(now)s)))
   OR instance = ANY(%(names)s::text[])
"""
_RECORD: LiteralString = """
INSERT INTO reconcile_seats
  (instance, wake_at, content, ran_at, took_s, failures, outcome, trouble, worker, place)
VALUES (%(instance)s, %(wake_at)s, %(content)s, %(ran_at)s, %(took_s)s, %(failures)s,
        %(outcome)s, %(trouble)s, %(worker)s, %(place)s)
ON CONFLICT (instance) DO UPDATE SET
  wake_at = EXCLUDED.wake_at, content = EXCLUDED.content, ran_at = EXCLUDED.ran_at,
  took_s = EXCLUDED.took_s, failures = EXCLUDED.failures, outcome = EXCLUDED.outcome,
  trouble = EXCLUDED.trouble, worker = EXCLUDED.worker, place = EXCLUDED.place
WHERE %(whatever)s OR reconcile_seats.ran_at IS NOT DISTINCT FROM %(known)s::timestamptz
"""
# By the database's clock, and in one order: two who do this at once must not block each other.
_MEET: LiteralString = """
INSERT INTO reconcile_seats (instance, wake_at)
SELECT name, now() FROM unnest(%(names)s::text[]) AS new (name) ORDER BY name
ON CONFLICT (instance) DO UPDATE SET wake_at = now()
WHERE reconcile_seats.wake_at IS NULL AND reconcile_seats.ran_at IS NULL
"""
_HOLD: LiteralString = """
INSERT INTO reconcile_seats (instance, held, held_until, held_reason)
VALUES (%(instance)s, true, %(until)s, %(reason)s)
ON CONFLICT (instance) DO UPDATE SET
  held = true, held_until = EXCLUDED.held_until, held_reason = EXCLUDED.held_reason
"""
_WAKE: LiteralString = """
UPDATE reconcile_seats SET wake_at = %(at)s
WHERE instance = %(instance)s AND (wake_at IS NULL OR wake_at > %(at)s)
"""
_LIFT: LiteralString = """
UPDATE reconcile_seats
SET held = false, held_until = NULL, held_reason = '', place = NULL, wake_at = least(wake_at, now())
WHERE instance = %(instance)s
"""


class Database(Protocol):
    """Queries, as the connector of the queue offers them."""

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        """Run a statement."""

    async def execute_query_all_async(
        self, query: LiteralString, **arguments: Any
    ) -> list[dict[str, Any]]:
        """Run a query and return its rows."""


class Roster:
    """The rows. Every method raises what the database raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Mapping[str, Seat]:
        """Return what is known, by the name of the instance."""
        rows = await self._database.execute_query_all_async(_SELECT)
        return {row["instance"]: _seat(row) for row in rows}

    async def meet(self, names: Collection[str]) -> Mapping[str, Seat]:
        """Return what is known, of these at least since when they wait for their first run."""
        seats = await self.load()
        if new := [name for name in names if name not in seats or seats[name].is_new]:
            await self._database.execute_query_async(_MEET, names=new)
            seats = await self.load()
        return seats

    async def load_due(self, now: datetime, names: Collection[str]) -> Mapping[str, Seat]:
        """Return what is known of those whose time has come at `now` (UTC), and of these."""
        rows = await self._database.execute_query_all_async(_SELECT_DUE, now=now, names=list(names))
        return {row["instance"]: _seat(row) for row in rows}

    async def load_one(self, instance: str) -> Seat | None:
        """Return what is known of one instance."""
        rows = await self._database.execute_query_all_async(_SELECT_ONE, instance=instance)
        return _seat(rows[0]) if rows else None

    async def record(self, seat: Seat, *, known: datetime | None, whatever: bool) -> None:
        """Keep what a run came to. Leaves a pause alone: it may have been set meanwhile.

        Unless `whatever`, only if no run has been recorded since the one that ended at `known`
        (UTC): a worker that was taken for dead would spoil what its successor knows.
        """
        await self._database.execute_query_async(
            _RECORD,
            instance=seat.instance,
            wake_at=seat.wake_at,
            content=seat.content,
            ran_at=seat.ran_at,
            took_s=seat.took_s,
            failures=seat.failures,
            outcome=seat.outcome,
            trouble=seat.trouble and _storable(seat.trouble),
            worker=seat.worker and _storable(seat.worker),
            place=seat.place,
            known=known,
            whatever=whatever,
        )

    async def hold(self, instance: str, until: datetime | None, reason: str) -> None:
        """Pause an instance until an instant (UTC), or until it is lifted."""
        await self._database.execute_query_async(
            _HOLD, instance=instance, until=until, reason=_storable(reason)
        )

    async def wake(self, instance: str, at: datetime) -> None:
        """Have an instance reconciled from `at` (UTC) on. A run under way may overwrite that."""
        await self._database.execute_query_async(_WAKE, instance=instance, at=at)

    async def lift(self, instance: str) -> None:
        """End a pause, and have whoever declares the instance look at it, wherever its state is."""
        await self._database.execute_query_async(_LIFT, instance=instance)


def _storable(text: str) -> str:
    """Leave out what PostgreSQL refuses: NUL, and half a surrogate pair, as in a name of a file."""
    return text.replace("\0", " ").encode(errors="replace").decode()


def _seat(row: Mapping[str, Any]) -> Seat:
    hold = Hold(until=row["held_until"], reason=row["held_reason"]) if row["held"] else None
    return convert({**row, "hold": hold}, Seat)


# The one place that knows the engine: Procrastinate, which keeps its jobs in Postgres.
#
# It decides who does what, and notices workers that died. It does not decide what is sent: a job
# says only which instance to look at, its body is safe to run twice, and the lease on the
# instance's state keeps out a worker that was taken for dead and was not.

_TASK = "reconcile-instance"
# One statement for all, which the engine's own way is only for jobs of one lock. Who waits already
# will do what has fallen due since, too, and who is being reconciled is judged once that is over.
# Two that queued the same at once could block each other: one of them leaves it to its next look.
# Nothing is queued for later, but by a worker whose clock is ahead.
# Who declares other instances has a queue and locks of its own: a job that only others know would
# end where it is not known, and one that nobody knows any more would hold a credential for ever.
_ENQUEUE: LiteralString = """
WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(hashtext('reconcile_look')) AS ours)
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args)
SELECT %(queue)s::text, %(task)s, %(queue)s::text || ' credential ' || credential,
       'instance ' || name, jsonb_build_object('instance', name)
FROM turn, unnest(%(names)s::text[], %(credentials)s::text[])
  WITH ORDINALITY AS due (name, credential, place)
WHERE turn.ours AND NOT EXISTS (
  SELECT FROM procrastinate_jobs
  WHERE status = 'doing' AND queueing_lock = 'instance ' || name
)
ORDER BY place
ON CONFLICT (queueing_lock) WHERE status = 'todo' DO UPDATE
SET scheduled_at = NULL, queue_name = EXCLUDED.queue_name, lock = EXCLUDED.lock
WHERE procrastinate_jobs.scheduled_at > now()
   OR procrastinate_jobs.queue_name <> EXCLUDED.queue_name
"""

# Nobody is told by the engine that the lock of a job is free again, so whoever waits for it would
# wait for the next time that somebody asks for work. Who waits is no condition of the statement:
# a join that begins with them would end none where there are none.
_FINISH: LiteralString = """
WITH job AS MATERIALIZED (SELECT lock FROM procrastinate_jobs WHERE id = %(job_id)s),
ended AS MATERIALIZED (
  SELECT lock, procrastinate_finish_job_v1(%(job_id)s, %(status)s, %(delete_job)s) FROM job
)
SELECT CASE
  WHEN EXISTS (SELECT FROM procrastinate_jobs AS j WHERE j.status = 'todo' AND j.lock = ended.lock)
  THEN pg_notify('procrastinate_any_queue_v1', '{"type": "job_inserted", "job_id": 0}')
END
FROM ended
"""


class _Jobs(JobManager):
    """The engine's jobs; the end of one is told to those that wait for the same credential."""

    def __init__(self, connector: BaseAsyncConnector, queue: Callable[[], str]) -> None:
        super().__init__(connector)
        self._queue = queue

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:  # noqa: ARG002 -- the engine's
        return await super().fetch_job([self._queue()], worker_id)

    async def finish_job_by_id_async(self, job_id: int, status: Status, delete_job: bool) -> None:  # noqa: FBT001 -- the engine's
        await self.connector.execute_query_async(
            _FINISH, job_id=job_id, status=status.value, delete_job=delete_job
        )


_AT_ONCE = datetime.min.replace(tzinfo=UTC)
"""By any clock: the database's judges whether the time of a job has come, and ours may be ahead."""

_HOURS_KEPT = 24
_RESCUES_A_SILENCE = 3


class Duties(Struct, frozen=True):
    """What a worker does: find out which instances are due, and reconcile one of its `queue`."""

    due: Callable[[], Awaitable[Iterable[FleetMember]]]
    reconcile: Callable[[str], Awaitable[None]]
    queue: Callable[[], str]


async def beside(*works: Coroutine[None, None, None]) -> None:
    """Do all of these until the first ends, and end the others; raises what that one raises."""
    tasks = [asyncio.create_task(each) for each in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
    finally:
        # Each ends what it has begun first.
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


_STRUCK_OFF = "ForeignKeyViolation"
"""What PostgreSQL says where a worker that is not on the list asks for a job."""


async def work(
    connector: BaseAsyncConnector,
    fleet: Fleet,
    duties: Duties,
    *,
    name: str,
    concurrency: int,
    stop_within_s: float,
) -> None:
    """Do the duties until a signal or a lost database ends it. Raises what the database raises.

    Every worker looks and rescues by itself. The engine's periodic tasks go by the wall clock: set
    back, they come to rest, and set forward, each tick that was skipped is made up.
    """
    app = App(connector=connector)
    app.job_manager = _Jobs(connector, duties.queue)

    @app.task(name=_TASK)
    async def reconcile_instance(instance: str) -> None:
        await duties.reconcile(instance)

    asyncio.get_running_loop().set_exception_handler(_told_elsewhere)
    await beside(
        _hand_out(app, fleet, name, concurrency, stop_within_s),
        _again(fleet.look_every_s, lambda: _look(app, duties)),
        _again(fleet.silent_after_s / _RESCUES_A_SILENCE, lambda: _rescue(app, fleet)),
    )


async def _again(every_s: float, act: Callable[[], Awaitable[None]]) -> None:
    """Act for ever, at the instants that the interval divides: what is due at one is seen at it.

    Only the phase is the wall clock's, so nobody waits longer where that is set.
    """
    while True:
        await act()
        await asyncio.sleep(every_s - wall_clock().timestamp() % every_s)


async def _look(app: App, duties: Duties) -> None:
    if due := list(await duties.due()):
        await app.connector.execute_query_async(
            _ENQUEUE,
            task=_TASK,
            queue=duties.queue(),
            names=[member.name for member in due],
            credentials=[member.credential for member in due],
        )


async def _hand_out(
    app: App, fleet: Fleet, name: str, concurrency: int, stop_within_s: float
) -> None:
    while True:
        try:
            await app.run_worker_async(
                name=name,
                concurrency=concurrency,
                delete_jobs="successful",
                fetch_job_polling_interval=fleet.look_every_s,
                update_heartbeat_interval=fleet.silent_after_s / 3,
                stalled_worker_timeout=fleet.silent_after_s,
                shutdown_graceful_timeout=stop_within_s,
                install_signal_handlers=False,
            )
        except ConnectorException as error:
            # The others took a worker that was suspended for dead, and struck it off the list of
            # those that may take jobs. It is alive: it enters itself anew.
            if type(error.__cause__).__name__ != _STRUCK_OFF:
                raise
        else:
            return


def _told_elsewhere(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Pass over the end of a job that could not be written, which the engine lets fall.

    Another worker has the job by now, or the database is gone, and the worker ends of that.
    """
    if not isinstance(context.get("exception"), ConnectorException):
        loop.default_exception_handler(context)


async def _rescue(app: App, fleet: Fleet) -> None:
    """Let other workers have the jobs of those that fell silent.

    Where the instance is queued anew already the two would clash, so the old job is closed instead:
    the new one does what it would have done.
    """
    manager = app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=fleet.silent_after_s):
        with suppress(ConnectorException):  # Another worker has rescued it meanwhile.
            try:
                await manager.retry_job(job, retry_at=_AT_ONCE)
            except UniqueViolation:
                await manager.finish_job(job, status=Status.FAILED, delete_job=False)
    await manager.delete_old_jobs(
        _HOURS_KEPT, include_failed=True, include_cancelled=True, include_aborted=True
    )


# The fleet's database, opened, and told of plainly when it is gone.

_MOST_CONNECTIONS = 8
_PATIENCE_S = 10.0
_NOTICING = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "tcp_user_timeout": 10_000,
}
"""A worker waits for notifications, and would for hours from a machine that is gone."""


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[BaseAsyncConnector]:
    """Hold connections to a Postgres.

    Raises ReconcileError `fleet-database-lost` if it cannot be reached, then or later,
    `fleet-database-refused` if it does not do what it is asked, and those of `guarded` if the
    password would go where only a file says.
    """
    # What the engine has to say is for those who look after the engine; a lost database is ours.
    for name in ("procrastinate", "psycopg"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    conninfo = guarded(url, shown="[fleet] database", said=isinstance(url, OperatorUrl))
    connector = PsycopgConnector(
        pool_factory=_pool,
        conninfo=conninfo,
        min_size=0,
        max_size=_MOST_CONNECTIONS,
        timeout=_PATIENCE_S,
        kwargs=_NOTICING,
    )
    try:
        async with asyncio.timeout(_PATIENCE_S):
            words = await try_out(conninfo, **_NOTICING)
    except TimeoutError:
        raise database_silent(_PATIENCE_S) from None
    if words is not None:
        why = words.partition(" Is the server running")[0]  # The driver asks whoever reads it.
        raise database_lost(f"{why[:1].upper()}{why[1:].rstrip('.')}.", advice(words))
    try:
        await connector.open_async()
        try:
            yield connector
        finally:
            await connector.close_async()
    except ConnectorException as error:
        raise _refused(error.__cause__ or error) from None


_SEEN_FOR_S = 5.0
_seen_alive: WeakKeyDictionary[Any, float] = WeakKeyDictionary()


def _pool(**arguments: Any) -> AsyncConnectionPool:
    """Make a pool as the engine does, but for what it would ask around each query.

    All that is asked is one statement, which needs no BEGIN before it and no COMMIT after.
    """
    return AsyncConnectionPool(
        **arguments | {"check": _see_alive, "configure": _without_transactions}
    )


async def _without_transactions(connection: Any) -> None:
    await connection.set_autocommit(True)


async def _see_alive(connection: Any) -> None:
    """Ask a connection whether it lives, unless it has just said so: asking is half of a query."""
    now_s = monotonic()
    if now_s - _seen_alive.get(connection, -inf) > _SEEN_FOR_S:
        await AsyncConnectionPool.check_connection(connection)
        _seen_alive[connection] = now_s


def database_silent(for_s: float) -> ReconcileError:
    """Say that the database does not answer."""
    return database_lost(f"It said nothing for {for_s:.0f} s.")


def database_lost(why: str, hint: str | None = None) -> ReconcileError:
    """Say that the database is gone."""
    return fail(
        "fleet-database-lost",
        f"{why} Nothing is lost: what was done is "
        "in the instances' own states, and the next worker goes on from there.",
        hint=hint or "Look at the database, then start the worker again; a supervisor does that.",
    )


_MIGRATE = "Stop the fleet's workers, then: reconcile fleet migrate"
_POOLED = "Go past the pooler, or have it give each client a session of its own (session pooling)."
_MENDS = {
    "42501": "Let the tables belong to the role that connects, or grant it ALL on each.",
    "42P01": _MIGRATE,
    "42883": _MIGRATE,
    "25006": "Let the URL name the primary, such as with ?target_session_attrs=read-write",
    "42P05": _POOLED,
    "26000": _POOLED,
}
"""What helps where the database answers and refuses, by PostgreSQL's code of the error."""


def _refused(error: BaseException) -> ReconcileError:
    if type(error).__name__ == "PoolTimeout":
        return database_silent(_PATIENCE_S)
    said = f"PostgreSQL says: {plain_words(error).rstrip('.?')}."
    if mend := _MENDS.get(getattr(error, "sqlstate", None) or ""):
        return fail("fleet-database-refused", said, hint=mend)
    return database_lost(said)


# Its tables: their versions, and how they are brought to ours.
#
# Two parts, each with a version of its own: the rows of the instances, and the queue's tables,
# whose version is the name of the engine's newest migration.

_STEPS: tuple[LiteralString, ...] = (
    """
    CREATE TABLE reconcile_seats (
      instance text PRIMARY KEY,
      wake_at timestamptz,
      held boolean NOT NULL DEFAULT false,
      held_until timestamptz,
      held_reason text NOT NULL DEFAULT '',
      content text,
      ran_at timestamptz,
      took_s double precision,
      failures integer NOT NULL DEFAULT 0,
      outcome text,
      trouble text,
      worker text
    )
    """,
    "CREATE INDEX reconcile_seats_wake_at ON reconcile_seats (wake_at)",
    "ALTER TABLE reconcile_seats ADD COLUMN place text",
)
"""What makes each version of the rows from the one before."""

_FIRST_QUEUE = "03.04.00_50_post_add_retry_failed_job_procedure"
"""Of tables that were made before versions were written down: no earlier engine was allowed."""

_FIND: LiteralString = """
SELECT to_regclass('reconcile_schema') IS NOT NULL AS told,
       to_regclass('reconcile_seats') IS NOT NULL AS seats,
       to_regclass('procrastinate_jobs') IS NOT NULL AS queue
"""
_VERSIONS: LiteralString = "SELECT part, version FROM reconcile_schema"
# What is sent as one text is one transaction. A second worker that begins at the same time waits
# here, and then finds that the tables are there.
_ONE_AT_A_TIME: LiteralString = """
SELECT pg_advisory_xact_lock(hashtext('reconcile_schema'));
CREATE TABLE IF NOT EXISTS reconcile_schema (part text PRIMARY KEY, version text NOT NULL);
"""
_TELL: LiteralString = """
INSERT INTO reconcile_schema VALUES ('{part}', '{version}')
ON CONFLICT (part) DO UPDATE SET version = EXCLUDED.version;
"""


class SchemaVersions(Struct, frozen=True):
    """Which versions there are: of the rows, counted from 1, and of the queue. 0, "": no tables."""

    seats: int = 0
    queue: str = ""

    def __str__(self) -> str:
        return f"seats {self.seats}, queue {self.queue[:8]}"


def our_versions() -> SchemaVersions:
    """Return the versions that this version of the tool, with its engine, works with."""
    return SchemaVersions(len(_STEPS), _migrations()[-1].stem)


async def versions_of(database: BaseAsyncConnector) -> SchemaVersions:
    """Return what is there. Raises what the database raises."""
    (there,) = await database.execute_query_all_async(_FIND)
    told = {}
    if there["told"]:
        rows = await database.execute_query_all_async(_VERSIONS)
        told = {row["part"]: row["version"] for row in rows}
    return SchemaVersions(
        int(told.get("seats", "1")) if there["seats"] else 0,
        told.get("queue", _FIRST_QUEUE) if there["queue"] else "",
    )


async def prepare(database: BaseAsyncConnector) -> None:
    """Make the tables where there are none at all, and refuse those of another version.

    Raises ReconcileError `fleet-schema-older` or `fleet-schema-newer`, and what the database
    raises. Safe for workers that start together.
    """
    found = await versions_of(database)
    if found == SchemaVersions():
        found = await migrate(database)
    if _is_newer(found):
        raise _newer(found)
    if found != our_versions():
        raise fail(
            "fleet-schema-older",
            f"It has {found}, and this version works with {our_versions()}. "
            "Nothing was changed there.",
            hint=_MIGRATE,
        )


async def migrate(database: BaseAsyncConnector) -> SchemaVersions:
    """Bring the tables to our versions, whatever there is of them; returns what there is then.

    Each step is made whole or not at all, and none twice. Raises ReconcileError
    `fleet-schema-newer`, and what the database raises.
    """
    found = await versions_of(database)
    if _is_newer(found):
        raise _newer(found)
    while steps := _steps(found):
        try:
            await database.execute_query_async(steps[0].replace("%", "%%"))
        except ConnectorException:
            # Somebody else has made it meanwhile, or it cannot be made.
            if await versions_of(database) == found:
                raise
        found = await versions_of(database)
    return found


def _steps(found: SchemaVersions) -> list[str]:
    """Spell what is left to do, a transaction each; tables that are all new are one."""
    steps = []
    if not found.queue:
        version = _migrations()[-1].stem
        steps.append(SchemaManager.get_schema() + _told("queue", version))
    newer = [file for file in _migrations() if found.queue and file.stem > found.queue]
    steps += [file.read_text(encoding="utf-8") + _told("queue", file.stem) for file in newer]
    for number, step in enumerate(_STEPS[found.seats :], found.seats + 1):
        steps.append(f"{step};" + _told("seats", str(number)))
    if found == SchemaVersions():
        steps = ["\n".join(steps)]
    return [_ONE_AT_A_TIME + step for step in steps]


def _told(part: str, version: str) -> str:
    return "\n;" + _TELL.format(part=part, version=version)


def _migrations() -> list[Path]:
    return sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))


def _is_newer(found: SchemaVersions) -> bool:
    return found.seats > our_versions().seats or found.queue > our_versions().queue


def _newer(found: SchemaVersions) -> ReconcileError:
    return fail(
        "fleet-schema-newer",
        f"It has {found}, and this version knows {our_versions()} at most. "
        "Nothing was changed there.",
        hint="Install the version of reconcile that the other workers have.",
    )
