"""What an apply came to, in the text format that Prometheus collects from files.

Format: "Exposition formats", Prometheus documentation, text format 0.0.4. All are gauges: a file
says how things stood when the run ended, it does not count on from run to run.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Literal, get_args

from msgspec import Struct

from reconcile.model.address import Address
from reconcile.model.plan import Standing
from reconcile.model.progress import ResultStatus, Summary
from reconcile.model.reason import JobRunningSince
from reconcile.model.recorded import Record

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})

Sample = tuple[str, float]
"""Labels in braces, or nothing, and a value."""


class Metric(Struct, frozen=True):
    """One metric, without our prefix, and its samples."""

    name: str
    words: str
    samples: tuple[Sample, ...]
    kind: Literal["gauge", "counter"] = "gauge"


class ItemGauges(Struct, frozen=True):
    """How one item stands. `late_s`: how long its oldest slot not made up has been due, or 0.

    `doubts`: calls in a row with an unknown outcome. `running_since`, `looked_at`, `awaited_until`:
    of its job, where one is awaited. `unseen_since`: of a call whose end nobody saw.
    """

    address: Address
    last_success: datetime | None
    late_s: float
    failures: int
    doubts: int = 0
    running_since: datetime | None = None
    looked_at: datetime | None = None
    awaited_until: datetime | None = None
    unseen_since: datetime | None = None


def gauges_of(standing: Standing, record: Record, late_s: float) -> ItemGauges:
    """Take stock of one item."""
    reason, unseen = standing.reason, record.unseen
    job = reason if isinstance(reason, JobRunningSince) else None
    return ItemGauges(
        standing.address,
        record.last_success,
        late_s,
        record.failures,
        doubts=record.doubts,
        running_since=None if job is None else job.since,
        looked_at=None if job is None else job.looked_at,
        awaited_until=None if job is None else job.until,
        unseen_since=None if unseen is None else unseen.call.since,
    )


class RunGauges(Struct, frozen=True, kw_only=True):
    """How one run of apply ended, at `at`, and how every declared item stood then.

    `budget_used`: most requests within 60 s, those of earlier runs included, as counted when each
    call was sent.
    """

    at: datetime
    exit_code: int
    summary: Summary
    budget_used: int
    budget_limit: int
    items: Sequence[ItemGauges]


def metrics_text(run: RunGauges) -> str:
    """Return the whole file; ends with a line break."""
    return "".join(f"{line}\n" for line in (*_run_lines(run), *item_lines(run.items)))


def _run_lines(run: RunGauges) -> Iterator[str]:
    summary = run.summary
    statuses = Counter(result.status for result in summary.results)
    known: tuple[ResultStatus, ...] = get_args(ResultStatus)
    yield from _single("last_run_timestamp_seconds", "When apply last ended.", run.at.timestamp())
    yield from _single("last_run_exit_status", "Exit code of the last apply.", run.exit_code)
    yield from _single("last_run_duration_seconds", "How long its calls took.", summary.took_s)
    yield from _single("last_run_calls", "Calls it made, tries included.", summary.calls)
    yield from _single("last_run_polls", "How often it asked after jobs.", summary.polls)
    yield from _gauge(
        "last_run_actions",
        "Actions of its plan by what they came to.",
        ((label("status", status), statuses[status]) for status in known),
    )
    words = "Most requests within 60 seconds, as counted when each call was sent."
    yield from _single("request_budget_used", words, run.budget_used)
    words = "Requests that may be sent within 60 seconds."
    yield from _single("request_budget_limit", words, run.budget_limit)


def item_lines(items: Sequence[ItemGauges]) -> Iterator[str]:
    """Yield the lines about items."""
    yield from _gauge(
        "item_last_success_timestamp_seconds",
        "When the last successful call for the item was sent.",
        (
            (label("address", item.address), item.last_success.timestamp())
            for item in items
            if item.last_success is not None
        ),
    )
    yield from _gauge(
        "item_lateness_seconds",
        "How long the oldest slot that was not made up has been due; 0 if none.",
        ((label("address", item.address), item.late_s) for item in items),
    )
    yield from _gauge(
        "item_failures",
        "Failures in a row since the last success.",
        ((label("address", item.address), item.failures) for item in items),
    )
    yield from _gauge(
        "item_doubts",
        "Calls in a row that may have happened and were not answered.",
        ((label("address", item.address), item.doubts) for item in items),
    )
    for name, words, instant in _ABOUT_JOBS:
        yield from _gauge(
            name,
            words,
            (
                (label("address", item.address), at.timestamp())
                for item in items
                if (at := instant(item)) is not None
            ),
        )


_ABOUT_JOBS: tuple[tuple[str, str, Callable[[ItemGauges], datetime | None]], ...] = (
    (
        "item_job_since_timestamp_seconds",
        "When the call was sent whose job is awaited.",
        lambda item: item.running_since,
    ),
    (
        "item_job_looked_at_timestamp_seconds",
        "When that job was last looked at by an apply that left it.",
        lambda item: item.looked_at,
    ),
    (
        "item_job_awaited_until_timestamp_seconds",
        "Until when that job is awaited at most.",
        lambda item: item.awaited_until,
    ),
    (
        "item_unseen_since_timestamp_seconds",
        "When the refresh was sent that Omni took and nobody saw end.",
        lambda item: item.unseen_since,
    ),
)


def _single(name: str, words: str, value: float) -> Iterator[str]:
    return _gauge(name, words, [("", value)])


def metric_lines(metric: Metric) -> Iterator[str]:
    """Yield the lines of one metric."""
    yield f"# HELP reconcile_{metric.name} {metric.words}"
    yield f"# TYPE reconcile_{metric.name} {metric.kind}"
    for labels, value in metric.samples:
        yield f"reconcile_{metric.name}{labels} {value!r}"


def _gauge(name: str, words: str, samples: Iterable[Sample]) -> Iterator[str]:
    return metric_lines(Metric(name, words, tuple(samples)))


def label(name: str, value: str) -> str:
    """Return a label as a sample has it."""
    return f'{{{name}="{value.translate(_ESCAPES)}"}}'
