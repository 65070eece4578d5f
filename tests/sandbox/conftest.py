"""One server for the whole room; every test puts a world of its own on its stage."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from reconcile.sandbox.command import running
from reconcile.sandbox.faults import parse_faults
from reconcile.sandbox.instance import (
    ArrivedCall,
    JobDurations,
    SandboxReply,
    SeedModel,
    Settings,
    Token,
)
from reconcile.sandbox.world import SANDBOX_BEARER
from tests.logged_world import LoggedWorld
from tests.patience import wait_until

SALES = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"
OPS = "0f6e8f0e-3f0b-4d37-8f3e-6a3b2a1c0d11"
BRANCHED = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
BRANCH = "16fd2706-8baf-433b-82eb-8c7fada847da"
NOBODY = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)

SEEDS = (
    SeedModel("sales", SALES, "warehouse", ("daily",)),
    SeedModel("ops", OPS, "warehouse", ("hourly",)),
    SeedModel("branched", BRANCHED, "lake", ("daily",), BRANCH),
)


@dataclass
class Stage:
    """Whatever world is on it answers, at the instant the stage says it is."""

    world: LoggedWorld = field(default_factory=lambda: LoggedWorld(SEEDS))
    now: datetime = NOON

    def answer(self, call: ArrivedCall, now: datetime) -> SandboxReply:
        return self.world.answer(call, now)


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[Stage, str]]:
    stage = Stage()
    with running(stage, clock=lambda: stage.now) as base_url:
        yield stage, base_url


@dataclass
class Omni:
    """A client's view of the sandbox, over real HTTP."""

    stage: Stage
    http: httpx.Client

    def put(
        self,
        *,
        settings: Settings | None = None,
        faults: str = "",
        tokens: dict[str, Token] | None = None,
    ) -> None:
        self.stage.world = LoggedWorld(
            SEEDS, settings=settings, faults=parse_faults(faults), tokens=tokens
        )

    def wait(self, seconds: float) -> None:
        self.stage.now += timedelta(seconds=seconds)

    def await_request(self) -> None:
        """Let a request that its client has given up on reach the world all the same."""
        wait_until(lambda: bool(self.stage.world.log))

    def refresh(self, model: str = SALES, **query: str) -> httpx.Response:
        return self.http.post(f"/api/v1/models/{model}/refresh", params=query)

    def reset(self, body: object = None, *, policy: str = "daily") -> httpx.Response:
        path = f"/api/v1/models/{SALES}/cache_reset/{policy}"
        return self.http.post(path, json=body) if body is not None else self.http.post(path)

    def status(self, job_id: str) -> str:
        return str(self.http.get(f"/api/v1/jobs/{job_id}/status").json()["status"])


@pytest.fixture
def omni(served: tuple[Stage, str]) -> Iterator[Omni]:
    stage, base_url = served
    stage.now = NOON
    headers = {"authorization": f"Bearer {SANDBOX_BEARER}"}
    with httpx.Client(base_url=base_url, headers=headers, trust_env=False) as http:
        client = Omni(stage, http)
        client.put()
        yield client


def lasting(seconds: float) -> Settings:
    """Settings in which every job lasts exactly that long."""
    exactly = timedelta(seconds=seconds)
    return Settings(job_durations=JobDurations(exactly, exactly))


def call(
    method: str,
    path: str,
    *,
    bearer: str = SANDBOX_BEARER,
    query: tuple[tuple[str, str], ...] = (),
) -> ArrivedCall:
    return ArrivedCall(method, path, query, f"Bearer {bearer}")


def refresh_call(model: str = SALES) -> ArrivedCall:
    return call("POST", f"/api/v1/models/{model}/refresh")
