"""The load forecast plays stretches of calls at once, and comes to what each in turn would."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.address import Address
from reconcile.model.desired import Mode
from reconcile.model.plan import Await, Refresh, Request, ResetCache
from reconcile.model.recorded import Coverage
from reconcile.planning.budget import Called, Pacer, Turn, load
from tests.planning.making import NOON
from tests.planning.played_slowly import load_slowly

REQUEST = Request("POST", "/")
LIMITS = st.sampled_from([1, 2, 7, 29, 31, 60, 600, 10_000])
DURATIONS = st.none() | st.sampled_from([0.5, 2.0, 3.5, 30.0, 400.0])
KINDS = st.sampled_from(["refresh", "reset", "reset", "reset", "follower", "await"])
CALLS = st.lists(st.tuples(KINDS, DURATIONS, st.integers(0, 500)), max_size=60)


def call(
    number: int, kind: str, expected_s: float | None, age_s: int, before: str | None
) -> Called:
    """Make one call. A follower waits for the refresh before it, if there is one."""
    covers, reasons = (Coverage(Address(f"models.m{number}.{kind}")),), ()
    if kind == "refresh":
        return Refresh(
            covers=covers,
            request=REQUEST,
            mode=Mode.SOFT,
            model_id="m",
            reasons=reasons,
            timeout_s=900.0,
            expected_s=expected_s,
        )
    if kind == "await":
        return Await(
            covers=covers,
            operation="o",
            job_id="j",
            since=NOON - timedelta(seconds=age_s),
            reasons=reasons,
            timeout_s=900.0,
            expected_s=expected_s,
        )
    first = Address(before) if before and kind == "follower" else None
    return ResetCache(
        covers=covers, request=REQUEST, model_id="m", policy="p", waits_for=first, reasons=reasons
    )


def made(drawn: list[tuple[str, float | None, int]]) -> list[Called]:
    calls: list[Called] = []
    before: str | None = None
    for number, (kind, expected_s, age_s) in enumerate(drawn):
        calls.append(call(number, kind, expected_s, age_s, before))
        if kind == "refresh":
            before = f"models.m{number}.refresh"
    return calls


@given(drawn=CALLS, limit=LIMITS, ahead=st.lists(st.integers(0, 600), min_size=60, max_size=60))
def test_what_is_played_in_stretches_comes_to_what_is_played_in_turns(
    drawn: list[tuple[str, float | None, int]], limit: int, ahead: list[int]
) -> None:
    calls = made(drawn)
    following: dict[Address, datetime] = {
        call.covers[0].address: NOON + timedelta(seconds=seconds)
        for call, seconds in zip(calls, ahead, strict=False)
        if isinstance(call, Refresh | ResetCache)
    }
    told = load(calls, limit, now=NOON, following=following)
    assert told == load_slowly(calls, limit, NOON, following)


def test_a_burst_of_thousands_is_played_exactly() -> None:
    calls = made([("refresh", 30.0, 0)] * 40 + [("reset", None, 0)] * 3_000)
    assert load(calls, 600, now=NOON) == load_slowly(calls, 600, NOON, {})


@given(
    limit=LIMITS,
    history=st.lists(st.floats(0, 60), max_size=80),
    most=st.integers(1, 100),
    until=st.floats(60, 200),
    closed_s=st.none() | st.floats(0, 90),
)
def test_calls_taken_in_a_row_leave_the_pacer_as_taking_each_does(
    limit: int, history: list[float], most: int, until: float, closed_s: float | None
) -> None:
    quick, slow = Pacer(limit, history=history), Pacer(limit, history=history)
    if closed_s is not None:
        for pacer in (quick, slow):
            pacer.close(60.0, closed_s)
    now, turns = 60.0, quick.take_calls(60.0, until, most)
    for expected in turns:
        turn, at_s = slow.next_turn(now, call_waits=True, poll_since=None)
        now = max(now, at_s)
        assert (turn, now) == (Turn.CALL, expected)
        slow.take(turn, now)
    assert now <= max(until, 60.0)
    assert quick.next_turn(now, call_waits=True, poll_since=now) == slow.next_turn(
        now, call_waits=True, poll_since=now
    )
