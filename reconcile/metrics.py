"""What an apply came to, in the text format that Prometheus collects from files.

All are gauges: a file says how things stood when the run ended, it does not count on from run to
run. prometheus_client is known here alone, and loaded only where metrics are asked for.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias, get_args

from msgspec import Struct
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from reconcile.model.progress import ItemGauges, ResultStatus, Summary

Family: TypeAlias = Metric
"""A metric with all its samples."""

_PREFIX = "reconcile_"


class _Given(Collector):
    """Collects what it was given, and nothing of this process."""

    def __init__(self, metrics: Iterable[Family]) -> None:
        self._metrics = tuple(metrics)

    def collect(self) -> Iterable[Family]:
        """Return the metrics in their order."""
        return self._metrics


def exposition(metrics: Iterable[Family]) -> str:
    """Return the text of these metrics and no others; ends with a line break."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(metrics))
    return generate_latest(registry).decode()


def gauge(name: str, words: str, value: float) -> Family:
    """Return a gauge without labels."""
    return GaugeMetricFamily(_PREFIX + name, words, value)


def gauges(name: str, words: str, label: str, values: Iterable[tuple[str, float]]) -> Family:
    """Return a gauge for each value of a label."""
    family = GaugeMetricFamily(_PREFIX + name, words, labels=[label])
    for labelled, value in values:
        family.add_metric([labelled], value)
    return family


def counters(name: str, words: str, label: str, values: Mapping[str, int]) -> Family:
    """Return a counter for each value of a label, sorted."""
    family = CounterMetricFamily(_PREFIX + name, words, labels=[label])
    for labelled, value in sorted(values.items()):
        family.add_metric([labelled], value)
    return family


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
    return exposition((*_run_metrics(run), *item_metrics(run.items)))


def _run_metrics(run: RunGauges) -> Iterator[Family]:
    summary = run.summary
    statuses = Counter(result.status for result in summary.results)
    known: tuple[ResultStatus, ...] = get_args(ResultStatus)
    yield gauge("last_run_timestamp_seconds", "When apply last ended.", run.at.timestamp())
    yield gauge("last_run_exit_status", "Exit code of the last apply.", run.exit_code)
    yield gauge("last_run_duration_seconds", "How long its calls took.", summary.took_s)
    yield gauge("last_run_calls", "Calls it made, tries included.", summary.calls)
    yield gauge("last_run_polls", "How often it asked after jobs.", summary.polls)
    words = "Actions of its plan by what they came to."
    yield gauges("last_run_actions", words, "status", ((word, statuses[word]) for word in known))
    words = "Most requests within 60 seconds, as counted when each call was sent."
    yield gauge("request_budget_used", words, run.budget_used)
    words = "Requests that may be sent within 60 seconds."
    yield gauge("request_budget_limit", words, run.budget_limit)


def item_metrics(items: Sequence[ItemGauges]) -> Iterator[Family]:
    """Yield what there is to say about items; an item without a figure is left out of that."""
    for name, words, figure in _ABOUT_ITEMS:
        told = ((item.address, figure(item)) for item in items)
        values = ((address, value) for address, value in told if value is not None)
        yield gauges(f"item_{name}", words, "address", values)


def _seconds(instant: datetime | None) -> float | None:
    return None if instant is None else instant.timestamp()


_ABOUT_ITEMS: tuple[tuple[str, str, Callable[[ItemGauges], float | None]], ...] = (
    (
        "last_success_timestamp_seconds",
        "When the last successful call for the item was sent.",
        lambda item: _seconds(item.last_success),
    ),
    (
        "lateness_seconds",
        "How long the oldest slot that was not made up has been due; 0 if none.",
        lambda item: item.late_s,
    ),
    ("failures", "Failures in a row since the last success.", lambda item: item.failures),
    (
        "doubts",
        "Calls in a row that may have happened and were not answered.",
        lambda item: item.doubts,
    ),
    (
        "job_since_timestamp_seconds",
        "When the call was sent whose job is awaited.",
        lambda item: _seconds(item.running_since),
    ),
    (
        "job_looked_at_timestamp_seconds",
        "When that job was last looked at by an apply that left it.",
        lambda item: _seconds(item.looked_at),
    ),
    (
        "job_awaited_until_timestamp_seconds",
        "Until when that job is awaited at most.",
        lambda item: _seconds(item.awaited_until),
    ),
    (
        "unseen_since_timestamp_seconds",
        "When the refresh was sent that Omni took and nobody saw end.",
        lambda item: _seconds(item.unseen_since),
    ),
)
