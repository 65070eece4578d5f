"""The stage every end-to-end test plays on."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconcile.clock import wall_clock
from reconcile.config.load import load_text
from reconcile.sandbox.faults import parse_faults
from reconcile.sandbox.instance import JobDurations, Role, Settings, seeds_of
from reconcile.sandbox.server import running
from reconcile.sandbox.world import World
from tests.canary import canary_tokens
from tests.cli.stage import Stage

Staging = Callable[..., Stage]
QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart" / "reconcile.toml"


@contextmanager
def staging(folder: Path) -> Iterator[Staging]:
    """Write files into a folder, and serve an Omni in which all that they declare exists."""
    with ExitStack() as stack:

        def make(
            text: str,
            *,
            faults: str = "",
            job_s: float = 0.2,
            limit: int = 60,
            role: Role = Role.CONNECTION_ADMIN,
            **more: Any,
        ) -> Stage:
            lasting = timedelta(seconds=job_s)
            settings = Settings(
                requests_per_minute=limit, job_durations=JobDurations(lasting, lasting), **more
            )
            seeds = seeds_of(load_text(text, "reconcile.toml", folder).desired)
            world = World.from_models(
                seeds, settings=settings, faults=parse_faults(faults), tokens=canary_tokens(role)
            )
            server = stack.enter_context(running(world, clock=wall_clock))
            stage = Stage(folder, server.base_url, world)
            stage.write(text)
            return stage

        yield make


@pytest.fixture
def staged(tmp_path: Path) -> Iterator[Staging]:
    with staging(tmp_path) as make:
        yield make


@pytest.fixture
def quickstart(tmp_path: Path) -> Stage:
    """Put the file that newcomers begin with where no Omni answers."""
    shutil.copy(QUICKSTART, tmp_path / "reconcile.toml")
    return Stage(tmp_path, "http://127.0.0.1:1", World.from_models([]))
