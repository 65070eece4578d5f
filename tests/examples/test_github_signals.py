"""The workflow that a `repository_dispatch` starts, and what becomes of its signal."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconcile.sandbox.instance import Operation
from tests.examples.conftest import Hosted, Hosting
from tests.examples.reading import workflow
from tests.examples.runner import Step, git
from tests.examples.test_github_runs import SCRIPTS, applied, merged

pytestmark = pytest.mark.long

FILE = """
[models.sales]
id = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"
refresh = { on_signal = "load", mode = "soft" }
cache.daily.on_signal = ["load", "crm"]
"""
GH = '#!/bin/sh\necho "$@" >> "$HOME/asked"\n'


@pytest.fixture
def host(hosted: Hosting) -> Hosted:
    """Host the file under main, on runners that write down what is asked of GitHub."""
    host = hosted("github-actions", SCRIPTS)
    merged(host, FILE)
    host.runner.variables()
    gh = host.runner.home / "bin" / "gh"
    gh.write_text(GH)
    gh.chmod(0o755)
    host.runner.more["PUSH_PAUSES_S"] = "0"
    return host


def ago(minutes: int) -> str:
    return f"{datetime.now(UTC) - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:00Z}"


def values(name: str, at: str) -> dict[str, str]:
    return {
        "github.event.client_payload.name": name,
        "github.event.client_payload.at": at,
        "github.repository": "acme/models",
        "github.token": "a-token",
    }


def dispatched(host: Hosted, clone: str, name: str = "load", at: str = "") -> dict[str, Step]:
    return host.runner.job(workflow("signal"), host.clone(clone), values(name, at))


def codes(ended: dict[str, Step]) -> list[int]:
    return [step.code for step in ended.values()]


def loaded(host: Hosted, clone: str) -> Path:
    folder = host.clone(clone)
    assert host.runner.shell(f"{SCRIPTS}/load-state.sh", folder).code == 0
    return folder


def waiting(host: Hosted) -> str:
    return git(host.bare, "show", "reconcile-state:prod.json.inbox")


def test_a_dispatch_is_followed_by_an_apply_as_of_its_instant(host: Hosted) -> None:
    at = ago(5)
    assert codes(dispatched(host, "signal", at=at)) == [0, 0, 0, 0]
    asked = (host.runner.home / "asked").read_text()
    assert asked == "workflow run apply.yml --ref main\n"
    assert codes(applied(host, "apply")) == [0, 0, 0]
    (reset,) = [one for one in host.world.log if one.operation is Operation.RESET]
    assert (host.sent(), json.loads(reset.call.body)["resetAt"]) == (2, at)


def test_a_dispatch_without_an_instant_has_happened_just_now(host: Hosted) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    assert codes(dispatched(host, "signal")) == [0, 0, 0, 0]
    (signal,) = json.loads(waiting(host))["signals"]["load"]
    assert before <= datetime.fromisoformat(signal["at"]) <= datetime.now(UTC)


@pytest.mark.parametrize("name", ["lod", "--list", "load; touch hacked"])
def test_a_name_is_a_value_and_must_be_awaited(host: Hosted, name: str) -> None:
    ended = dispatched(host, "signal", name)
    assert codes(ended) == [0, 1], ended
    assert not (host.work.parent / "signal" / "hacked").exists()


def test_two_signals_at_once_lose_nothing(host: Hosted) -> None:
    late = loaded(host, "late")
    assert codes(dispatched(host, "early", "crm", ago(5)))[:3] == [0, 0, 0]
    more = {"NAME": "load", "AT": ago(4)}
    for script in ("signal.sh", f"save-state.sh {SCRIPTS}/signal.sh"):
        assert host.runner.shell(f"{SCRIPTS}/{script}", late, more).code == 0
    assert json.loads(waiting(host))["signals"].keys() == {"crm", "load"}


def test_a_signal_that_comes_amid_an_apply_waits_for_the_next(host: Hosted) -> None:
    dispatched(host, "first", at=ago(9))
    amid, more = loaded(host, "amid"), {"OMNI_BASE_URL": host.base_url, "OMNI_API_KEY": "x"}
    at = ago(5)
    assert codes(dispatched(host, "second", at=at)) == [0, 0, 0, 0]
    host.runner.shell(f"{SCRIPTS}/apply.sh", amid, more)
    assert host.runner.shell(f"{SCRIPTS}/save-state.sh", amid).code == 0
    assert [one["at"] for one in json.loads(waiting(host))["signals"]["load"]][-1] == at
    applied(host, "next")
    (reset,) = [
        one for one in host.world.log if one.status == 200 and one.operation is Operation.RESET
    ]
    assert json.loads(reset.call.body)["resetAt"] == at
