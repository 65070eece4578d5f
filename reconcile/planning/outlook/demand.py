"""What a forecast asks of the request budget, minute by minute."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from reconcile.model.forecast import ExpectedCall
from reconcile.model.plan import Refresh
from reconcile.planning.budget.polling import UNKNOWN_DURATION_S, next_poll_s


def demand(calls: Iterable[ExpectedCall], *, polled: bool) -> Mapping[datetime, int]:
    """Count the requests wanted in each UTC minute, polls included; no entry where there is none.

    `polled`: whether a refresh leaves a job that is asked after; jobs last as long as the recorded
    ones did. This is what falls due, not what is sent: an apply spreads what is over the budget
    over the minutes that follow.
    """
    wanted: Counter[datetime] = Counter()
    for call in calls:
        for at in _requests(call, polled=polled):
            wanted[at.replace(second=0, microsecond=0)] += 1
    return wanted


def _requests(call: ExpectedCall, *, polled: bool) -> Iterator[datetime]:
    yield call.at
    if polled and isinstance(call.action, Refresh):
        for age_s in _poll_ages_s(call.action.expected_s):
            yield call.at + timedelta(seconds=age_s)


@lru_cache(maxsize=1024)
def _poll_ages_s(expected_s: float | None) -> tuple[float, ...]:
    """Ages of a job when it is asked after, the last time once it has ended."""
    duration_s = UNKNOWN_DURATION_S if expected_s is None else expected_s
    ages_s = [next_poll_s(0.0, expected_s)]
    while ages_s[-1] < duration_s:
        ages_s.append(ages_s[-1] + next_poll_s(ages_s[-1], expected_s))
    return tuple(ages_s)
