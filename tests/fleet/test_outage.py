"""A database that is killed for seconds, workers that a supervisor starts again, Omni's log."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from typing import LiteralString
from urllib.parse import urlsplit

import psycopg
import pytest
from procrastinate.connector import BaseAsyncConnector

from reconcile.clock import wall_clock
from reconcile.errors import ReconcileError
from tests.fleet.conftest import Yarding
from tests.fleet.test_schema import acting
from tests.fleet.yard import Yard, model_id
from tests.postgres import Postgres
from tests.proxy import Fault, proxied

INSTANCES = 20
TICK = timedelta(seconds=6)
AWAY_S = 4.0
AFTER_S = 40.0


def _body(number: int) -> str:
    return (
        f'[models.m{number}]\nid = "{model_id(number)}"\n'
        f'[models.m{number}.cache.often]\nevery = "{TICK.seconds}s"\n'
    )


VERBS = (("status",), ("pause", "acme", "--reason", "x"), ("resume", "acme"), ("migrate",))


@pytest.mark.slow  # each waits twelve seconds for an answer
@pytest.mark.parametrize("fault", [Fault.FROZEN, Fault.LOST, Fault.HALF_OPEN, Fault.REFUSED])
def test_a_database_that_does_not_answer_ends_each_command_in_words(
    yarded: Yarding, postgres: Postgres, fault: Fault
) -> None:  # K12
    port = urlsplit(postgres.url).port or 0
    yard = yarded({"acme": ""})
    assert yard.run("fleet", "migrate").returncode == 0
    with proxied(port) as proxy, ThreadPoolExecutor(len(VERBS)) as threads:
        fleet = yard.folder / "fleet.toml"
        fleet.write_text(fleet.read_text().replace(str(port), str(proxy.port)))
        proxy.be(fault)
        for ended in threads.map(lambda verb: yard.run("fleet", *verb), VERBS):
            assert ended.returncode == 1
            assert "[fleet-database-lost]" in ended.stderr


@pytest.mark.long
@pytest.mark.parametrize("verb", [*VERBS, ("worker",)], ids=" ".join)
def test_why_a_database_cannot_be_opened_is_told_in_its_own_words(
    yarded: Yarding, verb: tuple[str, ...]
) -> None:
    yard = yarded({"acme": ""})
    fleet = yard.folder / "fleet.toml"
    fleet.write_text(fleet.read_text().replace('/postgres"', '/nosuch"'))
    ended = yard.run("fleet", *verb)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "[fleet-database-lost]" in ended.stderr.splitlines()[0]
    assert 'database "nosuch" does not exist' in " ".join(ended.stderr.split())


@pytest.mark.parametrize(
    ("asked", "mend"),
    [
        ("SELECT FROM nosuch", "fleet migrate"),
        ("SET TRANSACTION READ ONLY; CREATE TABLE t ()", "the primary"),
        ("CREATE ROLE weak; CREATE TABLE t (); SET ROLE weak; SELECT FROM t", "grant it ALL"),
        ("PREPARE p AS SELECT 1; PREPARE p AS SELECT 1", "session pooling"),
    ],
)
def test_a_database_that_answers_and_refuses_is_not_called_lost(
    postgres: Postgres, asked: LiteralString, mend: str
) -> None:
    with pytest.raises(ReconcileError) as refused:
        acting(postgres, lambda database: database.execute_query_async(asked))
    (told,) = refused.value.diagnostics
    assert (told.code, mend in (told.hint or "")) == ("fleet-database-refused", True)


def test_what_else_takes_too_long_is_not_called_a_silent_database(postgres: Postgres) -> None:
    async def wait(_: BaseAsyncConnector) -> None:
        raise TimeoutError("another disk")

    with pytest.raises(TimeoutError, match="another disk"):
        acting(postgres, wait)


@pytest.mark.slow  # it waits twelve seconds for an answer
def test_a_table_that_somebody_locked_ends_a_command_in_words(
    yarded: Yarding, postgres: Postgres
) -> None:  # K12
    yard = yarded({"acme": ""})
    yard.run("fleet", "migrate")
    with psycopg.connect(postgres.url) as other:
        other.execute("LOCK TABLE reconcile_seats")
        ended = yard.run("fleet", "status")
    assert (ended.returncode, "nothing for 12 s" in ended.stderr) == (1, True)


@pytest.mark.slow
@pytest.mark.parametrize("kept", ["files", "postgres"])
def test_every_instance_goes_on_after_its_database_was_killed_for_seconds(
    yarded: Yarding, postgres: Postgres, kept: str
) -> None:
    names = [f"i{number:02d}" for number in range(INSTANCES)]
    yard = yarded(
        {name: _body(number) for number, name in enumerate(names, 1)},
        state="" if kept == "files" else "{database}#{name}",
        settings='look_every = "1s"\nsilent_after = "3s"',
    )
    yard.start_worker()
    yard.start_worker()
    yard.wait_until(lambda: all(len(yard.posts(name)) >= 2 for name in names))
    postgres.stop()
    _supervise(yard, AWAY_S)
    postgres.start()
    back_at = wall_clock()
    _supervise(yard, AFTER_S)
    for name in names:
        sent = yard.posts(name)
        assert len({exchange.call.body for exchange in sent}) == len(sent), "a slot sent twice"
        calls = [back_at, *(exchange.at for exchange in sent if exchange.at > back_at)]
        assert len(calls) > AFTER_S / TICK.seconds / 2, name
        assert max(later - earlier for earlier, later in pairwise(calls)) < 4 * TICK, name
    assert all(worker.poll() in {None, 1} for worker in yard.workers)
    assert not [exchange for exchange in yard.world.log if exchange.status == 429]


def _supervise(yard: Yard, lasts_s: float) -> None:
    """Start workers that ended again, as `Restart=always` does."""
    end = time.monotonic() + lasts_s
    while time.monotonic() < end:
        alive = sum(worker.poll() is None for worker in yard.workers)
        for _ in range(2 - alive):
            yard.start_worker()
        time.sleep(1)
