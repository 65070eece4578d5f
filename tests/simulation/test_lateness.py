"""The models of late runners."""

from datetime import timedelta
from statistics import median

import pytest

from reconcile.errors import ReconcileError
from reconcile.simulation.simulate import parse_lateness, ticks
from reconcile.simulation.tally import Delays
from tests.planning.making import NOON
from tests.simulation.playing import scenario, seeded

BAD = ("", "late", "fixed", "fixed:", "fixed:x", "uniform:5m", "uniform:9m-1m", "none:1m",
       "none,skip=200%", "fixed:1m,skip=", "github,skip=1%")  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_a_lateness_that_is_not_understood_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ReconcileError) as refusal:
        parse_lateness(text)
    (diagnostic,) = refusal.value.diagnostics
    assert (diagnostic.code, "uniform:0s-10m" in str(diagnostic.hint)) == ("bad-lateness", True)


def test_a_uniform_runner_keeps_within_its_bounds() -> None:
    model, chance = parse_lateness("uniform:1m-3m"), seeded()
    drawn = [model.delay(NOON, chance) for _ in range(100)]
    delays = [delay for delay in drawn if delay is not None]
    assert len(delays) == 100
    assert timedelta(minutes=1) <= min(delays) <= max(delays) <= timedelta(minutes=3)


def test_github_comes_minutes_late_and_sometimes_not_at_all() -> None:
    model, chance = parse_lateness("github"), seeded()
    drawn = [model.delay(NOON.replace(minute=15), chance) for _ in range(2000)]
    minutes = [delay.total_seconds() / 60 for delay in drawn if delay is not None]
    assert 1900 < len(minutes) < 1940
    assert 6 < median(minutes) < 10
    assert sum(3 <= late <= 20 for late in minutes) > 0.75 * len(minutes)


def test_ticks_come_in_order_even_where_one_overtakes_another() -> None:
    played = scenario(days=2)
    coming = [tick.comes_at for tick in ticks(played, parse_lateness("github"))]
    came = [at for at in coming if at is not None]
    assert came == sorted(came)
    assert played.start <= came[0] <= came[-1] < played.until


def test_percentiles_are_by_nearest_rank() -> None:
    delays = Delays()
    for seconds in (1.0, 2.5, 3.0, 50_049.0):
        delays.add(seconds)
    late = delays.lateness()
    assert late is not None
    assert (late.p50_s, late.p95_s, late.max_s) == (2.0, 50_000.0, 50_049.0)
