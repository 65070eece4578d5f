"""EventBridge cron: one spelling for one meaning, and refusals that say why."""

import random
from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.planning.time.cron import CronError
from reconcile.planning.time.eventbridge import canonical, from_wall_times

WORKDAYS = frozenset(range(5))


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("00 09 * * ? *", "0 9 * * ? *"),
        ("00 18 ? * MON-FRI *", "0 18 ? * MON-FRI *"),
        ("30 08 1 * ? *", "30 8 1 * ? *"),
        ("00 18 ? * * *", "0 18 * * ? *"),
        ("*/15 9-17 ? * 2-6 *", "0/15 9-17 ? * MON-FRI *"),
        ("0 0 1-31 jan,Mar ? 1970-2199", "0 0 * 1,3 ? *"),
        ("0 0 l * ? *", "0 0 L * ? *"),
        ("0 0 ? * L *", "0 0 ? * SAT *"),
        ("0 0 ? * fril *", "0 0 ? * 6L *"),
        ("0 0 ? * tue#2 *", "0 0 ? * 3#2 *"),
        ("0 0 03w * ? 2028/1", "0 0 3W * ? 2028-2199"),
        (" 5,4,3  0 ? * SAT,SUN * ", "3-5 0 ? * SUN,SAT *"),
    ],
)
def test_every_spelling_of_a_schedule_comes_to_one(text: str, spelled: str) -> None:
    assert canonical(text) == spelled
    assert canonical(spelled) == spelled


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0 6 * * *", "six fields"),
        ("cron(0 6 * * ? *)", "leave out"),
        ("0 6 * * * *", "exactly one"),
        ("0 6 ? * ? *", "exactly one"),
        ("60 6 * * ? *", "counts 0 to 59"),
        ("0 6 ? * 0 *", "counts 1 to 7"),
        ("0 6 ? * FRI-MON *", "backwards"),
        ("0/60 6 * * ? *", "step"),
        ("0/0 6 * * ? *", "step"),
        ("0/5/5 6 * * ? *", "more than one step"),
        ("1-2-3 6 * * ? *", "not a range"),
        ("0 6 ? * MON#6 *", "1 to 5"),
        ("0 6 ? * MON#1,TUE *", "1 to 5"),
        ("0 6 1,L * ? *", "not a day of month"),
        ("0 6 31 2,4 ? *", "never runs"),
        ("0 6 29 2 ? 2027", "never runs"),
        ("0 6 * * ? 1969", "counts 1970"),
        ("\u0660 6 * * ? *", "not a minute"),
        ("0, 6 * * ? *", "a value is missing in the minute field"),
        ("1," * 2000 + "1 6 * * ? *", "longer than"),
    ],
)
def test_what_eventbridge_refuses_or_never_runs_is_refused(text: str, why: str) -> None:
    with pytest.raises(CronError, match=why):
        canonical(text)


@given(st.text(alphabet="0123456789*?/,-LW#MONJAN ", max_size=40))
def test_any_text_is_refused_or_has_one_spelling(text: str) -> None:
    try:
        spelled = canonical(text)
    except CronError:
        return
    assert canonical(spelled) == spelled


@given(st.sets(st.integers(0, 59), min_size=1), st.randoms())
def test_one_set_of_minutes_has_one_spelling_and_means_itself(
    minutes: set[int], chance: random.Random
) -> None:
    shuffled = sorted(minutes, key=lambda _: chance.random())
    listed = ",".join(f"{minute:0{chance.randint(1, 2)}}" for minute in shuffled)
    spelled = canonical(f"{listed} 0 * * ? *")
    assert spelled == canonical(f"{','.join(map(str, sorted(minutes)))} 0 * * ? *")
    assert set(_values(spelled.split()[0], 60)) == minutes


def test_times_of_one_minute_share_an_expression() -> None:
    assert from_wall_times([time(18), time(6)], WORKDAYS) == ("0 6,18 ? * MON-FRI *",)
    assert from_wall_times([time(6, 30), time(6)]) == ("0,30 6 * * ? *",)


def test_times_that_no_single_expression_names_take_several() -> None:
    assert from_wall_times([time(6), time(18, 30)], frozenset({6})) == (
        "0 6 ? * SUN *",
        "30 18 ? * SUN *",
    )


@given(st.sets(st.times().map(lambda at: at.replace(second=0, microsecond=0)), min_size=1))
def test_expressions_name_exactly_the_times_given(times: set[time]) -> None:
    named = [
        time(hour, minute)
        for cron in from_wall_times(times)
        for hour in _values(cron.split()[1], 24)
        for minute in _values(cron.split()[0], 60)
    ]
    assert sorted(named) == sorted(times)


def _values(field: str, size: int) -> list[int]:
    found: list[int] = []
    for item in field.split(","):
        first, _, last = item.partition("-")
        start, _, step = first.partition("/")
        low = 0 if start == "*" else int(start)
        high = int(last) if last else size - 1 if step or start == "*" else low
        found += range(low, high + 1, int(step or 1))
    return found


def test_no_time_or_no_day_is_no_schedule() -> None:
    with pytest.raises(CronError):
        from_wall_times([])
    with pytest.raises(CronError):
        from_wall_times([time(6)], frozenset())
