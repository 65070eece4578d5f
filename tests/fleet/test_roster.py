"""What a run came to is kept and told, whatever its words and whatever ended it."""

import asyncio
from collections import UserDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reconcile.clock import wall_clock
from reconcile.config.fleet import Seat, load_fleet
from reconcile.controller.cycle import Outcome
from reconcile.fleet.database import Roster, opened, prepare
from reconcile.fleet.worker import Habitat, Worker
from tests.planning.making import NOON
from tests.postgres import Postgres

ODD = "".join(map(chr, range(0x20))) + "\x7f\u202e\udcff\ud800 end"


@pytest.mark.fault("Z10")
def test_words_that_no_database_takes_are_kept_without_what_it_refuses(postgres: Postgres) -> None:
    async def run() -> Seat | None:
        async with opened(postgres.url) as database:
            await prepare(database)
            roster = Roster(database)
            await roster.hold("acme", None, ODD)
            seat = Seat(instance="acme", ran_at=NOON, trouble=ODD, worker=ODD)
            await roster.record(seat, known=None, whatever=True)
            return await roster.load_one("acme")

    seat = asyncio.run(run())
    assert seat is not None
    assert seat.hold is not None
    for kept in (seat.hold.reason, seat.trouble, seat.worker):
        assert kept is not None
        assert kept.endswith(" end")


class _Broken(UserDict[str, str]):
    """An environment that a fault of ours meets."""

    def __getitem__(self, key: str) -> str:
        raise RuntimeError(key)


def test_a_fault_of_ours_fails_one_run_which_is_recorded_and_told(
    tmp_path: Path, postgres: Postgres
) -> None:
    told: list[tuple[Seat, Outcome]] = []
    (tmp_path / "fleet.toml").write_text('[instances.acme]\nfile = "acme"\n')

    async def run() -> Seat | None:
        with ThreadPoolExecutor(1) as threads:
            async with opened(postgres.url) as database:
                await prepare(database)
                roster = Roster(database)
                habitat = Habitat(
                    name="w",
                    environment=_Broken({"OMNI_BASE_URL_ACME": "x"}),
                    now=wall_clock,
                    threads=threads,
                    tell=lambda seat, outcome: told.append((seat, outcome)),
                )
                fleet = load_fleet(tmp_path / "fleet.toml")
                await Worker(fleet, roster, habitat).reconcile("acme")
                return await roster.load_one("acme")

    seat = asyncio.run(run())
    assert seat is not None
    assert (seat.outcome, seat.failures) == ("failed", 1)
    assert [outcome.problems[0].code for _, outcome in told] == ["internal-error"]
