"""Makes single calls against a fault server."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from reconcile.model.plan import Request
from reconcile.model.progress import JobOutcome, RefreshOutcome, ResetOutcome
from reconcile.omni.credential import Credential, load_credential
from reconcile.omni.http import OmniClient
from tests.canary import CANARY

Result = TypeVar("Result")

MODEL = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"
JOB = "5c1f9c9f-208d-48a2-9ae3-ff80f2c79f00"
TOKEN = CANARY
STAMP = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)
REFRESH = Request("POST", f"/api/v1/models/{MODEL}/refresh", (("hard_refresh", "true"),))
RESET = Request(
    "POST",
    f"/api/v1/models/{MODEL}/cache_reset/daily",
    body={"resetAt": "2026-03-01T11:00:00Z"},
)


def credential_for(url: str) -> Credential:
    return load_credential({"OMNI_BASE_URL": url, "OMNI_API_KEY": TOKEN})


def call(
    url: str,
    action: Callable[[OmniClient], Awaitable[Result]],
    *,
    deadline_s: float = 5.0,
    ca_file: Path | None = None,
) -> Result:
    """Run one action with a fresh client."""

    async def run() -> Result:
        credential = credential_for(url)
        async with OmniClient(credential, deadline_s=deadline_s, ca_file=ca_file) as client:
            return await action(client)

    return asyncio.run(run())


def refresh(url: str, *, deadline_s: float = 5.0, ca_file: Path | None = None) -> RefreshOutcome:
    return call(
        url, lambda client: client.send_refresh(REFRESH), deadline_s=deadline_s, ca_file=ca_file
    )


def reset_daily(url: str) -> ResetOutcome:
    return call(
        url,
        lambda client: client.send_reset(RESET, model_id=MODEL, policy="daily", reset_at=STAMP),
    )


def poll(url: str, *, deadline_s: float = 5.0) -> JobOutcome:
    return call(url, lambda client: client.fetch_job(JOB), deadline_s=deadline_s)
