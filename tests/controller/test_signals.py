"""A signal that reaches a sleeping controller makes the reset arrive, stamped with its instant."""

import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import pytest

from reconcile.sandbox.instance import Operation
from tests.controller.test_process import Service, serving
from tests.patience import wait_until
from tests.stage import SALES, Stage, Staging

TOKEN = "a token of the door"  # noqa: S105 - of this test
SECRET = "a secret of dbt"  # noqa: S105 - of this test
FILE = f"""
[state]
url = "state.json"

[signals.dbt-nightly]
webhook = "dbt"
secret_env = "DBT_WEBHOOK_SECRET"
match = {{ "data.jobId" = "123" }}

[models.sales]
id = "{SALES}"
cache.daily.on_signal = ["load", "dbt-nightly"]
"""
# As dbt's page on webhooks shows one, byte for byte but for the instant.
DBT = """{
  "accountId": 1,
  "eventId": "wev_2L6ZDoilyiWzKkSA59Gmc2d7FDD",
  "timestamp": "2023-01-31T19:29:35.789265936Z",
  "eventType": "job.run.completed",
  "webhookName": "test",
  "data": {
    "jobId": "123",
    "jobName": "Daily Job (dbt build)",
    "runId": "12345",
    "environmentId": "1234",
    "environmentName": "Production",
    "dbtVersion": "",
    "projectName": "Snowflake Github Demo",
    "runReason": "",
    "runStartedAt": "2023-01-31T19:28:07Z",
    "runFinishedAt": "2023-01-31T19:29:32Z",
    "runStatus": "Success",
    "runStatusMessage": "None"
  }
}
"""


@pytest.fixture
def stage(staged: Staging) -> Stage:
    stage = staged(FILE)
    (stage.folder / "door.token").write_text(TOKEN)
    return stage


@contextmanager
def asleep(stage: Stage) -> Iterator[Service]:
    door = ("--listen", "127.0.0.1:0", "--signal-token-file", "door.token")
    with serving(stage, *door) as service:
        service.until("cycle verdict=")
        yield service


def knock(service: Service, at: str) -> int:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return httpx.post(f"{service.url}signals/load?at={at}", headers=headers).status_code


def deliver(service: Service, body: str) -> int:
    """Post a body as dbt does: the bare hex digest of its bytes is the Authorization."""
    signature = hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
    headers = {"Authorization": signature, "Content-Type": "application/json"}
    return httpx.post(
        f"{service.url}signals/dbt-nightly", content=body, headers=headers
    ).status_code


def stamps(stage: Stage) -> list[str]:
    """Wait for a reset, and return the stamps of all."""
    wait_until(lambda: bool(stage.calls(Operation.RESET)))
    return [json.loads(call.call.body)["resetAt"] for call in stage.calls(Operation.RESET)]


def now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def test_a_webhook_wakes_the_controller(stage: Stage) -> None:
    with asleep(stage) as service:
        at = now()
        assert knock(service, at) == 202
        assert stamps(stage) == [at]
        assert service.stop() == 0


def test_what_dbt_sends_after_a_run_resets_as_of_its_end_and_a_failed_run_does_not(
    stage: Stage,
) -> None:
    stage.environment["DBT_WEBHOOK_SECRET"] = SECRET
    with asleep(stage) as service:
        at = now()
        good = DBT.replace("2023-01-31T19:29:32Z", at)
        codes = [deliver(service, body) for body in (good.replace("Success", "Errored"), good)]
        assert codes == [200, 202]
        assert stamps(stage) == [at]
        assert deliver(service, good) == 202
        assert service.stop() == 0
    assert len(stage.calls()) == 1


def test_the_command_on_the_same_machine_wakes_it_too(stage: Stage) -> None:
    with asleep(stage) as service:
        at = now()
        assert stage.run("signal", "load", "--at", at).code == 0
        assert stamps(stage) == [at]
        assert service.stop() == 0


def test_a_signal_survives_a_kill_between_its_receipt_and_the_call(stage: Stage) -> None:
    with asleep(stage) as service:
        # While another run holds the lock nothing is called, and the door is open all the same.
        lock = os.open(stage.folder / "state.json.lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(lock, fcntl.LOCK_EX)
        at = now()
        assert knock(service, at) == 202
        service.until("verdict=locked")
        service.process.kill()
        service.process.wait()
    os.close(lock)
    assert not stage.calls()
    with asleep(stage) as service:
        assert stamps(stage) == [at]
        assert service.stop() == 0
