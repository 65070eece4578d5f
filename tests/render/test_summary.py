import json

import pytest

from reconcile.model.plan import Forget
from reconcile.model.progress import LeftJob, Result, ResultStatus, Summary
from tests.conftest import Snapshot
from tests.render.moments import HOURLY, OPS, SALES, ago
from tests.render.plans import summary_json, summary_text
from tests.render.reasons import EVERY_REASON
from tests.render.samples import MORNING, awaiting, refresh, reset

STATUSES: tuple[ResultStatus, ...] = (
    "done",
    "failed",
    "not_sent",
    "unknown",
    "running",
    "unseen",
    "skipped",
)
LEFT = LeftJob(job_id="job-42", since=ago(20), looked_at=ago(5), answer="RUNNING", until=ago(-1420))


def good() -> Summary:
    results = tuple(Result(action=action, status="done", took_s=1.0) for action in MORNING)
    return Summary(results=results, calls=3, polls=5, took_s=40.2)


def mixed(*, interrupted: bool = False) -> Summary:
    told = ("No.", "refused", "cut off", None, "404", "SALES fell")
    words = dict(zip(STATUSES[1:], told, strict=True))
    lost = LeftJob(
        job_id="job-41", since=ago(1500), looked_at=ago(1), answer="404: No such job", until=None
    )
    results = (
        Result(action=refresh(SALES, OPS), status="done", took_s=38.0, operation="op-1"),
        Result(action=refresh(OPS), status="failed", message=words["failed"]),
        Result(action=reset(HOURLY, EVERY_REASON[2]), status="unknown", message=words["unknown"]),
        Result(action=reset(HOURLY, EVERY_REASON[2]), status="not_sent", message=words["not_sent"]),
        Result(action=reset(HOURLY, EVERY_REASON[2]), status="skipped", message=words["skipped"]),
        Result(action=awaiting(SALES), status="running", job=LEFT),
        Result(action=awaiting(OPS), status="unseen", message=words["unseen"], job=lost),
        Result(action=Forget(address=OPS), status="done"),
    )
    return Summary(results=results, calls=4, polls=12, took_s=95.0, interrupted=interrupted)


def test_all_done_is_one_line() -> None:
    text = summary_text(good(), width=80, colour=False)
    assert text == "3 of 3 calls done (1 refresh, 2 resets) · 5 polls, 5.0 a job · 40 s\n"


@pytest.mark.parametrize(("noted", "more"), [(0, ""), (1, "; 1 item recorded")])
def test_an_apply_that_only_recorded_says_so(noted: int, more: str) -> None:
    summary = Summary(results=(), calls=0, polls=0, took_s=0.2, noted=noted)
    text = summary_text(summary, width=80, colour=False)
    assert text == f"Nothing to send{more} · 0 s\n"


@pytest.mark.parametrize("width", [100, 40])
def test_what_was_not_done_is_told_with_its_request(width: int, snapshot: Snapshot) -> None:
    snapshot(f"summary_{width}.txt", summary_text(mixed(), width=width, colour=False))


@pytest.mark.parametrize("status", STATUSES[1:])
def test_every_ending_says_what_became_of_the_call(status: ResultStatus) -> None:
    result = Result(action=refresh(SALES), status=status, message="x")
    summary = Summary(results=(result,), calls=1, polls=0, took_s=1.0)
    last = summary_text(summary, width=80, colour=False).splitlines()[-1]
    assert last.strip().endswith((".",))


def test_what_was_skipped_for_one_reason_is_told_once() -> None:
    results = tuple(
        Result(action=refresh(address), status="skipped", message="Omni refuses the token")
        for address in (SALES, OPS)
    )
    text = summary_text(
        Summary(results=results, calls=1, polls=0, took_s=1.0), width=80, colour=False
    )
    assert text.count("Omni refuses the token") == 1
    assert "models.sales.refresh (+1)" in text


def test_an_interruption_says_that_nothing_is_lost() -> None:
    text = summary_text(mixed(interrupted=True), width=100, colour=False)
    assert text.endswith("Interrupted. State saved; run `reconcile apply` to continue.\n")
    text = summary_text(mixed(interrupted=True), width=100, colour=False, rehearsed=True)
    assert text.endswith("Interrupted. It was a rehearsal: there is nothing to continue.\n")


def test_programs_get_every_result(snapshot: Snapshot) -> None:
    text = summary_json(mixed())
    snapshot("summary.json", text)
    document = json.loads(text)
    assert document["statuses"]["unknown"] == 1
    doubts = [result["status"] for result in document["results"] if result["may_have_happened"]]
    assert doubts == ["done", "unknown", "running", "unseen", "done"]
