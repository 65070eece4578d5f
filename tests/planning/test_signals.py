"""Items that fall due when something happens elsewhere and says so."""

from datetime import datetime, timedelta
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.desired import AfterRefresh, Freeze, FrozenSpan, OnChange, OnSignal, Pause
from reconcile.model.journal import ClockMended, Numbered, Signalled
from reconcile.model.plan import Choice
from reconcile.model.reason import AwaitsSignals, DeadlineMissed, SignalCame, Status
from reconcile.model.recorded import Recorded, Signal, Signals
from reconcile.model.struct import replace
from reconcile.planning.forecast import forecast
from reconcile.planning.plan import plan
from reconcile.planning.record import TOLERANCE
from reconcile.planning.replay import replay
from reconcile.planning.signals import KEPT, foreseen, newest, received, rhythm, slots_of
from tests.planning import oracle
from tests.planning.making import (
    NOON,
    carried_out,
    desired,
    hours,
    of,
    refresh,
    reset,
    standing,
    the_reset,
)
from tests.planning.worlds import told
from tests.strategies import signals

LOAD = OnSignal(("load",))
BOTH = OnSignal(("crm", "dbt"), all=True)
EITHER = OnSignal(("crm", "dbt"))
SIX = NOON - hours(6)
MINUTE = timedelta(minutes=1)
NAMES = st.sampled_from(("crm", "dbt", "load"))
MINUTES = st.integers(-60, 60).map(lambda minutes: NOON + minutes * MINUTE)


def known(**sent: datetime) -> Recorded:
    return told(of({}), sent.items())


def test_a_reset_is_stamped_with_the_instant_of_the_signal() -> None:
    planned = plan(desired(reset("sales", LOAD)), known(load=SIX), NOON)
    assert the_reset(planned).request.body == {"resetAt": "2026-11-22T06:00:00Z"}


def test_an_item_whose_signal_never_came_waits_for_it_and_is_not_due() -> None:
    item = refresh("sales", LOAD)
    found = standing(plan(desired(item), of({}), NOON), item)
    assert (found.status, found.reason) == (Status.COVERED, AwaitsSignals(("load",)))


def test_a_signal_makes_an_item_due_once() -> None:
    files, state = desired(refresh("sales", LOAD)), known(load=SIX)
    state = carried_out(plan(files, state, NOON), state)
    assert not plan(files, state, NOON + hours(9)).actions
    later = told(state, [("load", NOON + hours(1))])
    assert plan(files, later, NOON + hours(9)).actions


def test_a_refresh_sent_after_a_signal_covers_it_whenever_it_is_told() -> None:
    files, state = desired(refresh("sales", LOAD)), known(load=SIX)
    state = carried_out(plan(files, state, NOON), state)
    assert not plan(files, told(state, [("load", NOON)]), NOON + hours(1)).actions


@pytest.mark.parametrize("sent", list(permutations((("crm", SIX), ("dbt", NOON)))))
def test_of_all_the_slot_is_the_latest_in_whatever_order_they_are_told(
    sent: tuple[tuple[str, datetime], ...],
) -> None:
    item = reset("sales", BOTH)
    assert the_reset(plan(desired(item), told(of({}), sent), NOON)).covers[0].slot == NOON


def test_all_have_to_come_again_before_the_next_slot() -> None:
    item = reset("sales", BOTH)
    files, state = desired(item), known(crm=NOON - hours(3), dbt=NOON - hours(2))
    state = carried_out(plan(files, state, NOON - hours(1)), state)
    state = told(state, [("dbt", NOON)])
    waits = AwaitsSignals(("crm",), ("dbt",), all=True, last=NOON - hours(2))
    assert standing(plan(files, state, NOON), item).reason == waits
    state = told(state, [("crm", NOON + hours(1))])
    assert the_reset(plan(files, state, NOON + hours(2))).covers[0].slot == NOON + hours(1)


def test_a_forced_run_between_two_of_several_signals_uses_neither_up() -> None:
    item = reset("sales", BOTH)
    files, state = desired(item), known(crm=SIX, dbt=SIX)
    state = carried_out(plan(files, state, NOON), state)
    state = told(state, [("crm", NOON + hours(1))])
    forced = plan(files, state, NOON + hours(2), Choice(force=frozenset({item.address})))
    state = told(carried_out(forced, state), [("dbt", NOON + hours(3))])
    assert plan(files, state, NOON + hours(4)).actions


def test_any_of_several_makes_an_item_due() -> None:
    reason = plan(desired(refresh("sales", EITHER)), known(dbt=SIX), NOON).standings[0].reason
    assert reason == SignalCame(("dbt",), SIX)


def test_a_signal_past_its_deadline_is_missed() -> None:
    item = reset("sales", LOAD, deadline=hours(2))
    planned = plan(desired(item), known(load=SIX), NOON)
    assert standing(planned, item).reason == DeadlineMissed(SIX, hours(2))
    assert planned.missed == ((item.address, SIX),)


def test_a_new_item_may_let_signals_of_before_pass() -> None:
    item = reset("sales", LOAD, on_change=OnChange.NEXT)
    assert standing(plan(desired(item), known(load=SIX), NOON), item).status is Status.DEFERRED


def test_a_pause_and_a_freeze_put_a_signal_off_and_do_not_forget_it() -> None:
    paused = reset("sales", LOAD, pause=Pause(NOON + hours(1), "why"))
    frozen = Freeze("close", ("*",), FrozenSpan(SIX, NOON + hours(1)))
    for files in (desired(paused), desired(reset("sales", LOAD), freezes=(frozen,))):
        assert not plan(files, known(load=SIX), NOON).actions
        assert the_reset(plan(files, known(load=SIX), NOON + hours(1))).covers[0].slot == SIX
        (call,) = forecast(files, known(load=SIX), NOON, hours(24)).calls
        assert call.at == NOON + hours(1)


