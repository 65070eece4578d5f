"""What is added to a refusal of one call: which permission, or whom to ask."""

from reconcile.model.progress import CallRejected, Proof
from reconcile.model.struct import replace
from tests.omni.calling import MODEL, REFRESH, RESET, STAMP, call, refresh, reset_daily
from tests.omni.fault_server import FaultServer, reply

FORBIDDEN = reply('{"detail": "Forbidden: no"}', status="403 Forbidden")
BAD_TOKEN = reply('{"detail": "Invalid bearer token"}', status="403 Forbidden")
ABSENT = reply("{}", status="404 Not Found")


def test_a_forbidden_refresh_names_the_permission_it_needs() -> None:
    # F6
    with FaultServer((FORBIDDEN,)) as server:
        outcome, other = refresh(server.url), reset_daily(server.url)
    assert isinstance(outcome, CallRejected)
    assert "Connection Admin" in outcome.message
    assert "Modeler" in outcome.message
    assert "Modeler" not in repr(other)


def test_a_refused_token_needs_no_permission() -> None:
    # F6
    with FaultServer((BAD_TOKEN,)) as server:
        outcome = refresh(server.url)
    assert isinstance(outcome, CallRejected)
    assert (outcome.proof, "Modeler" in outcome.message) == (Proof.TOKEN, False)


def test_a_reset_that_the_older_api_does_not_know_names_who_enables_it() -> None:
    old = replace(RESET, path=f"/api/unstable/model/{MODEL}/cache_reset/daily")
    with FaultServer((ABSENT,)) as server:
        outcome = call(
            server.url,
            lambda client: client.send_reset(old, model_id=MODEL, policy="daily", reset_at=STAMP),
        )
        assert isinstance(outcome, CallRejected)
        assert "Omni's support" in outcome.message
        assert "support" not in repr(reset_daily(server.url))
        assert "support" not in repr(call(server.url, lambda client: client.send_refresh(REFRESH)))
