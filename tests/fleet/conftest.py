"""A database for all tests of a run, and a yard for each."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from reconcile.clock import wall_clock
from reconcile.config.load import load_text
from reconcile.sandbox.command import running
from reconcile.sandbox.instance import JobDurations, Settings, seeds_of
from tests.fleet.yard import Yard, tokens
from tests.logged_world import LoggedWorld
from tests.postgres import Postgres, installed, running_postgres

Yarding = Callable[..., Yard]


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    if installed() is None:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    with running_postgres() as server:
        yield server


@pytest.fixture
def yarded(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, postgres: Postgres
) -> Iterator[Yarding]:
    """Declare instances and serve one Omni in which everything of all of them exists."""
    with ExitStack() as stack:

        def make(
            bodies: Mapping[str, str],
            *,
            state: str = "",
            settings: str = "",
            limit: int = 60,
            job_s: float = 0.2,
        ) -> Yard:
            text = '[state]\nurl = "unused.json"\n' + "\n".join(bodies.values())
            lasting = timedelta(seconds=job_s)
            world = LoggedWorld(
                seeds_of(load_text(text, "all.toml", tmp_path).desired),
                settings=Settings(
                    requests_per_minute=limit, job_durations=JobDurations(lasting, lasting)
                ),
                tokens=tokens(tuple(bodies)),
            )
            base_url = stack.enter_context(running(world, clock=wall_clock))
            secrets = tmp_path_factory.mktemp("secrets")
            yard = Yard(tmp_path, postgres.url, base_url, world, secrets)
            stack.callback(yard.end)
            yard.declare(dict(bodies), state=state, settings=settings)
            return yard

        yield make
