"""What is told of a job whose end an apply did not see: the same everywhere."""

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime

from reconcile.model.address import Address
from reconcile.model.progress import LeftJob
from reconcile.render.escape import escape_terminal
from reconcile.render.instants import rfc3339
from reconcile.render.names import words_text

_ID_LIMIT = 40


def left_job_text(job: LeftJob) -> str:
    """Return since when a job runs, what the last look showed, and until when it is awaited."""
    seen = "not looked at yet"
    if job.looked_at is not None and job.answer is not None:
        seen = f"last looked at {_at(job.looked_at)}: {words_text(job.answer)}"
    job_id = escape_terminal(job.job_id, _ID_LIMIT)
    if job.until is None:
        return f"job {job_id} of {_at(job.since)} was not seen to end; {seen}"
    return f"job {job_id} running since {_at(job.since)}, {seen}; awaited until {_at(job.until)}"


def freeing_command(addresses: Sequence[Address]) -> str:
    """Return the command that makes the call again without waiting for its job any longer."""
    return f"reconcile apply --force {shlex.quote(escape_terminal(addresses[0]))}"


def left_job_json(job: LeftJob) -> dict[str, object]:
    """Return the same for programs."""
    return {
        "job_id": job.job_id,
        "since": rfc3339(job.since),
        "looked_at": None if job.looked_at is None else rfc3339(job.looked_at),
        "answer": job.answer,
        "until": None if job.until is None else rfc3339(job.until),
    }


def _at(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M}Z"
