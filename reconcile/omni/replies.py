"""Classifies what came back from each of the three calls into its union of outcomes. Pure."""

from datetime import datetime, timedelta

from reconcile.model.progress import (
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
from reconcile.omni.answer import Answer, Failure, Reply, open_answer
from reconcile.omni.decoding import UnusableReplyError, decode_instant, error_text
from reconcile.omni.fields import require_echo, text_field

_COMPLETED = frozenset({"COMPLETED", "COMPLETE", "SUCCESS", "SUCCEEDED", "DONE"})
_FAILED = frozenset({"FAILED", "ERROR", "CANCELLED", "CANCELED"})
_LONGEST_JOB_ID = 200
_LONGEST_WORD = 40

# Omni shows times to the millisecond and may store them coarser; a stamp has no closer neighbour.
_STAMP_TOLERANCE = timedelta(seconds=1)


def classify_refresh(answer: Answer, *, model_id: str, legacy: bool = False) -> RefreshOutcome:
    """Say what a refresh call came to. Reply shapes: omni-api.md 2.1, both generations.

    `legacy`: the v0 call, whose replies have no job. In a reply of v1 a job that is missing is one
    nobody can follow, and its end is unknown unless the reply itself tells it.
    """
    opened = open_answer(answer)
    if isinstance(opened, Failure):
        return opened
    reply, body = opened
    try:
        require_echo("modelId", text_field(body, "modelId", "model_id"), model_id)
        job_id = text_field(body, "jobId", "job_id")
        word = text_field(body, "status", "state")
    except UnusableReplyError as error:
        return CallUnknown(str(error), reply.date)
    ended = _ended(word or "")
    if flaw := _unfollowable(job_id, word, told=ended is not None, legacy=legacy):
        return CallUnknown(f"{flaw}: {error_text(reply.body)}", reply.date)
    return RefreshAccepted(job_id, ended, reply.date)


def _unfollowable(job_id: str | None, word: str | None, *, told: bool, legacy: bool) -> str | None:
    """Say why the end of a refresh can be learned neither from its reply (`told`) nor later."""
    if job_id is not None:
        sane = 0 < len(job_id) <= _LONGEST_JOB_ID
        return None if sane else "the reply's jobId is empty or absurdly long"
    if word is None:
        return "the reply has neither a job nor a status"
    return None if told or legacy else "the reply has no jobId, so the refresh cannot be followed"


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
            return CallUnknown(f"the reply confirms nothing: {error_text(reply.body)}", reply.date)
        require_echo("model_id", text_field(echo, "model_id", "modelId"), model_id)
        require_echo("policy_name", text_field(echo, "policy_name", "policyName"), policy)
        stamp = decode_instant(echo.get("reset_at", echo.get("resetAt")), "reset_at")
    except UnusableReplyError as error:
        return CallUnknown(str(error), reply.date)
    if stamp is not None and abs(stamp - reset_at) >= _STAMP_TOLERANCE:
        return CallUnknown(
            f"the reply speaks of reset_at {stamp.isoformat()}, not of {reset_at.isoformat()}",
            reply.date,
        )
    return ResetAccepted(stamp, reply.date)


def classify_job(answer: Answer, *, job_id: str) -> JobOutcome:
    """Say where a job stands. The status has three spellings (omni-api.md 4, row 1).

    An unknown word is a job that has not ended. `job_type` is not judged: its spelling differs by
    source and tells nothing that the id does not.
    """
    opened = open_answer(answer)
    if isinstance(opened, Failure):
        return _unreadable(opened, status=answer.status if isinstance(answer, Reply) else None)
    reply, body = opened
    if "status" not in body and "state" not in body:
        flaw = f"the reply has no status: {error_text(reply.body)}"
        return JobUnreadable(flaw, status=reply.status, server_date=reply.date)
    try:
        require_echo("job_id", text_field(body, "job_id", "jobId"), job_id)
        word = (text_field(body, "status", "state") or "null")[:_LONGEST_WORD]
    except UnusableReplyError as error:
        return JobUnreadable(str(error), status=reply.status, server_date=reply.date)
    match _ended(word):
        case True:
            return JobCompleted(reply.date)
        case False:
            return JobFailed(word, reply.date)
        case None:
            return JobRunning(word, reply.date)


def _unreadable(failure: Failure, *, status: int | None) -> JobUnreadable:
    match failure:
        case CallNotSent(message):
            return JobUnreadable(message, Proof.UNREACHABLE)
        case CallRejected():
            return JobUnreadable(
                failure.message,
                failure.proof,
                failure.retry_after_s,
                status=status,
                server_date=failure.server_date,
            )
        case CallUnknown(message):
            return JobUnreadable(message, status=status, server_date=failure.server_date)


def _ended(word: str) -> bool | None:
    """Return True for a word of success, False for one of failure, None while it runs."""
    upper = word.strip().upper()
    if upper in _COMPLETED:
        return True
    return False if upper in _FAILED else None
