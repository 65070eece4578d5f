"""The tables of a fleet have versions: what is there is used, migrated or refused."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from procrastinate.connector import BaseAsyncConnector
from procrastinate.schema import SchemaManager

from reconcile.errors import ReconcileError
from reconcile.fleet.database import (
    Roster,
    SchemaVersions,
    migrate,
    opened,
    our_versions,
    prepare,
    versions_of,
)
from tests.fleet.conftest import Yarding
from tests.postgres import Postgres

Result = TypeVar("Result")
Database = BaseAsyncConnector
MIGRATIONS = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
EARLIER = [file for file in MIGRATIONS if file.stem < "03.02"]
TOOL = Path(__file__).parents[2] / "pyproject.toml"


def acting(postgres: Postgres, act: Callable[[Database], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        async with opened(postgres.url) as database:
            return await act(database)

    return asyncio.run(run())


async def made(database: Database) -> None:
    await asyncio.gather(*(prepare(database) for _ in range(5)))


async def before_versions(database: Database) -> None:
    """Leave the tables as they were before anybody wrote their versions down."""
    await made(database)
    await Roster(database).hold("acme", None, "they migrate")
    await database.execute_query_async(
        "DROP TABLE reconcile_schema; DROP INDEX reconcile_seats_wake_at;"
        "ALTER TABLE reconcile_seats DROP COLUMN place"
    )


async def with_an_earlier_queue(database: Database) -> None:
    """Make the queue's tables with the migrations of an earlier engine."""
    for file in EARLIER:
        await database.execute_query_async(file.read_text().replace("%", "%%"))
    await database.execute_query_async(
        "CREATE TABLE reconcile_schema (part text PRIMARY KEY, version text NOT NULL)"
    )
    await database.execute_query_async(
        "INSERT INTO reconcile_schema VALUES ('queue', %(version)s)", version=EARLIER[-1].stem
    )


async def made_by_a_newer_version(database: Database) -> None:
    await made(database)
    await database.execute_query_async("UPDATE reconcile_schema SET version = '99'")


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(ReconcileError) as refused:
        act()
    return refused.value.diagnostics[0].code


def test_an_empty_database_is_made_ready_by_workers_that_start_together(postgres: Postgres) -> None:
    acting(postgres, made)
    assert acting(postgres, versions_of) == our_versions()


def test_older_tables_are_refused_until_they_are_migrated_and_then_hold_the_same_rows(
    postgres: Postgres,
) -> None:
    acting(postgres, before_versions)
    assert code_of(lambda: acting(postgres, prepare)) == "fleet-schema-older"
    assert acting(postgres, migrate) == our_versions()
    acting(postgres, prepare)
    assert "acme" in acting(postgres, lambda database: Roster(database).load())


def test_an_earlier_queue_is_brought_to_the_engine_that_is_installed(postgres: Postgres) -> None:
    acting(postgres, with_an_earlier_queue)
    assert code_of(lambda: acting(postgres, prepare)) == "fleet-schema-older"
    assert acting(postgres, migrate) == our_versions()


def test_newer_tables_are_left_alone(postgres: Postgres) -> None:
    acting(postgres, made_by_a_newer_version)
    for act in (prepare, migrate):
        assert code_of(lambda act=act: acting(postgres, act)) == "fleet-schema-newer"  # type: ignore[misc]  # a loop's own
    assert acting(postgres, versions_of) == SchemaVersions(99, "99")


def test_a_command_that_meets_older_tables_names_the_one_that_migrates_them(
    yarded: Yarding, postgres: Postgres
) -> None:
    yard = yarded({"acme": ""})
    acting(postgres, before_versions)
    refused = yard.run("fleet", "status")
    assert (refused.returncode, "reconcile fleet migrate" in refused.stderr) == (1, True)
    assert "It has seats 3, queue 03.04.00 now." in yard.run("fleet", "migrate").stderr
    assert "they migrate" in yard.run("fleet", "status").stdout


def test_no_engine_is_allowed_that_was_not_tested() -> None:
    # The lowest and the highest allowed run these tests in CI; a newer one is allowed once it has.
    found = re.search(r'procrastinate>=3\.4,<3\.(\d+)"', TOOL.read_text())
    assert found
    assert our_versions().queue.startswith("03.04.00_50")
