"""Every way an exchange can go wrong, over real sockets: the outcome, and one POST at most."""

import asyncio
import socket

import pytest

from reconcile.model.progress import (
    CallNotSent,
    CallRejected,
    CallUnknown,
    JobRunning,
    JobUnreadable,
    Proof,
    RefreshAccepted,
    RefreshOutcome,
)
from reconcile.model.struct import replace
from reconcile.omni.credential import Secret
from reconcile.omni.http import Exchange, OmniClient
from reconcile.omni.replies import NoReply
from tests.omni.broken_replies import HEAD, IN_DOUBT, OK, REDIRECTS, REFUSALS
from tests.omni.calling import (
    JOB,
    MODEL,
    REFRESH,
    TOKEN,
    call,
    credential_for,
    poll,
    refresh,
    reset_daily,
)
from tests.omni.fault_server import FaultServer, raw, reply, reset, silence


@pytest.mark.fault(
    "A09", "A11", "A23", "N04", "N05", "N07", "N08", "N09", "N10", "N11", "N12", "N13", "N18", "N20"
)
@pytest.mark.parametrize("name", IN_DOUBT)
def test_what_proves_nothing_leaves_the_call_in_doubt_after_one_post(name: str) -> None:
    with FaultServer((IN_DOUBT[name][1],)) as server:
        outcome = refresh(server.url, deadline_s=0.6)
    assert isinstance(outcome, CallUnknown), outcome
    assert server.posts == 1
    assert TOKEN not in repr(outcome)


@pytest.mark.fault("N19")
@pytest.mark.parametrize(
    "name", [n for n in IN_DOUBT if n != "another model" and "job id" not in n]
)
def test_the_same_faults_say_nothing_about_a_job(name: str) -> None:
    with FaultServer((IN_DOUBT[name][1],)) as server:
        outcome = poll(server.url, deadline_s=0.6)
    assert isinstance(outcome, JobUnreadable), outcome
    assert outcome.proof is None
    assert server.posts == 0


@pytest.mark.fault("N14", "Z03")
@pytest.mark.parametrize(("code", "location"), REDIRECTS)
def test_a_redirect_is_never_followed_and_its_target_is_named(code: int, location: str) -> None:
    target = reply("", status=f"{code} Elsewhere", headers=(f"Location: {location}",))
    with FaultServer((target, reply(OK))) as server:
        outcome = refresh(server.url)
    assert isinstance(outcome, CallUnknown if code == 303 else CallRejected)  # F8
    assert ("evil.example" in outcome.message) == ("evil" in location)
    assert len(server.received) == 1


@pytest.mark.fault("A06", "A07", "A01", "A08", "A18")
@pytest.mark.parametrize(
    ("status", "proof"),
    [
        (401, Proof.TOKEN),
        (403, Proof.FORBIDDEN),
        (404, Proof.NOT_FOUND),
        *[(status, Proof.REFUSED) for status in REFUSALS],
        (429, Proof.THROTTLED),
    ],
)
@pytest.mark.parametrize(
    "body", ['{"detail":"No"}', "", "<html>", "\ud83d".encode("utf-8", "surrogatepass")]
)
def test_a_refusal_is_proven_by_its_status_whatever_the_body(
    status: int, proof: Proof, body: str | bytes
) -> None:
    # F8
    with FaultServer((reply(body, status=f"{status} No"),)) as server:
        outcome = reset_daily(server.url)
    assert isinstance(outcome, CallRejected)
    assert (outcome.proof, outcome.status, server.posts) == (proof, status, 1)


def test_a_refusal_stays_one_when_its_body_is_cut_or_compressed() -> None:
    cut = reply("{}", status="404 Not Found", length=50)
    squeezed = reply(b"\x1f\x8b", status="404 Not Found", headers=("Content-Encoding: gzip",))
    with FaultServer((cut, squeezed)) as server:
        outcomes = [refresh(server.url), refresh(server.url)]
    assert all(isinstance(outcome, CallRejected) for outcome in outcomes)


@pytest.mark.fault("N01")
def test_a_refused_connection_means_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert isinstance(refresh(f"http://127.0.0.1:{port}"), CallNotSent)


@pytest.mark.fault("N01")
def test_an_unknown_host_means_nothing_was_sent() -> None:
    assert isinstance(refresh("https://nowhere.invalid", deadline_s=2), CallNotSent)


