"""The tables of a fleet's database: their versions, and how they are brought to ours.

Two parts, each with a version of its own: the rows of the instances, and the queue's tables, whose
version is the name of the engine's newest migration.
"""

from pathlib import Path
from typing import LiteralString

from msgspec import Struct
from procrastinate.connector import BaseAsyncConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.schema import SchemaManager

from reconcile.errors import ReconcileError, fail

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


def ours() -> SchemaVersions:
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
    if found != ours():
        raise fail(
            "fleet-schema-older",
            f"It has {found}, and this version works with {ours()}. Nothing was changed there.",
            hint="Stop the fleet's workers, then: reconcile fleet migrate",
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
    return found.seats > ours().seats or found.queue > ours().queue


def _newer(found: SchemaVersions) -> ReconcileError:
    return fail(
        "fleet-schema-newer",
        f"It has {found}, and this version knows {ours()} at most. Nothing was changed there.",
        hint="Install the version of reconcile that the other workers have.",
    )
