"""The gauges of a fleet, in the text format of Prometheus."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from reconcile.model.fleet import Seat
from reconcile.render.fleet import due_since, held, waits
from reconcile.render.metrics import Metric, Sample, label, metric_lines


def fleet_metrics(seats: Sequence[Seat], now: datetime) -> str:
    """Return the exposition as of `now`, UTC; ends with a line break."""
    return "".join(f"{line}\n" for metric in _metrics(seats, now) for line in metric_lines(metric))


def _metrics(seats: Sequence[Seat], now: datetime) -> Iterator[Metric]:
    outcomes = Counter(seat.outcome or "never run" for seat in seats)
    counts = tuple((label("outcome", word), float(n)) for word, n in sorted(outcomes.items()))
    yield Metric("fleet_instances", "Instances by what their last run came to.", counts)
    due = sum(waits(seat, now) for seat in seats)
    yield Metric("fleet_instances_due", "Instances that wait for a worker.", (("", float(due)),))
    paused = sum(held(seat, now) for seat in seats)
    yield Metric("fleet_instances_paused", "Instances left alone.", (("", float(paused)),))
    late = tuple(_each(seat, _late_s(seat, now)) for seat in seats)
    yield Metric("fleet_instance_lateness_seconds", "How long it has waited for a worker.", late)
    failures = tuple(_each(seat, seat.failures) for seat in seats)
    yield Metric("fleet_instance_failures", "Runs in a row that did not end well.", failures)
    ran = tuple(_each(it, it.ran_at.timestamp()) for it in seats if it.ran_at is not None)
    yield Metric("fleet_instance_last_run_timestamp_seconds", "When its last run ended.", ran)


def _late_s(seat: Seat, now: datetime) -> float:
    since = due_since(seat, now)
    return 0.0 if since is None else (now - since).total_seconds()


def _each(seat: Seat, value: float) -> Sample:
    return label("instance", seat.instance), float(value)
