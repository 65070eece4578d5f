"""Cache resets: the mark, its time, and the names of policies."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.logged_world import LoggedWorld
from tests.sandbox.conftest import NOBODY, NOON, SALES, SEEDS, Omni, call

UNSTABLE = f"/api/unstable/model/{SALES}/cache_reset/daily"


def test_a_reset_moves_the_mark_to_the_time_given(omni: Omni) -> None:
    body = omni.reset({"resetAt": "2026-03-04T06:00:00Z"}).json()
    assert body["success"] is True
    assert body["cache_reset"]["reset_at"] == "2026-03-04T06:00:00.000Z"
    assert body["cache_reset"]["policy_name"] == "daily"


def test_a_reset_without_a_time_moves_the_mark_to_now(omni: Omni) -> None:
    assert omni.reset().json()["cache_reset"]["reset_at"] == "2026-03-04T12:00:00.000Z"
    assert omni.reset({}).json()["cache_reset"]["reset_at"] == "2026-03-04T12:00:00.000Z"


def test_there_is_one_mark_a_policy_and_it_is_updated_in_place(omni: Omni) -> None:
    first = omni.reset().json()["cache_reset"]
    omni.wait(5)
    second = omni.reset({"resetAt": "2026-03-04T11:00:00Z"}).json()["cache_reset"]
    assert second["id"] == first["id"]
    assert second["created_at"] == first["created_at"]
    assert second["updated_at"] == "2026-03-04T12:00:05.000Z"
    assert second["reset_at"] == "2026-03-04T11:00:00.000Z"


@pytest.mark.fault("A19")
def test_a_future_time_is_refused_and_now_is_not(omni: Omni) -> None:
    later = (NOON + timedelta(milliseconds=1)).isoformat()
    refused = omni.reset({"resetAt": later})
    assert refused.status_code == 400
    assert "resetAt cannot be future dated" in refused.json()["detail"]
    assert omni.reset({"resetAt": NOON.isoformat()}).status_code == 200


def test_a_date_alone_is_its_midnight(omni: Omni) -> None:
    body = omni.reset({"resetAt": "2026-03-04"}).json()
    assert body["cache_reset"]["reset_at"] == "2026-03-04T00:00:00.000Z"
    assert omni.reset({"resetAt": "2026-03-05"}).status_code == 400


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        "now",
        "2026-3-4",
        "2026-02-30",
        "2026-03-04T06:00:00",
        "2026-02-30T06:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "\N{FULLWIDTH DIGIT TWO}026-03-04T06:00:00Z",
        1738276252.872,
        None,
    ],
)
def test_a_timestamp_that_is_none_is_refused(omni: Omni, stamp: object) -> None:
    assert omni.reset({"resetAt": stamp}).status_code == 400
    assert not omni.stage.world.instance.marks


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(omni: Omni, body: bytes) -> None:
    reply = omni.http.post(f"/api/v1/models/{SALES}/cache_reset/daily", content=body)
    assert reply.status_code == 400


@pytest.mark.fault("A18")
def test_an_unknown_policy_is_accepted(omni: Omni) -> None:
    assert omni.reset(policy="nobody-made-it").status_code == 200


def test_an_unknown_model_answers_404(omni: Omni) -> None:
    reply = omni.http.post(f"/api/v1/models/{NOBODY}/cache_reset/daily")
    assert reply.status_code == 404


def test_the_unstable_reset_answers_epoch_seconds(omni: Omni) -> None:
    reply = omni.http.post(UNSTABLE, json={"resetAt": "2025-01-30T22:30:52.872Z"})
    assert reply.json()["cache_reset"]["reset_at"] == 1738276252.872
    assert omni.http.post(UNSTABLE, json={"resetAt": "x"}).json()["schemas"]


@pytest.mark.parametrize("policy", ["a/b", "two words", "Täglich ☕", "100%", "a?b#c", "%2F", "+"])
def test_a_policy_name_arrives_as_it_was_meant(omni: Omni, policy: str) -> None:
    body = omni.reset(policy=quote(policy, safe="")).json()
    assert body["cache_reset"]["policy_name"] == policy
    assert (SALES, policy) in omni.stage.world.instance.marks


@given(policy=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
@example(policy="..")
@example(policy="cache_reset/daily")
def test_every_policy_name_survives_the_path(policy: str) -> None:
    world = LoggedWorld(SEEDS)
    path = f"/api/v1/models/{SALES}/cache_reset/{quote(policy, safe='')}"
    assert world.answer(call("POST", path), NOON).status == 200
    assert list(world.instance.marks) == [(SALES, policy)]
