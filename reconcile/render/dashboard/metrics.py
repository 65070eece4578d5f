"""The gauges and counters of a controller, in the text format of Prometheus."""

from collections.abc import Iterator
from datetime import datetime

from reconcile.model.recorded import Record
from reconcile.render.dashboard.situation import Situation
from reconcile.render.dashboard.standing import used_budget
from reconcile.render.metrics import ItemGauges, Metric, gauges_of, item_lines, metric_lines

_NO_RECORD = Record()


def controller_metrics(situation: Situation, now: datetime) -> str:
    """Return the exposition as of `now`, UTC; ends with a line break."""
    lines = (*_controller(situation, now), *item_lines(_items(situation, now)))
    return "".join(f"{line}\n" for line in lines)


def _controller(situation: Situation, now: datetime) -> Iterator[str]:
    plan, cycle = situation.plan, situation.cycle
    single = (
        ("ready", "1 if files, state and last cycle are fine.", float(situation.ready)),
        ("files_valid", "1 if the newest version of the files is used.", not situation.refused),
        ("start_timestamp_seconds", "When it started.", situation.started_at.timestamp()),
        ("cycle_under_way", "1 while calls are being made.", situation.board is not None),
        ("items_late", "Items that are due and were not made up.", len(situation.late)),
    )
    for name, words, value in single:
        yield from metric_lines(Metric(f"controller_{name}", words, (("", float(value)),)))
    counted = tuple(
        (f'{{verdict="{verdict}"}}', float(number))
        for verdict, number in sorted(situation.cycles.items())
    )
    words = "Cycles by what they came to."
    yield from metric_lines(Metric("controller_cycles_total", words, counted, "counter"))
    if cycle is not None:
        at, took = (("", cycle.at.timestamp()),), (("", cycle.took_s),)
        words = "When the last cycle ended."
        yield from metric_lines(Metric("controller_last_cycle_timestamp_seconds", words, at))
        words = "How long the last cycle took."
        yield from metric_lines(Metric("controller_last_cycle_duration_seconds", words, took))
    if situation.wake_at is not None:
        wake = (("", situation.wake_at.timestamp()),)
        words = "When the next cycle is made."
        yield from metric_lines(Metric("controller_next_cycle_timestamp_seconds", words, wake))
    used = (("", float(used_budget(situation, now))),)
    yield from metric_lines(Metric("request_budget_used", "Requests of the last minute.", used))
    if plan is not None:
        limit = (("", float(plan.load.requests_per_minute)),)
        words = "Requests that may be sent within 60 seconds."
        yield from metric_lines(Metric("request_budget_limit", words, limit))


def _items(situation: Situation, now: datetime) -> tuple[ItemGauges, ...]:
    if situation.plan is None:
        return ()
    records = situation.recorded.items if situation.recorded else {}
    return tuple(
        gauges_of(
            standing,
            records.get(standing.address, _NO_RECORD),
            max(0.0, (now - situation.late.get(standing.address, now)).total_seconds()),
        )
        for standing in situation.plan.standings
    )
