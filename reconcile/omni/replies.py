"""Classifies what came back from each of the three calls into its union of outcomes. Pure."""

from datetime import datetime, timedelta

from reconcile.model.outcome import (
    CallNotSent,
    CallRejected,
    CallUnknown,
    JobCompleted,
    JobFailed,
    JobOutcome,
    JobRunning,
    JobUnreadable,
    Proof,
    RefreshAccepted,
    RefreshOutcome,
    ResetAccepted,
    ResetOutcome,
)
from reconcile.omni.answer import Answer, Failure, open_answer
from reconcile.omni.decoding import UnusableReplyError, decode_instant, error_text
from reconcile.omni.fields import require_echo, text_field

_COMPLETED = frozenset({"COMPLETED", "COMPLETE", "SUCCESS", "SUCCEEDED", "DONE"})
_FAILED = frozenset({"FAILED", "ERROR", "CANCELLED", "CANCELED"})
_LONGEST_JOB_ID = 200
_LONGEST_WORD = 40

# Omni shows times to the millisecond and may store them coarser; a stamp has no closer neighbour.
_STAMP_TOLERANCE = timedelta(seconds=1)


def classify_refresh(answer: Answer, *, model_id: str) -> RefreshOutcome:
    """Say what a refresh call came to. Reply shapes: omni-api.md 2.1, both generations."""
    opened = open_answer(answer)
    if isinstance(opened, Failure):
        return opened
    reply, body = opened
    try:
        require_echo("modelId", text_field(body, "modelId", "model_id"), model_id)
        job_id = text_field(body, "jobId", "job_id")
        word = text_field(body, "status", "state")
    except UnusableReplyError as error:
        return CallUnknown(str(error))
    if job_id is None and word is None:
        return CallUnknown(f"the reply has neither a job nor a status: {error_text(reply.body)}")
    if job_id is not None and not 0 < len(job_id) <= _LONGEST_JOB_ID:
        return CallUnknown("the reply's jobId is empty or absurdly long")
    return RefreshAccepted(job_id, _ended(word or ""), reply.date)


def classify_reset(
    answer: Answer, *, model_id: str, policy: str, reset_at: datetime
) -> ResetOutcome:
    """Say what a cache reset came to.

    Omni's docs say that a policy name is not validated (omni-api.md 2.3 [doc]), so the echo is
    the only sign that the reply speaks of our call.
    """
    opened = open_answer(answer)
    if isinstance(opened, Failure):
        return opened
    reply, body = opened
    echo = body.get("cache_reset")
    try:
        if not isinstance(echo, dict):
            if body.get("success") is True:
                return ResetAccepted(None, reply.date)
            return CallUnknown(f"the reply confirms nothing: {error_text(reply.body)}")
        require_echo("model_id", text_field(echo, "model_id", "modelId"), model_id)
        require_echo("policy_name", text_field(echo, "policy_name", "policyName"), policy)
        stamp = decode_instant(echo.get("reset_at", echo.get("resetAt")), "reset_at")
    except UnusableReplyError as error:
        return CallUnknown(str(error))
    if stamp is not None and abs(stamp - reset_at) >= _STAMP_TOLERANCE:
        return CallUnknown(
            f"the reply speaks of reset_at {stamp.isoformat()}, not of {reset_at.isoformat()}"
        )
    return ResetAccepted(stamp, reply.date)


def classify_job(answer: Answer, *, job_id: str) -> JobOutcome:
    """Say where a job stands. The status has three spellings (omni-api.md 4, row 1).

    An unknown word is a job that has not ended. `job_type` is not judged: its spelling differs by
    source and tells nothing that the id does not.
    """
    opened = open_answer(answer)
    if isinstance(opened, Failure):
        return _unreadable(opened)
    reply, body = opened
    if "status" not in body and "state" not in body:
        return JobUnreadable(f"the reply has no status: {error_text(reply.body)}")
    try:
        require_echo("job_id", text_field(body, "job_id", "jobId"), job_id)
        word = (text_field(body, "status", "state") or "null")[:_LONGEST_WORD]
    except UnusableReplyError as error:
        return JobUnreadable(str(error))
    match _ended(word):
        case True:
            return JobCompleted(reply.date)
        case False:
            return JobFailed(word)
        case None:
            return JobRunning(word)


def _unreadable(failure: Failure) -> JobUnreadable:
    match failure:
        case CallNotSent(message):
            return JobUnreadable(message, Proof.UNREACHABLE)
        case CallRejected(proof=proof, message=message, retry_after_s=retry_after_s):
            return JobUnreadable(message, proof, retry_after_s)
        case CallUnknown(message):
            return JobUnreadable(message)


def _ended(word: str) -> bool | None:
    """Return True for a word of success, False for one of failure, None while it runs."""
    upper = word.strip().upper()
    if upper in _COMPLETED:
        return True
    return False if upper in _FAILED else None
