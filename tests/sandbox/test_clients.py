"""Clients that people have, and one made from the sandbox's own description, used against it."""

import subprocess
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from reconcile.model.struct import replace
from reconcile.sandbox.command import running
from reconcile.sandbox.instance import Operation, Published, Vocabulary
from reconcile.sandbox.world import SANDBOX_BEARER
from tests.environments import program
from tests.examples.reading import environment
from tests.logged_world import LoggedWorld
from tests.sandbox.conftest import NOON, SALES, SEEDS, Stage, lasting

Place = tuple[Stage, str]

REFRESHED_BY_THE_UNOFFICIAL_SDK = """
from omni import OmniApiClient
client = OmniApiClient("myorg", TOKEN)
client.base_url = f"{BASE_URL}/api"
assert client.refresh_model(SALES) is True
"""
LISTED_BY_THE_OFFICIAL_SDK = """
from omni_python_sdk import OmniAPI
listed = OmniAPI(TOKEN, BASE_URL).list_models(modelKind="SHARED")
print(*(model["name"] for model in listed["records"]))
"""
ALL_BY_THE_GENERATED_CLIENT = """
import datetime
from made import AuthenticatedClient
from made.api.default import (
    job_status, list_connections, list_models, list_schedules, refresh_model, reset_cache
)
from made.models import RefreshModelHardRefresh, ResetCacheBody
with AuthenticatedClient(base_url=BASE_URL, token=TOKEN) as client:
    soft = RefreshModelHardRefresh.FALSE
    started = refresh_model.sync(SALES, client=client, hard_refresh=soft, schemas="public")
    job = job_status.sync(started.job_id, client=client)
    print(job.job_type.value, job.status.value)
    while job.status.value != "COMPLETED":
        job = job_status.sync(started.job_id, client=client)
    stamp = datetime.datetime(2026, 3, 4, 6, tzinfo=datetime.UTC)
    for instant in (stamp, stamp.date()):
        done = reset_cache.sync(SALES, "a/b", client=client, body=ResetCacheBody(instant))
        print(done.cache_reset.policy_name, done.cache_reset.reset_at.isoformat())
    connections = list_connections.sync(client=client).connections
    print(*sorted(connection.name for connection in connections))
    assert list_schedules.sync(connections[0].id, client=client).schedules == []
    print(*sorted(model.name for model in list_models.sync(client=client).records))
    print(refresh_model.sync("sales", client=client).detail)
"""


@pytest.fixture
def omni(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Serve an Omni to whose clock every request is a second later, with jobs of two seconds."""
    published, vocabulary = getattr(request, "param", (Published.SPEC_B, Vocabulary.SPEC))
    settings = replace(lasting(2), published=published, vocabulary=vocabulary)
    stage = Stage(LoggedWorld(SEEDS, settings=settings))
    seconds = count()
    with running(stage, clock=lambda: NOON + timedelta(seconds=next(seconds))) as base_url:
        yield stage, base_url


def ran(text: str, base_url: str, folder: Path) -> str:
    """Run a script in the clients' environment, and return what it printed."""
    given = f"BASE_URL, TOKEN, SALES = {base_url!r}, {SANDBOX_BEARER!r}, {SALES!r}\n"
    return called("python", "-c", given + text, folder=folder)


def called(name: str, *arguments: str, folder: Path) -> str:
    done = subprocess.run(
        [program("clients", name), *arguments],
        cwd=folder,
        env=environment(PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_unofficial_sdk_refreshes_by_the_first_edition_of_the_api(
    omni: Place, tmp_path: Path
) -> None:
    stage, base_url = omni
    ran(REFRESHED_BY_THE_UNOFFICIAL_SDK, base_url, tmp_path)
    [asked] = stage.world.log
    assert (asked.operation, asked.status) == (Operation.REFRESH, 200)
    assert asked.call.path.startswith("/api/v0/")


def test_the_official_sdk_lists_the_models(omni: Place, tmp_path: Path) -> None:
    _, base_url = omni
    names = ran(LISTED_BY_THE_OFFICIAL_SDK, base_url, tmp_path).split()
    assert sorted(names) == ["branched", "ops", "sales"]


@pytest.mark.parametrize(
    ("omni", "words"),
    [
        ((Published.SPEC_A, Vocabulary.SPEC), "REFRESH_SCHEMA IN_PROGRESS"),
        ((Published.SPEC_B, Vocabulary.DOCS), "refresh_schema RUNNING"),
    ],
    indirect=["omni"],
)
def test_a_generated_client_refreshes_follows_the_job_and_resets(
    omni: Place, words: str, tmp_path: Path
) -> None:
    _, base_url = omni
    (tmp_path / "config.yaml").write_text("post_hooks: []\n")
    source = ("--url", f"{base_url}/openapi.json", "--config", "config.yaml")
    shape = ("--meta", "none", "--output-path", "made", "--fail-on-warning")
    called("openapi-python-client", "generate", *source, *shape, folder=tmp_path)
    followed, *printed = ran(ALL_BY_THE_GENERATED_CLIENT, base_url, tmp_path).splitlines()
    assert followed == words
    assert printed == [
        "a/b 2026-03-04T06:00:00+00:00",
        "a/b 2026-03-04T00:00:00+00:00",
        "lake warehouse",
        "branch branched lake ops sales warehouse",
        "Bad Request: modelId: Invalid uuid",
    ]
