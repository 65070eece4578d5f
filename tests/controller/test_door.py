"""What comes in through the door for signals, and what is turned away."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from reconcile.controller import door
from reconcile.controller.door import Door
from reconcile.model.recorded import Signals
from reconcile.model.struct import replace
from reconcile.state.backend import backend
from reconcile.state.inbox import Unheeded
from tests.config.given import loaded

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
FIVE = "2026-11-22T05:42:07.123456Z"
SECRET, TOKEN = "a secret of dbt", "a token of the door"
FILE = """
[state]
url = "STATE"
[signals.dbt]
webhook = "dbt"
secret_env = "DBT_SECRET"
match = { "data.jobId" = "4711" }
[signals.crm]
webhook = "fivetran"
secret_file = "fivetran.secret"
[signals.ci]
webhook = "github"
secret_env = "DBT_SECRET"
[signals.own]
webhook = "github"
header = "X-Own"
secret_env = "DBT_SECRET"
success = { "state" = "ok" }
[models.sales]
id = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"
refresh.on_signal = ["dbt", "crm", "ci", "own", "load"]
"""
DBT = {"data": {"jobId": 4711, "runStatus": "Success", "runFinishedAt": FIVE}}
CRM = {"event": "sync_end", "created": FIVE, "data": {"status": "SUCCESSFUL"}}
CI = {"action": "completed", "workflow_run": {"conclusion": "success", "updated_at": FIVE}}


class Street:
    """A door, and what was put through it."""

    def __init__(self, folder: Path) -> None:
        self.url = str(folder / "state.json")
        (folder / "fivetran.secret").write_text(f"{SECRET}\n")
        desired = loaded(FILE.replace("STATE", self.url)).desired
        secret = str(folder / "fivetran.secret")
        hooks = tuple(
            replace(hook, secret_file=hook.secret_file and secret) for hook in desired.webhooks
        )
        self.heard: list[tuple[str, dict[str, str]]] = []
        self.door = Door(
            {"": replace(desired, webhooks=hooks)}.get,
            TOKEN,
            lambda: NOON,
            self.hear,
        )

    async def hear(self, _: str, name: str, more: Mapping[str, str]) -> None:
        self.heard.append((name, dict(more)))

    def post(self, path: str, body: Any = b"", **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}

        async def send() -> httpx.Response:
            app = Starlette(routes=[self.door.route()])
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
                return await client.post(f"/signals/{path}", content=content, headers=sent)

        return asyncio.run(send())

    @property
    def kept(self) -> Signals:
        return backend(self.url).inbox.waiting()


@pytest.fixture
def street(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Street:
    monkeypatch.setenv("DBT_SECRET", SECRET)
    return Street(tmp_path)


def signed(body: Any) -> str:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return hmac.new(SECRET.encode(), content, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("name", "body", "header", "spelled"),
    [
        ("dbt", DBT, "Authorization", "{}"),
        ("crm", CRM, "X_Fivetran_Signature_256", "{}"),
        ("ci", CI, "X_Hub_Signature_256", "sha256={}"),
    ],
)
def test_what_a_sender_signs_is_a_signal_as_of_the_instant_in_its_body(
    street: Street, name: str, body: Any, header: str, spelled: str
) -> None:
    assert street.post(name, body, **{header: spelled.format(signed(body))}).status_code == 202
    (signal,) = street.kept[name]
    assert signal.at == datetime.fromisoformat(FIVE)
    assert street.heard == [(name, {})]


def test_a_signature_in_capitals_is_one_too(street: Street) -> None:
    told = street.post("crm", CRM, X_Fivetran_Signature_256=signed(CRM).upper())
    assert told.status_code == 202


def test_a_sender_of_ones_own_names_its_header_and_counts_as_of_its_arrival(street: Street) -> None:
    assert street.post("own", {"state": "ok"}, X_Own=signed({"state": "ok"})).status_code == 202
    assert street.kept["own"][0].at == NOON


def test_whoever_shows_the_token_may_send_any_signal(street: Street) -> None:
    for name in ("load", "dbt"):
        assert street.post(name, Authorization=f"Bearer {TOKEN}").status_code == 202
    assert street.post(f"load?at={FIVE}", Authorization=f"Bearer {TOKEN}").status_code == 202
    assert [signal.at for signal in street.kept["load"]] == [datetime.fromisoformat(FIVE), NOON]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("dbt", {}, 401),
        ("dbt", {"Authorization": "0" * 64}, 401),
        ("dbt", {"Authorization": "Bearer another token!"}, 401),
        ("load", {}, 401),
        ("nightly", {"Authorization": f"Bearer {TOKEN}"}, 404),
        ("load?at=soon", {"Authorization": f"Bearer {TOKEN}"}, 400),
        ("load?at=2026-11-22T13:00:00Z", {"Authorization": f"Bearer {TOKEN}"}, 400),
    ],
)
def test_what_proves_nothing_or_cannot_be_is_turned_away(
    street: Street, path: str, headers: dict[str, str], status: int
) -> None:
    assert street.post(path, DBT, **headers).status_code == status
    assert (street.kept, street.heard, street.door.answers) == ({}, [], {status: 1})


def test_nothing_is_parsed_before_its_signature_has_been_checked(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "read_event", None)
    assert street.post("dbt", b"{", Authorization="0" * 64).status_code == 401


def test_a_signed_body_that_is_no_json_is_a_bad_request(street: Street) -> None:
    assert street.post("dbt", b"{", Authorization=signed(b"{")).status_code == 400


def test_a_body_that_is_too_long_is_refused_whoever_signed_it(street: Street) -> None:
    body = b" " * (door.LONGEST_BODY + 1)
    assert street.post("dbt", body, Authorization=signed(body)).status_code == 413


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"runStatus": "Errored"}, "data.runStatus is 'Errored', not 'Success'"),
        ({"jobId": 4712}, "data.jobId is '4712', not '4711'"),
        ({"jobId": None}, "data.jobId is not there, not '4711'"),
        ({"runFinishedAt": None}, "data.runFinishedAt holds no instant"),
    ],
)
def test_what_is_signed_and_no_success_changes_nothing_and_is_told(
    street: Street, more: dict[str, Any], why: str
) -> None:
    body = {"data": DBT["data"] | more}
    told = street.post("dbt", body, Authorization=signed(body))
    assert (told.status_code, told.json()) == (200, {"recorded": False, "why": why})
    assert (street.kept, street.heard) == ({}, [("dbt", {"unheeded": why})])
    assert backend(street.url).inbox.unheeded() == {"dbt": Unheeded(NOON, why)}


def test_an_instant_a_little_ahead_of_our_clock_counts_as_now(street: Street) -> None:
    soon = NOON + timedelta(minutes=4)
    body = {"data": DBT["data"] | {"runFinishedAt": soon.isoformat()}}
    assert street.post("dbt", body, Authorization=signed(body)).status_code == 202
    assert street.kept["dbt"][0].at == NOON


def test_a_store_that_does_not_answer_in_time_is_told_and_never_a_late_success(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(door, "ANSWER_S", 0.05)
    monkeypatch.setattr(asyncio, "to_thread", never)
    assert street.post("load", Authorization=f"Bearer {TOKEN}").status_code == 503
    assert street.heard == []


def test_a_secret_that_is_not_set_lets_nobody_in(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DBT_SECRET")
    empty = hmac.new(b"", json.dumps(DBT).encode(), hashlib.sha256).hexdigest()
    assert street.post("dbt", DBT, Authorization=empty).status_code == 503