@pytest.mark.fault("N02")
def test_a_connection_that_is_never_accepted_means_nothing_was_sent() -> None:
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in (first, second):
            filler.settimeout(0)
            filler.connect_ex(listener.getsockname())
        outcome = refresh(f"http://127.0.0.1:{listener.getsockname()[1]}", deadline_s=0.3)
    assert isinstance(outcome, CallNotSent)


@pytest.mark.fault("N05")
def test_a_call_that_only_waited_for_a_connection_was_not_sent() -> None:
    async def both(url: str) -> set[type]:
        async with OmniClient(credential_for(url), deadline_s=0.4, connections=1) as client:
            calls = (client.send_refresh(REFRESH), client.send_refresh(REFRESH))
            return {type(outcome) for outcome in await asyncio.gather(*calls)}

    with FaultServer((silence,)) as server:
        assert asyncio.run(both(server.url)) == {CallUnknown, CallNotSent}
    assert server.posts == 1


def test_an_event_of_an_unknown_name_counts_as_sent() -> None:
    exchange = Exchange(Secret(TOKEN), "https://myorg.omniapp.co")
    asyncio.run(exchange.trace("connection.connect_tcp.started", {}))
    assert exchange.deadline_passed(1.0) == NoReply(
        sent=False,
        message="https://myorg.omniapp.co could not be reached: no complete reply within 1 s",
    )
    asyncio.run(exchange.trace("http12.write", {}))
    assert isinstance(answer := exchange.deadline_passed(1.0), NoReply)
    assert answer.sent


async def refresh_twice(client: OmniClient) -> RefreshOutcome:
    await client.send_refresh(REFRESH)
    return await client.send_refresh(REFRESH)


async def refresh_after_a_while(client: OmniClient) -> RefreshOutcome:
    await client.send_refresh(REFRESH)
    await asyncio.sleep(0.2)  # The server's end of the connection arrives meanwhile.
    return await client.send_refresh(REFRESH)


@pytest.mark.fault("N06")
def test_a_kept_connection_that_breaks_costs_no_second_post() -> None:
    with FaultServer((reply(OK), reset)) as server:
        outcome = call(server.url, refresh_twice)
    assert isinstance(outcome, CallUnknown)
    assert (server.posts, server.connections) == (2, 1)


@pytest.mark.fault("N06")
def test_a_connection_the_server_closed_meanwhile_is_not_used_again() -> None:
    with FaultServer(
        (raw(HEAD + f"Content-Length: {len(OK)}\r\n\r\n{OK}".encode()), reply(OK))
    ) as server:
        outcome = call(server.url, refresh_after_a_while)
    assert outcome == RefreshAccepted(JOB, None, None)
    assert (server.posts, server.connections) == (2, 2)


@pytest.mark.fault("N15")
def test_cookies_are_neither_kept_nor_sent_back() -> None:
    with FaultServer((reply(OK, headers=("Set-Cookie: session=1; Path=/",)),)) as server:
        call(server.url, refresh_twice)
    assert server.posts == 2
    assert not any("cookie" in request.headers for request in server.received)


@pytest.mark.fault("A10", "A21")
def test_a_running_refresh_without_a_job_is_accepted_of_the_older_api_alone() -> None:
    # F9
    legacy = replace(REFRESH, path=f"/api/v0/model/{MODEL}/refresh", query=())
    with FaultServer((reply(f'{{"modelId": "{MODEL}", "status": "running"}}'),)) as server:
        assert isinstance(refresh(server.url), CallUnknown)
        outcome = call(server.url, lambda client: client.send_refresh(legacy))
    assert outcome == RefreshAccepted(None, None, None)


@pytest.mark.fault("N19")
def test_a_poll_after_a_broken_one_reads_the_job() -> None:
    good = reply(f'{{"job_id": "{JOB}", "status": "IN_PROGRESS"}}')
    with FaultServer((reset, good)) as server:
        first, second = poll(server.url), poll(server.url)
    assert isinstance(first, JobUnreadable)
    assert second == JobRunning("IN_PROGRESS")


def test_a_call_is_not_sent_once_the_lock_is_lost_though_its_intent_was_written() -> None:  # K8
    async def run(url: str) -> RefreshOutcome:
        async with OmniClient(credential_for(url), may_call=lambda: False) as client:
            return await client.send_refresh(REFRESH)

    with FaultServer((reply(OK),)) as server:
        outcome = asyncio.run(run(server.url))
    assert outcome == CallNotSent("the lock was lost before it was sent")
    assert server.posts == 0
