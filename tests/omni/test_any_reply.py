"""Whatever a server sends ends in an outcome, and never in one it does not prove."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.progress import (
    CallNotSent,
    CallRejected,
    JobUnreadable,
    RefreshAccepted,
    ResetAccepted,
)
from reconcile.omni.replies import Reply, classify_job, classify_refresh
from tests.omni.calling import JOB, MODEL
from tests.omni.test_replies import reset

IN_DOUBT = {*range(100, 300), 303, 408, *range(500, 700)} - {501, 505}
"""All that do not say that nothing was done; 2xx is a success only if its body says so."""


@pytest.mark.fault("A09", "Z18", "N13")
@given(st.integers(100, 699), st.binary(max_size=60), st.none() | st.text(max_size=20))
def test_whatever_comes_only_a_proof_clears_a_call(
    status: int, body: bytes, flaw: str | None
) -> None:
    # F8
    reply = Reply(status, {"retry-after": "\u0663", "date": "x", "location": "//["}, body, flaw)
    for outcome in (classify_refresh(reply, model_id=MODEL), reset(reply)):
        assert isinstance(outcome, CallRejected) == (status not in IN_DOUBT)
        assert not isinstance(outcome, CallNotSent | RefreshAccepted | ResetAccepted)
    assert isinstance(classify_job(reply, job_id=JOB), JobUnreadable)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
known_names = st.sampled_from(
    ["jobId", "job_id", "modelId", "status", "state", "success", "cache_reset", "detail", "errors"]
)


@pytest.mark.fault("A23", "Z18")
@given(st.dictionaries(known_names, json_values, max_size=6), st.sampled_from([200, 400, 500]))
def test_a_field_of_any_type_ends_in_an_outcome(fields: dict[str, object], status: int) -> None:
    reply = Reply(status, {}, json.dumps(fields).encode())
    classify_refresh(reply, model_id=MODEL)
    reset(reply)
    classify_job(reply, job_id=JOB)
