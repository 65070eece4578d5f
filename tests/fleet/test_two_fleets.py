"""Two fleets, or two versions of one, in the same database."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import LiteralString

import pytest
from procrastinate.connector import BaseAsyncConnector

from reconcile.config.fleet import Fleet, FleetMember, Seat
from reconcile.fleet.database import Duties, opened, prepare, work
from reconcile.model.struct import replace
from tests.fleet.conftest import Yarding
from tests.fleet.test_fleet import QUICK, body, seats
from tests.planning.making import NOON
from tests.postgres import Postgres

Met = list[tuple[str, str]]


def member(name: str, state_url: str | None = None) -> FleetMember:
    return FleetMember(name=name, file=name, state_url=state_url, credential="shared")


async def works(database: BaseAsyncConnector, names: str, met: Met, for_s: float) -> None:
    """Let a worker know the instances of these letters, all always due, for seconds."""
    fleet = Fleet(
        members=tuple(map(member, names)), database=None, look_every_s=1, silent_after_s=3
    )

    async def due() -> Sequence[FleetMember]:
        return fleet.members

    async def reconcile(name: str) -> None:
        met.append((names, name))

    duties = Duties(due, reconcile, lambda: fleet.queue)
    await prepare(database)
    with suppress(TimeoutError):
        async with asyncio.timeout(for_s):
            await work(database, fleet, duties, name=names, concurrency=2, stop_within_s=1)


@pytest.mark.parametrize("fleets", [("a", "b"), ("a", "a", "ab")], ids=["two", "rolled out"])
def test_an_instance_is_only_handed_to_those_who_know_it(
    postgres: Postgres, fleets: Sequence[str]
) -> None:
    met: Met = []

    async def one(names: str) -> None:
        async with opened(postgres.url) as database:
            await works(database, names, met, for_s=6)

    async def run() -> None:
        await asyncio.gather(*map(one, fleets))

    asyncio.run(run())
    assert [it for it in met if it[1] not in it[0]] == []
    assert met.count((fleets[-1], "b")) >= 3


def test_a_job_ends_whether_or_not_others_wait_for_its_lock(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[tuple[LiteralString, dict[str, object]]] = []

    async def run() -> str:
        async with opened(postgres.url) as database:
            ask = database.execute_query_async

            async def heard(query: LiteralString, **arguments: object) -> None:
                if "procrastinate_finish_job" in query:
                    ended.append((query, arguments))
                await ask(query, **arguments)

            monkeypatch.setattr(database, "execute_query_async", heard)
            await works(database, "a", [], for_s=3)
        query, arguments = ended[-1]
        async with opened(postgres.url) as database:
            rows = await database.execute_query_all_async(f"EXPLAIN {query}", **arguments)
            return "\n".join(row["QUERY PLAN"] for row in rows)

    # A join may begin with those who wait, and never look at the job where there are none.
    assert "Join" not in asyncio.run(run())


def test_an_instance_of_another_state_is_left_alone_for_as_long_as_somebody_has_it() -> None:
    acme = member("acme", "postgresql://db/one#acme")
    moved, local = (replace(acme, state_url=url) for url in ("s3://b/acme", "/states/acme"))
    seat = Seat(instance="acme", ran_at=NOON, place=acme.place)
    assert [seat.is_anothers(it, NOON) for it in (acme, moved, local)] == [False, True, False]
    assert not seat.is_anothers(moved, NOON + timedelta(minutes=21))


def test_a_new_password_is_no_other_state() -> None:
    rotated = [f"postgresql://{login}db/one#acme" for login in ("", "u@", "u:old@", "u:n%40w@")]
    assert len({member("acme", url).place for url in rotated}) == 1
    others = ["postgresql://db/one#b", "postgresql://db/two#acme", "postgresql://d/one#acme"]
    assert len({member("acme", url).place for url in [*others, rotated[0]]}) == 4


@pytest.mark.long
def test_a_second_fleet_with_the_same_name_says_so_and_calls_nothing_until_it_is_resumed(
    yarded: Yarding,
) -> None:
    yard = yarded({"acme": body(1)}, state="{database}#{name}", settings=QUICK)
    yard.start_worker()
    yard.wait_until(lambda: seats(yard)["acme"]["outcome"] == "done")
    file = yard.folder / "fleet.toml"
    file.write_text(file.read_text().replace("#acme", "#other"))
    yard.workers[0].terminate()
    assert yard.workers[0].wait(timeout=10) == 0
    yard.start_worker()
    told = yard.run("fleet", "status")
    assert (told.returncode, "reconcile fleet resume acme" in " ".join(told.stdout.split())) == (
        6,
        True,
    )
    assert len(yard.posts()) == 2
    yard.run("fleet", "resume", "acme")
    yard.wait_until(lambda: len(yard.posts()) == 4)
