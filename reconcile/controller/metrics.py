"""The gauges and counters of a controller."""

from collections.abc import Iterator
from datetime import datetime

from reconcile.controller.situation import Situation
from reconcile.metrics import Family, counters, exposition, gauge, gauges, item_metrics
from reconcile.model.progress import gauges_of


def controller_metrics(situation: Situation, now: datetime) -> str:
    """Return the exposition as of `now`, UTC; ends with a line break."""
    standings = () if situation.plan is None else situation.plan.standings
    items = [
        gauges_of(each, situation.record(each.address), situation.late_s(each.address, now))
        for each in standings
    ]
    return exposition((*_controller(situation, now), *item_metrics(items)))


def _controller(situation: Situation, now: datetime) -> Iterator[Family]:
    plan, cycle = situation.plan, situation.cycle
    single = (
        ("ready", "1 if files, state and last cycle are fine.", situation.ready),
        ("files_valid", "1 if the newest version of the files is used.", not situation.refused),
        ("start_timestamp_seconds", "When it started.", situation.started_at.timestamp()),
        ("cycle_under_way", "1 while calls are being made.", situation.board is not None),
        ("items_late", "Items that are due and were not made up.", len(situation.late)),
    )
    for name, words, value in single:
        yield gauge(f"controller_{name}", words, value)
    words = "Cycles by what they came to."
    yield counters("controller_cycles_total", words, "verdict", situation.cycles)
    if cycle is not None:
        words = "When the last cycle ended."
        yield gauge("controller_last_cycle_timestamp_seconds", words, cycle.at.timestamp())
        words = "How long the last cycle took."
        yield gauge("controller_last_cycle_duration_seconds", words, cycle.took_s)
    if situation.next_cycle_at is not None:
        words = "When the next cycle is made."
        wake_at = situation.next_cycle_at.timestamp()
        yield gauge("controller_next_cycle_timestamp_seconds", words, wake_at)
    if situation.recorded is not None and situation.recorded.signals:
        words = "When the newest signal of a name happened."
        signals = situation.recorded.signals.items()
        came = ((name, kept[-1].at.timestamp()) for name, kept in signals)
        yield gauges("signal_timestamp_seconds", words, "signal", came)
    yield gauge("request_budget_used", "Requests of the last minute.", situation.used(now))
    if plan is not None:
        words = "Requests that may be sent within 60 seconds."
        yield gauge("request_budget_limit", words, plan.load.requests_per_minute)
