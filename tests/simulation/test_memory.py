"""What a simulation keeps does not grow with its span."""

import gc
import tracemalloc
from datetime import timedelta

import pytest

from reconcile.model.desired import AfterRefresh, Cron, Every
from tests.planning.making import desired, refresh, reset
from tests.simulation.playing import played

_CACHES_BYTES = 1 << 20
"""What the bounded memory of schedules may exchange while it is being measured."""


def peak_bytes(days: float) -> int:
    sales = refresh("sales", Every(timedelta(minutes=30)))
    ops = reset("ops", Cron("*/15 * * * *"))
    files = desired(sales, reset("sales", AfterRefresh(sales.address)), ops)
    tracemalloc.start()
    played(files, days=days, fail_share=0.1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.slow
def test_sixteen_days_take_the_memory_of_four() -> None:
    peak_bytes(16)  # fills the bounded memory of schedules, which is shared and stays
    gc.collect()  # else what another test left is collected, or not, while this one counts
    four, sixteen = peak_bytes(4), peak_bytes(16)
    assert sixteen - four < _CACHES_BYTES