def test_a_reset_on_a_signal_waits_for_the_refresh_on_the_same_signal() -> None:
    first = refresh("sales", LOAD)
    item = reset("sales", LOAD, after=first.address)
    action = the_reset(plan(desired(first, item), known(load=SIX), NOON))
    assert (action.waits_for, action.covers[0].stamp) == (first.address, SIX)


def test_what_only_follows_a_refresh_on_a_signal_is_foreseen_with_it() -> None:
    first = refresh("sales", LOAD)
    files = desired(first, reset("sales", AfterRefresh(first.address)))
    assert forecast(files, known(load=SIX), NOON, hours(24)).resets == 1


def test_no_run_is_foreseen_that_no_signal_has_asked_for() -> None:
    files, state = desired(refresh("sales", LOAD)), known(load=SIX)
    state = carried_out(plan(files, state, NOON), state)
    assert not list(forecast(files, state, NOON, hours(240)).calls)


def test_a_signal_of_a_clock_that_was_ahead_is_void_and_hides_no_other() -> None:
    sent = [("load", SIX), ("load", NOON + hours(50))]
    files, state = desired(reset("sales", LOAD)), told(of({}), sent)
    assert the_reset(plan(files, state, NOON)).covers[0].slot == SIX
    mended = replay(state, [Numbered(1, ClockMended(NOON))])
    assert [signal.at for signal in mended.signals["load"]] == [SIX]


def test_a_signal_of_the_near_future_waits_for_its_instant() -> None:
    files, soon = desired(reset("sales", LOAD)), NOON + TOLERANCE / 2
    planned = plan(files, known(load=soon), NOON)
    assert (planned.actions, planned.valid_until) == ((), soon)
    assert plan(files, known(load=soon), soon).actions


def test_one_of_several_signals_that_comes_soon_is_told_when_it_comes() -> None:
    item, coming = refresh("sales", BOTH), known(crm=NOON + MINUTE)
    before = standing(plan(desired(item), coming, NOON), item)
    after = standing(plan(desired(item), coming, NOON + MINUTE), item)
    assert (before.until, before.next_slot) == (NOON + MINUTE, None)
    assert after.reason == AwaitsSignals(("dbt",), ("crm",), all=True)


def test_signals_that_keep_coming_are_counted_where_that_is_assumed() -> None:
    days = [("load", NOON - timedelta(days=day, minutes=day)) for day in range(1, 5)]
    files, state = desired(refresh("sales", LOAD)), told(of({}), days)
    state = carried_out(plan(files, state, NOON), state)
    assumed = replace(state, signals=foreseen(state.signals, NOON, NOON + timedelta(days=7)))
    calls = list(forecast(files, assumed, NOON, timedelta(days=7), NOON + timedelta(days=7)).calls)
    assert [call.at for call in calls] == [
        NOON - timedelta(days=1, minutes=1) + timedelta(days=day) for day in range(2, 9)
    ]


def test_too_few_signals_have_no_rhythm() -> None:
    state = told(of({}), [("load", SIX), ("load", NOON)])
    assert rhythm(state.signals["load"]) is None
    assert foreseen(state.signals, NOON, NOON + hours(99)) == state.signals


# The laws.


@given(st.lists(st.tuples(NAMES, signals), max_size=12), st.randoms(use_true_random=False))
def test_signals_commute_and_one_told_twice_is_one(
    sent: list[tuple[str, Signal]], random: Random
) -> None:
    again = [*sent, *sent]
    random.shuffle(again)
    assert _folded(again) == _folded(sent)
    assert all(len(kept) <= 2 * KEPT for kept in _folded(sent).values())


@pytest.mark.fault("T01")
@given(st.lists(st.integers(1, 100).map(hours), max_size=3 * KEPT), st.booleans())
def test_signals_of_a_clock_that_was_ahead_never_crowd_out_one_that_comes(
    ahead: list[timedelta],
    journaled: bool,  # noqa: FBT001 - drawn
) -> None:
    kept: Signals = {}
    for by in (*ahead, timedelta()):
        at = NOON + by
        limit = (NOON if journaled else at) + TOLERANCE
        kept = received(kept, "load", Signal(at, at), limit)
    assert newest(kept, "load", NOON) == Signal(NOON, NOON)
    assert len(kept["load"]) <= 2 * KEPT


def _folded(sent: list[tuple[str, Signal]]) -> Signals:
    entries = (Numbered(n, Signalled(NOON, *it)) for n, it in enumerate(sent, 1))
    return replay(of({}), entries).signals


@given(
    st.lists(st.tuples(NAMES, MINUTES), max_size=KEPT),
    st.sets(NAMES, min_size=1).map(lambda names: tuple(sorted(names))),
    st.booleans(),
    st.dictionaries(NAMES, MINUTES),
    MINUTES,
)
def test_the_slots_that_signals_make_are_those_of_the_oracle(
    sent: list[tuple[str, datetime]],
    names: tuple[str, ...],
    every: bool,  # noqa: FBT001 - drawn
    spent: dict[str, datetime],
    now: datetime,
) -> None:
    kept: Signals = {}
    for name, at in sent:
        kept = received(kept, name, Signal(at, at))
    consumed = tuple(sorted(spent.items()))
    found = oracle.signal_slots(sent, names, spent, NOON + hours(2), every=every)
    present = max((slot for slot in found if slot <= now), default=None)
    if present is None and every:
        present = max(spent.values(), default=None)
    following = min((slot for slot in found if slot > now), default=None)
    assert slots_of(OnSignal(names, every), kept, consumed, now) == (present, following)
