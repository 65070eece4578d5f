"""What really leaves: one target byte for byte, one token to one origin, whatever is set."""

import json
import subprocess
import sys
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.plan import Request
from reconcile.model.progress import CallNotSent, JobUnreadable, RefreshAccepted, ResetAccepted
from reconcile.model.struct import replace
from reconcile.omni.http import encode_target, model_of
from tests.omni.calling import (
    JOB,
    MODEL,
    REFRESH,
    RESET,
    STAMP,
    TOKEN,
    call,
    refresh,
    reset_daily,
)  # fmt: skip
from tests.omni.fault_server import FaultServer, reply
from tests.strategies import examples

OK = reply(json.dumps({"jobId": JOB, "modelId": MODEL, "status": "running"}))
DONE = reply(json.dumps({"success": True, "cache_reset": {"reset_at": None}}))
NAMES = [
    "daily",
    "a/b",
    "a b",
    "\U0001f600",
    "50%",
    "%2e%2e",
    "a?b",
    "a#b",
    "a;b&c=d",
    "..x",
    "\u00fc",
]


def test_a_refresh_is_one_plain_post_without_a_body() -> None:
    with FaultServer((OK,)) as server:
        assert refresh(server.url) == RefreshAccepted(JOB, None, None)
        host = f"127.0.0.1:{server.port}"
    (request,) = server.received
    assert request.target == f"/api/v1/models/{MODEL}/refresh?hard_refresh=true"
    assert request.body == b""
    headers = {name: value for name, value in request.headers.items() if name != "connection"}
    assert headers == {
        "host": host, "accept": "application/json", "accept-encoding": "identity",
        "user-agent": "reconcile", "content-length": "0", "authorization": f"Bearer {TOKEN}",
    }  # fmt: skip


def test_a_reset_sends_its_stamp_and_fills_in_one_left_open() -> None:
    open_stamp = replace(RESET, body={"resetAt": None})
    with FaultServer((DONE,)) as server:
        reset_daily(server.url)
        call(
            server.url,
            lambda client: client.send_reset(
                open_stamp, model_id=MODEL, policy="daily", reset_at=STAMP
            ),
        )
    bodies = [json.loads(request.body) for request in server.received]
    assert bodies == [{"resetAt": "2026-03-01T11:00:00Z"}] * 2
    assert server.received[0].headers["content-type"] == "application/json"


@pytest.mark.fault("C21", "A11")
@pytest.mark.parametrize("policy", NAMES)
@pytest.mark.parametrize(
    "stem", [f"/api/v1/models/{MODEL}/cache_reset/", f"/api/unstable/model/{MODEL}/cache_reset/"]
)
def test_a_percent_encoded_name_arrives_byte_for_byte(stem: str, policy: str) -> None:
    request = Request("POST", stem + quote(policy, safe=""), (), {"resetAt": "x"})
    with FaultServer((DONE,)) as server:
        outcome = call(
            server.url,
            lambda client: client.send_reset(
                request, model_id=MODEL, policy=policy, reset_at=STAMP
            ),
        )
    assert isinstance(outcome, ResetAccepted)
    assert server.received[0].target == request.path


@pytest.mark.fault("A11", "C20")
@pytest.mark.parametrize(
    "segment", ["..", ".", "%2e%2e", "%2E.", "", "a b", "a?b", "a#b", "\u00fc", "a\nb", "%"]
)
def test_a_path_that_a_server_could_read_as_another_is_not_sent(segment: str) -> None:
    request = replace(REFRESH, path=f"/api/v1/models/{segment}/refresh")
    with FaultServer((OK,)) as server:
        outcome = call(server.url, lambda client: client.send_refresh(request))
    assert isinstance(outcome, CallNotSent)
    assert server.connections == 0


@pytest.mark.fault("A11")
@pytest.mark.parametrize("job_id", ["../../users", "a/b?c=d", "x\r\nEvil: 1"])
def test_a_job_id_cannot_change_the_path(job_id: str) -> None:
    with FaultServer((reply("{}"),)) as server:
        call(server.url, lambda client: client.fetch_job(job_id))
        assert isinstance(call(server.url, lambda client: client.fetch_job("..")), JobUnreadable)
    (request,) = server.received
    assert request.target == f"/api/v1/jobs/{quote(job_id, safe='')}/status"
    assert "evil" not in request.headers


@examples(200)
@given(st.text(min_size=1, max_size=20), st.text(max_size=10), st.text(max_size=10))
def test_every_name_makes_one_segment_or_no_request(name: str, key: str, value: str) -> None:
    try:
        path = f"/api/v1/models/{quote(name, safe='')}/refresh"
        target = encode_target(Request("POST", path, ((key, value),)))
    except UnicodeEncodeError:
        return  # a lone surrogate; no reader of ours lets one in
    if target is None:
        assert name in {".", ".."}
        return
    sent = target.decode("ascii").partition("?")[0]
    assert sent == path
    assert model_of(path) == name
    assert [unquote(part) for part in sent.split("/")][4] == name


def test_the_room_does_not_load_an_http_library_until_the_client_is_asked_for() -> None:
    script = (
        "import sys, reconcile.omni.credential, reconcile.omni.replies;"
        "import reconcile.planning.budget;"
        "sys.exit(any(name in sys.modules for name in ('httpx', 'asyncio', 'ssl')))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
