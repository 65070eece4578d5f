"""Tokens, unknown paths, the rate limit: what is said before any rule is asked."""

import pytest

from reconcile.sandbox.instance import Role, Settings, Token
from reconcile.sandbox.world import SANDBOX_BEARER
from tests.sandbox.conftest import BRANCH, BRANCHED, SALES, Omni


@pytest.mark.fault("A06")
def test_a_wrong_token_answers_403_as_seen_live(omni: Omni) -> None:
    reply = omni.http.get("/api/v1/models", headers={"authorization": "Bearer wrong"})
    assert (reply.status_code, reply.json()["detail"]) == (403, "Invalid bearer token")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", f"Basic {SANDBOX_BEARER}"])
def test_no_bearer_token_answers_401(omni: Omni, header: str) -> None:
    reply = omni.http.get("/api/v1/models", headers={"authorization": header.strip()})
    assert reply.json() == {"detail": "Unauthorized: Missing or invalid API key", "status": 401}


def test_the_log_never_holds_a_token(omni: Omni) -> None:
    omni.http.get("/api/v1/models", headers={"authorization": "Bearer a-real-secret"})
    assert "a-real-secret" not in repr(omni.stage.world.log)
    assert omni.stage.world.log[-1].token_name is None


@pytest.mark.parametrize("path", ["/", "/api/v1/model", "/api/v1/models/", "/api/v2/models"])
def test_an_unknown_path_answers_404_in_json(omni: Omni, path: str) -> None:
    assert omni.http.get(path).json()["status"] == 404


def test_another_method_answers_405_and_names_the_one_allowed(omni: Omni) -> None:
    reply = omni.http.delete(f"/api/v1/models/{SALES}/refresh")
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")


@pytest.mark.fault("A01")
def test_the_sixty_first_request_of_a_minute_answers_429_without_retry_after(omni: Omni) -> None:
    statuses = [omni.http.get("/api/v1/connections").status_code for _ in range(60)]
    refused = omni.refresh()
    assert set(statuses) == {200}
    assert refused.status_code == 429
    assert "retry-after" not in refused.headers
    omni.wait(60)
    assert omni.refresh().status_code == 200


def test_refused_requests_count_against_the_limit_too(omni: Omni) -> None:
    omni.put(settings=Settings(requests_per_minute=2))
    statuses = []
    for _ in range(4):
        statuses.append(omni.refresh().status_code)
        omni.wait(25)
    assert statuses == [200, 200, 429, 429], "at 75 s the refused one of 50 s still counts"


def test_each_token_has_a_limit_of_its_own(omni: Omni) -> None:
    both = {SANDBOX_BEARER: Token("one"), "other": Token("two")}
    omni.put(settings=Settings(requests_per_minute=1), tokens=both)
    assert omni.refresh().status_code == 200
    assert omni.refresh().status_code == 429
    other = omni.http.get("/api/v1/models", headers={"authorization": "Bearer other"})
    assert other.status_code == 200


def test_the_date_header_is_the_instant_of_the_world(omni: Omni) -> None:
    assert omni.refresh().headers["date"] == "Wed, 04 Mar 2026 12:00:00 GMT"


def test_a_modeler_refreshes_only_where_a_connection_has_one_shared_model(omni: Omni) -> None:
    omni.put(tokens={SANDBOX_BEARER: Token("modeler", Role.MODELER)})
    assert omni.refresh(SALES).status_code == 403
    assert omni.refresh(BRANCHED, branch_id=BRANCH).status_code == 200


def test_a_viewer_may_read_but_not_act(omni: Omni) -> None:
    omni.put(tokens={SANDBOX_BEARER: Token("viewer", Role.VIEWER)})
    assert omni.reset().status_code == omni.refresh().status_code == 403
    assert omni.http.get("/api/v1/connections").status_code == 403
    assert omni.http.get("/api/v1/models").status_code == 200


def test_a_body_too_long_is_refused_before_it_is_read_whole(omni: Omni) -> None:
    reply = omni.http.post(f"/api/v1/models/{SALES}/refresh", content=b"x" * 1_100_000)
    assert reply.status_code == 413
    assert not omni.stage.world.log
