"""Orchestrators made ready once, and a site of each for every test."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.error import URLError
from urllib.request import urlopen
from uuid import uuid4

import pytest

from tests.canary import CANARY
from tests.orchestrators.engines import AIRFLOW, DAGSTER, PREFECT, Engine
from tests.orchestrators.site import Site, called, command_of
from tests.patience import wait_until
from tests.postgres import free_port, installed, running_postgres
from tests.stage import Staging

_ENGINES = (AIRFLOW, DAGSTER, PREFECT)
_SAVE_TOKEN = (
    f"from prefect.blocks.system import Secret;Secret(value={CANARY!r}).save('omni-api-key')"
)
_TIMEOUT_S = 180

Siting = Callable[..., Site]


@pytest.fixture(scope="session")
def database() -> Iterator[str]:
    if installed() is None:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    with running_postgres() as server:
        yield server.url


@pytest.fixture(
    params=[pytest.param(it, id=it.name, marks=pytest.mark.xdist_group(it.name)) for it in _ENGINES]
)
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.param
    command_of(found, ("python",))
    return found


@pytest.fixture
def siting(
    engine: Engine, database: str, staged: Staging, request: pytest.FixtureRequest
) -> Iterator[Siting]:
    """Set up an orchestrator whose runs apply a file that keeps its state in PostgreSQL."""
    shared = request.getfixturevalue(f"ready_{engine.name}")
    with ExitStack() as stack:

        def make(text: str, **more: object) -> Site:
            state = f'[state]\nurl = "{database}#{uuid4().hex[:8]}"\n'
            site = Site(engine, staged(state + text, **more), shared)
            stack.callback(site.end)
            site.set_up()
            return site

        yield make


@pytest.fixture(scope="session")
def ready_dagster() -> dict[str, str]:
    return dict(DAGSTER.variables)


@pytest.fixture(scope="session")
def ready_airflow(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Make Airflow's own database."""
    home = tmp_path_factory.mktemp("airflow")
    variables = {**AIRFLOW.variables, "AIRFLOW_HOME": str(home)}
    called(AIRFLOW, {"PATH": os.environ["PATH"], **variables}, home, "airflow", "db", "migrate")
    return variables


@pytest.fixture(scope="session")
def ready_prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run Prefect's own server on loopback, with the token in its block."""
    home = tmp_path_factory.mktemp("prefect")
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    variables = {**PREFECT.variables, "PREFECT_HOME": str(home), "PREFECT_API_URL": url}
    standing = {"PATH": os.environ["PATH"], **variables, "PREFECT_SERVER_UI_ENABLED": "false"}
    command = ("prefect", "server", "start", "--no-services", "--port", str(port))
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command_of(PREFECT, command), cwd=home, env=standing, stdout=log, stderr=log
        )
    try:
        said = (home / "server.log").read_text
        wait_until(lambda: _answers(f"{url}/health"), said, timeout_s=_TIMEOUT_S)
        called(PREFECT, standing, home, "python", "-c", _SAVE_TOKEN)
        yield variables
    finally:
        server.terminate()
        server.wait(timeout=_TIMEOUT_S)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5):  # noqa: S310 loopback
            return True
    except (URLError, OSError):
        return False
