"""The pure core of the limiter: the bound, the makespan, and who goes first."""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.planning.budget import Pacer, Turn
from tests.strategies import examples

WINDOW_S = 60.0


def most_in_a_window(instants: list[float], window_s: float = WINDOW_S) -> int:
    """Brute force: every window that starts at a turn."""
    return max((sum(1 for b in instants if a <= b < a + window_s) for a in instants), default=0)


def take_calls(pacer: Pacer, count: int, start: float = 0.0) -> Iterator[float]:
    now = start
    for _ in range(count):
        now = max(now, pacer.call_due(now))
        pacer.take(Turn.CALL, now)
        yield now


def served(
    pacer: Pacer, arrivals: list[tuple[float, Turn]], start: float = 0.0
) -> list[tuple[float, float, Turn]]:
    """Serve arrivals as the limiter does; returns (arrived, taken, turn)."""
    now, ahead = start, sorted(arrivals)
    waiting: list[tuple[float, Turn]] = []
    done: list[tuple[float, float, Turn]] = []
    while ahead or waiting:
        if not waiting:
            now = max(now, ahead[0][0])
        waiting += [ahead.pop(0) for _ in range(sum(1 for at, _ in ahead if at <= now))]
        since = next((at for at, turn in waiting if turn is Turn.POLL), None)
        calls = any(turn is Turn.CALL for _, turn in waiting)
        turn, due = pacer.next_turn(now, call_waits=calls, poll_since=since)
        if due > now:
            now = min(due, ahead[0][0]) if ahead else due
            continue
        taken = next(entry for entry in waiting if entry[1] is turn)
        waiting.remove(taken)
        pacer.take(turn, now, call_waits=any(kind is Turn.CALL for _, kind in waiting))
        done.append((taken[0], now, turn))
    return done


arrivals = st.lists(st.tuples(st.floats(0, 300), st.sampled_from(Turn)), min_size=1, max_size=120)


@examples(150)
@given(arrivals, st.integers(1, 40), st.lists(st.floats(-59, 0), max_size=50))
def test_no_window_ever_holds_more_than_the_limit(
    queue: list[tuple[float, Turn]], limit: int, history: list[float]
) -> None:
    history = history[:limit]
    taken = [at for _, at, _ in served(Pacer(limit, history=history), queue)]
    assert most_in_a_window(history + taken) <= limit
    assert len(taken) == len(queue)


@pytest.mark.parametrize(
    ("limit", "count"), [(60, 41), (60, 60), (60, 61), (60, 600), (7, 50), (500, 5_000)]
)
def test_many_turns_take_little_longer_than_the_limit_asks(limit: int, count: int) -> None:
    taken = list(take_calls(Pacer(limit), count))
    assert taken[-1] <= 1.03 * count * WINDOW_S / limit
    assert most_in_a_window(taken[: 3 * limit]) <= limit


@examples(50)
@given(st.lists(st.floats(0, 0.9), min_size=1, max_size=100), st.sampled_from([30, 120, 600]))
def test_calls_that_go_late_make_none_behind_them_late(late_s: list[float], limit: int) -> None:
    """P5: due times follow from due times."""
    pacer, on_time = Pacer(limit), list(take_calls(Pacer(limit), 10 + len(late_s)))
    taken = list(take_calls(pacer, 10))
    for late in late_s:
        taken.append(max(taken[-1], pacer.call_due(taken[-1]) + late))
        pacer.take(Turn.CALL, taken[-1])
    assert taken[-1] <= on_time[-1] + 0.9 * (1 + len(taken) // limit)
    assert most_in_a_window(taken) <= limit


def test_what_was_lost_by_a_long_pause_is_not_made_up_for() -> None:
    pacer = Pacer(600)
    list(take_calls(pacer, 20))
    taken = list(take_calls(pacer, 30, start=31.0))
    assert taken[9] == 31.0 < taken[10]


def test_a_few_calls_at_the_prompt_do_not_wait_and_the_next_are_paced() -> None:
    taken = list(take_calls(Pacer(60), 12))
    assert taken[:10] == [0.0] * 10
    assert [round(later - earlier, 1) for earlier, later in itertools.pairwise(taken[9:])] == [
        1.0,
        1.0,
    ]


def test_the_calls_of_an_earlier_process_count() -> None:
    pacer = Pacer(60, history=[-float(age) for age in range(60)])
    assert pacer.used(0.0) == 60
    assert next(take_calls(pacer, 1)) == pytest.approx(1.5)


@examples(100)
@given(st.lists(st.floats(0, 200), min_size=1, max_size=100), st.integers(6, 60))
def test_polls_among_waiting_calls_neither_starve_nor_take_over(
    polls: list[float], limit: int
) -> None:
    calls = [(0.0, Turn.CALL)] * (5 * limit)
    done = served(Pacer(limit), calls + [(at, Turn.POLL) for at in polls])
    last_call = max(index for index, entry in enumerate(done) if entry[2] is Turn.CALL)
    turns = [turn for _, _, turn in done[:last_call]]
    assert not any(pair == (Turn.POLL, Turn.POLL) for pair in itertools.pairwise(turns))
    worst_s = 15 + 2 * len(polls) * 1.05 * WINDOW_S / limit + WINDOW_S
    assert all(taken - arrived <= worst_s for arrived, taken, _ in done if _ is Turn.POLL)


@pytest.mark.fault("A17")
@given(st.integers(2, 60))
def test_polls_alone_take_half_of_the_budget_at_most(limit: int) -> None:
    done = served(Pacer(limit), [(0.0, Turn.POLL)] * 100)
    assert most_in_a_window([at for _, at, _ in done]) <= limit // 2 + 1


@given(st.integers(2, 60), st.integers(0, 9))
def test_a_poll_just_before_it_never_delays_a_due_call(limit: int, earlier: int) -> None:
    with_poll, without = Pacer(limit), Pacer(limit)
    for number in range(earlier * limit // 20):
        for pacer in (with_poll, without):
            pacer.take(Turn.CALL, number * 60.5 / limit)
    now = max(0.0, earlier * limit // 20 * 60.5 / limit)
    if with_poll.poll_due(now, since=now, call_waits=False) <= now:
        with_poll.take(Turn.POLL, now)
    goes = [max(now, pacer.call_due(now)) for pacer in (with_poll, without)]
    assert goes[0] == pytest.approx(goes[1])


@pytest.mark.fault("A01", "A04")
def test_after_a_429_nothing_goes_and_then_half_as_much() -> None:
    pacer = Pacer(60)
    list(take_calls(pacer, 20))
    pacer.close(20.0, 30.0)
    taken = list(take_calls(pacer, 30, start=20.0))
    assert taken[0] >= 50.0
    assert pacer.limit(50.0) == 30
    assert most_in_a_window(taken) <= 34


def test_several_429_of_one_moment_halve_once_and_the_rate_grows_back() -> None:
    pacer = Pacer(60)
    for moment in range(5):
        pacer.close(float(moment), 10.0)
    assert pacer.limit(14.0) == 30
    assert 30 < pacer.limit(120.0) < 60
    assert pacer.limit(400.0) == 60


@pytest.mark.fault("A03")
def test_a_429_for_ever_never_stops_the_clock_for_good() -> None:
    pacer, now = Pacer(60), 0.0
    for _ in range(50):
        pacer.close(now, 10.0)
        now = pacer.call_due(now)
    assert pacer.limit(now) == 3
    assert now <= 50 * 70


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="less than one"):
        Pacer(limit)
