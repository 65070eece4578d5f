"""The dbt example, run as it stands by the real dbt on DuckDB, against a sandbox."""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconcile.clock import wall_clock
from reconcile.config.load import load
from reconcile.sandbox.command import running
from reconcile.sandbox.instance import JobDurations, Operation, Settings, seeds_of
from reconcile.sandbox.world import SANDBOX_BEARER
from tests.environments import program
from tests.examples.reading import EXAMPLES
from tests.examples.runner import Runner, Step
from tests.logged_world import LoggedWorld

FOLDER = EXAMPLES / "dbt"
BRIEF = timedelta(seconds=0.2)


class Warehouse:
    """A copy of the example beside a dbt, and the Omni that it speaks of."""

    def __init__(self, folder: Path, base_url: str, world: LoggedWorld) -> None:
        self.folder, self.world = folder, world
        dbt = Path(program("dbt", "dbt")).parent
        self.runner = Runner(
            folder.parent / "home", {"OMNI_BASE_URL": base_url, "OMNI_API_KEY": SANDBOX_BEARER}
        )
        self.runner.more["PATH"] = os.pathsep.join(
            (str(folder.parent / "home" / "bin"), str(dbt), os.environ["PATH"])
        )

    def run(self, command: str = "./nightly.sh") -> Step:
        return self.runner.shell(command, self.folder)

    def sent(self) -> list[Operation | None]:
        return [one.operation for one in self.world.log if one.call.method == "POST"]


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    folder = tmp_path / "dbt"
    shutil.copytree(FOLDER, folder)
    settings = Settings(job_durations=JobDurations(BRIEF, BRIEF))
    world = LoggedWorld(seeds_of(load(folder).desired), settings=settings)
    with running(world, clock=wall_clock) as base_url:
        file = folder / "reconcile.toml"
        file.write_text(file.read_text().replace("https://myorg.omniapp.co", base_url))
        yield Warehouse(folder, base_url, world)


def test_the_file_loads_without_a_warning() -> None:
    assert load(FOLDER / "reconcile.toml").warnings == ()


def test_omni_follows_a_build_as_of_its_end(warehouse: Warehouse) -> None:
    done = warehouse.run()
    assert done.code == 0, done
    assert warehouse.sent() == [Operation.REFRESH, Operation.RESET]
    refresh, reset = (one.call for one in warehouse.world.log if one.call.method == "POST")
    assert {"hard_refresh": "false", "schemas": "analytics"}.items() <= dict(refresh.query).items()
    built = json.loads((warehouse.folder / "target" / "run_results.json").read_text())
    ended = datetime.fromisoformat(built["metadata"]["generated_at"])
    stamp = datetime.fromisoformat(json.loads(reset.body)["resetAt"])
    assert timedelta(0) <= stamp - ended.replace(microsecond=0) < datetime.now(UTC) - ended
    assert warehouse.run("reconcile apply --yes").code == 0
    assert len(warehouse.sent()) == 2


def test_a_build_that_fails_sends_nothing(warehouse: Warehouse) -> None:
    orders = warehouse.folder / "models" / "orders.sql"
    orders.write_text(orders.read_text().replace("(2,", "(1,"))
    done = warehouse.run()
    assert (done.code, "FAIL" in done.out) == (1, True), done
    assert (warehouse.sent(), warehouse.run("reconcile plan --detailed-exitcode").code) == ([], 0)
