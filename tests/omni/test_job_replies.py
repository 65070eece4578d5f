"""Where a job stands, in every known word, and the answers that tell nothing about it."""

import pytest

from reconcile.model.progress import JobCompleted, JobFailed, JobRunning, JobUnreadable, Proof
from reconcile.omni.replies import NoReply, Reply, classify_job
from tests.omni.calling import JOB
from tests.omni.test_replies import SERVED, ok


def job(answer: Reply | NoReply) -> object:
    return classify_job(answer, job_id=JOB)


@pytest.mark.fault("A12", "A13", "A16")
@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        *[
            (w, JobCompleted(SERVED))
            for w in ("COMPLETED", "complete", "Success", "SUCCEEDED", "done")
        ],
        *[(w, JobFailed(w, SERVED)) for w in ("FAILED", "error", "Cancelled", "CANCELED")],
        *[
            (w, JobRunning(w, SERVED))
            for w in ("RUNNING", "IN_PROGRESS", "running", "QUEUED", "Nanu?", "")
        ],
        (None, JobRunning("null", SERVED)),
    ],
)
def test_every_word_for_a_status_is_understood(word: str | None, outcome: object) -> None:
    if word == "":
        outcome = JobRunning("null", SERVED)
    assert job(ok(job_id=JOB, job_type="REFRESH_SCHEMA", status=word)) == outcome
    assert job(ok(jobId=JOB, job_type="dbt_sync", state=word)) == outcome


@pytest.mark.fault("A15", "A06", "N20")
@pytest.mark.parametrize(
    ("answer", "proof"),
    [
        (Reply(404, {}, b""), Proof.NOT_FOUND),
        (Reply(400, {}, b'{"detail": "job type"}'), Proof.REFUSED),
        (Reply(401), Proof.TOKEN),
        (Reply(403), Proof.FORBIDDEN),
        (Reply(403, {}, b'{"detail": "Invalid bearer token"}'), Proof.TOKEN),
        (Reply(501), Proof.REFUSED),
        (Reply(500), None),
        (Reply(302, {"location": "https://evil.example"}), Proof.REFUSED),
        (Reply(303, {"location": "https://evil.example"}), None),
        (ok(job_id="another", status="COMPLETED"), None),
        (ok(job_id=JOB), None),
        (ok(job_id=JOB, status=[]), None),
        (NoReply(sent=False, message="refused"), Proof.UNREACHABLE),
        (NoReply(sent=True, message="cut"), None),
    ],
)
def test_a_status_that_cannot_be_read_says_nothing_about_the_job(
    answer: Reply | NoReply, proof: Proof | None
) -> None:
    outcome = job(answer)
    assert isinstance(outcome, JobUnreadable)
    assert outcome.proof is proof
    assert outcome.status == (answer.status if isinstance(answer, Reply) else None)
    assert outcome.server_date == (answer.date if isinstance(answer, Reply) else None)
