"""What replies to the two calls prove, by table and by property, in both generations."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.progress import (
    CallNotSent,
    CallRejected,
    CallUnknown,
    JobUnreadable,
    Proof,
    RefreshAccepted,
    ResetAccepted,
)
from reconcile.omni.replies import NoReply, Reply, classify_job, classify_refresh, classify_reset
from tests.omni.calling import JOB, MODEL, STAMP

DATE = "Sun, 01 Mar 2026 11:00:05 GMT"
SERVED = datetime(2026, 3, 1, 11, 0, 5, tzinfo=UTC)


def ok(**fields: object) -> Reply:
    return Reply(200, {"date": DATE}, json.dumps(fields).encode())


def reset(answer: Reply | NoReply) -> object:
    return classify_reset(answer, model_id=MODEL, policy="daily", reset_at=STAMP)


@pytest.mark.fault("A21", "A23")
@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (ok(jobId=JOB, modelId=MODEL, status="running"), RefreshAccepted(JOB, None, SERVED)),
        (ok(job_id=JOB, model_id=MODEL, status="RUNNING"), RefreshAccepted(JOB, None, SERVED)),
        (ok(jobId=JOB, modelId=MODEL.upper()), RefreshAccepted(JOB, None, SERVED)),
        (
            ok(jobId=JOB, status="Completed", new=[1]),
            RefreshAccepted(JOB, finished=True, server_date=SERVED),
        ),
        (ok(jobId=JOB, status="failed"), RefreshAccepted(JOB, finished=False, server_date=SERVED)),
        (
            ok(modelId=MODEL, status="completed"),
            RefreshAccepted(None, finished=True, server_date=SERVED),
        ),
        (ok(status="failed"), RefreshAccepted(None, finished=False, server_date=SERVED)),
        (Reply(202, {}, b'\xef\xbb\xbf{"jobId": "a/../b"}'), RefreshAccepted("a/../b", None, None)),
    ],
)
def test_a_refresh_is_accepted_in_every_known_shape(reply: Reply, outcome: RefreshAccepted) -> None:
    assert classify_refresh(reply, model_id=MODEL) == outcome


@pytest.mark.fault("N20", "A23", "A11")
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"jobId": JOB, "modelId": "other"}, "modelId"),
        ({"jobId": ["a"], "modelId": MODEL}, "jobId"),
        ({"jobId": JOB, "status": 3}, "status"),
        ({"jobId": ""}, "jobId"),
        ({"modelId": MODEL}, "neither"),
        ({}, "neither"),
        ({"modelId": MODEL, "status": "running"}, "no jobId"),
        ({"jobId": None, "status": "IN_PROGRESS"}, "no jobId"),
    ],
)
def test_a_refresh_reply_that_cannot_be_ours_names_the_field(
    fields: dict[str, object], words: str
) -> None:
    outcome = classify_refresh(ok(**fields), model_id=MODEL)
    assert isinstance(outcome, CallUnknown)
    assert words in outcome.message
    assert outcome.server_date == SERVED


@pytest.mark.fault("A10")
@pytest.mark.parametrize("word", ["running", "IN_PROGRESS", "Nanu?"])
def test_a_job_is_missing_from_a_reply_of_v1_alone(word: str) -> None:
    # F9
    reply = ok(modelId=MODEL, status=word)
    legacy = classify_refresh(reply, model_id=MODEL, legacy=True)
    assert legacy == RefreshAccepted(None, None, SERVED)
    assert isinstance(classify_refresh(reply, model_id=MODEL), CallUnknown)


@pytest.mark.fault("A06", "A07")
@pytest.mark.parametrize(
    ("status", "detail", "proof"),
    [
        (401, "whatever", Proof.TOKEN),
        (403, "Invalid bearer token", Proof.TOKEN),
        (403, "Unauthorized: Missing or invalid API key", Proof.TOKEN),
        (403, "Forbidden: invalid API key", Proof.TOKEN),
        (403, "Unauthorized: anything", Proof.FORBIDDEN),
        (403, "Forbidden: you are unauthorized to refresh this connection", Proof.FORBIDDEN),
        (403, "Forbidden: Snowflake answered: invalid API key", Proof.FORBIDDEN),
        (403, "Forbidden: connection admin role required", Proof.FORBIDDEN),
        (403, "You do not have read permission on this connection", Proof.FORBIDDEN),
        (403, "User-scoped API keys are not allowed to access the SCIM API", Proof.FORBIDDEN),
        (403, "Forbidden: this token may not refresh", Proof.FORBIDDEN),
        (400, "Bad Request: resetAt cannot be future dated", Proof.FUTURE_STAMP),
        (400, "branch_id: Invalid uuid", Proof.REFUSED),
    ],
)
def test_a_refused_token_a_missing_permission_and_a_wrong_clock_are_told_apart(
    status: int, detail: str, proof: Proof
) -> None:
    # F6, F3
    outcome = reset(Reply(status, {"date": DATE}, json.dumps({"detail": detail}).encode()))
    assert isinstance(outcome, CallRejected)
    assert (outcome.proof, outcome.server_date) == (proof, SERVED)


def test_a_call_in_doubt_tells_the_servers_clock_where_there_was_a_reply() -> None:
    # F3
    assert reset(Reply(503, {"date": DATE})) == CallUnknown("503: the body is empty", SERVED)
    assert reset(NoReply(sent=True, message="cut")) == CallUnknown("cut")


@pytest.mark.fault("A20")
def test_success_false_is_a_refusal_even_with_200() -> None:
    reply = ok(success=False, message="No such policy")
    expected = CallRejected(Proof.REFUSED, 200, "No such policy", server_date=SERVED)
    assert classify_refresh(reply, model_id=MODEL) == expected
    assert reset(reply) == expected


@pytest.mark.fault("A18", "A23")
@pytest.mark.parametrize(
    ("echo", "stamp"),
    [
        (
            {"reset_at": "2026-03-01T11:00:00.000Z", "policy_name": "daily", "model_id": MODEL},
            STAMP,
        ),
        ({"reset_at": "2026-03-01T06:00:00-05:00"}, STAMP),
        ({"reset_at": "2026-03-01T11:00:00"}, STAMP),
        ({"reset_at": STAMP.timestamp()}, STAMP),
        ({"reset_at": int(STAMP.timestamp())}, STAMP),
        ({"reset_at": None, "id": "x"}, None),
        ({}, None),
    ],
)
def test_a_reset_is_accepted_with_any_spelling_of_its_stamp(
    echo: dict[str, object], stamp: datetime | None
) -> None:
    assert reset(ok(success=True, cache_reset=echo)) == ResetAccepted(stamp, SERVED)


@pytest.mark.fault("A18", "N20")
@pytest.mark.parametrize(
    "body",
    [
        {"success": True, "cache_reset": {"policy_name": "weekly"}},
        {"success": True, "cache_reset": {"model_id": "other"}},
        {"success": True, "cache_reset": {"reset_at": "2026-03-01T11:00:01Z"}},
        {"success": True, "cache_reset": {"reset_at": 1e300}},
        {"success": True, "cache_reset": {"reset_at": True}},
        {"success": True, "cache_reset": {"reset_at": "yesterday"}},
        {"cache_reset": []},
        {},
    ],
)
def test_a_reset_reply_that_speaks_of_something_else_stays_in_doubt(
    body: dict[str, object],
) -> None:
    assert isinstance(reset(ok(**body)), CallUnknown)


def test_a_reset_reply_without_the_echo_needs_its_success() -> None:
    assert reset(ok(success=True)) == ResetAccepted(None, SERVED)


@pytest.mark.fault("A01", "A02")
def test_a_429_carries_its_wait_for_calls_and_polls() -> None:
    reply = Reply(429, {"retry-after": "Sun, 01 Mar 2026 11:00:35 GMT", "date": DATE}, b"")
    expected = "429: the body is empty"
    assert reset(reply) == CallRejected(Proof.THROTTLED, 429, expected, 30.0, SERVED)
    told = JobUnreadable(expected, Proof.THROTTLED, 30.0, 429, SERVED)
    assert classify_job(reply, job_id=JOB) == told


@pytest.mark.fault("A08", "A19")
@pytest.mark.parametrize(
    ("detail", "advice"),
    [
        ("branch_id is required when branch schema refresh is enabled", 'set branch_id = "..."'),
        ("branch_id must not be provided when it is not enabled", "remove branch_id"),
        ("Bad Request: branch_id is not allowed", "remove branch_id"),
        ("selective schemas/tables filters require hard_refresh=false", 'mode = "soft"'),
        (
            "resetAt cannot be future dated",
            "clock is probably ahead of Omni's, which says 2026-03-01T11:00:05Z",
        ),
        ("branch_id: Invalid uuid", ""),
    ],
)
def test_a_refusal_with_known_words_says_what_to_change(detail: str, advice: str) -> None:
    outcome = reset(Reply(400, {"date": DATE}, json.dumps({"detail": detail}).encode()))
    assert isinstance(outcome, CallRejected)
    assert outcome.message.startswith(f"400: {detail}")
    assert advice in outcome.message
    assert bool(advice) == outcome.message.endswith(")")


def test_no_reply_is_not_sent_only_where_that_is_certain() -> None:
    assert reset(NoReply(sent=False, message="m")) == CallNotSent("m")
    assert reset(NoReply(sent=True, message="m")) == CallUnknown("m")


@given(st.timedeltas(timedelta(seconds=-5), timedelta(seconds=5)))
def test_a_stamp_is_ours_within_less_than_a_second(drift: timedelta) -> None:
    outcome = reset(ok(success=True, cache_reset={"reset_at": (STAMP + drift).isoformat()}))
    assert isinstance(outcome, ResetAccepted) == (abs(drift) < timedelta(seconds=1))
