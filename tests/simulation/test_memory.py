"""What a simulation keeps does not grow with its span."""

import tracemalloc
from datetime import timedelta

from reconcile.model.cadence import AfterRefresh, Cron, Every
from tests.planning.making import desired, refresh, reset
from tests.simulation.playing import played

_BYTES_A_JOB = 50


def peak_bytes(days: float) -> int:
    sales = refresh("sales", Every(timedelta(minutes=30)))
    ops = reset("ops", Cron("*/15 * * * *"))
    files = desired(sales, reset("sales", AfterRefresh(sales.address)), ops)
    tracemalloc.start()
    played(files, days=days, fail_share=0.1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_sixteen_days_take_the_memory_of_four() -> None:
    peak_bytes(16)  # fills the bounded memory of schedules, which is shared and stays
    four, sixteen = peak_bytes(4), peak_bytes(16)
    jobs = (16 - 4) * 48
    assert sixteen - four < jobs * _BYTES_A_JOB
