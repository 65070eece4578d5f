"""Jobs whose end nobody sees: awaited for a while, tried once more, then not before a next slot."""

from datetime import datetime, time, timedelta

import pytest

from reconcile.model.desired import At, Cadence, Cron, Every, Item, OnChange, Pause, WhenChanged
from reconcile.model.journal import (
    Done,
    EndUnseen,
    Intent,
    Marked,
    Noted,
    Numbered,
    Rejected,
)
from reconcile.model.plan import Await, Choice, EarlierJob, freeing
from reconcile.model.reason import (
    BlockedBy,
    Forced,
    HeldAfterFailures,
    JobRunningSince,
    MarkedDue,
    RefreshUnseen,
    Status,
)
from reconcile.model.recorded import Coverage, Failure, Look, Pending, Record, Unseen
from reconcile.model.struct import replace
from reconcile.planning.item import given_up
from reconcile.planning.plan import plan
from reconcile.planning.record import declaration
from reconcile.planning.replay import replay
from reconcile.render.actions import attention
from tests.planning.making import (
    HOURS_6,
    NOON,
    SIX,
    desired,
    hours,
    of,
    only_refresh,
    recorded,
    refresh,
    reset,
    standing,
)

SALES = refresh("sales").address
MINUTE = timedelta(minutes=1)


def job(look: Look | None = None, since: datetime = NOON) -> Pending:
    return Pending("op", "refresh", since, Coverage(SALES), job_id="job", accepted=True, look=look)


def looks(absent: int = 0, forbidden: int = 0, after_m: float = 30) -> Look:
    at = NOON + after_m * MINUTE
    return Look(at, "404: no such job", absent, forbidden, counted_at=at)


@pytest.mark.parametrize(
    ("look", "gone"),
    [
        (None, False),
        (looks(absent=2), False),
        (looks(absent=3), True),
        (looks(absent=3, after_m=9.9), False),
        (looks(absent=3, after_m=10), True),
        (looks(absent=2, forbidden=2), False),
    ],
)
def test_a_job_that_omni_does_not_know_is_given_up_after_three_looks(  # F2
    look: Look | None, *, gone: bool
) -> None:
    expected = EndUnseen(NOON + hours(1), "op", "404: no such job") if gone else None
    assert given_up(job(look), NOON + hours(1)) == expected


def test_a_job_that_may_not_be_read_is_given_up_as_forbidden() -> None:  # F1
    assert given_up(job(looks(forbidden=2)), NOON + hours(1)) is None
    found = given_up(job(looks(forbidden=3, after_m=4)), NOON + hours(1))
    assert found is not None
    assert found.forbidden


def test_no_job_is_awaited_for_longer_than_a_day() -> None:  # F2
    assert given_up(job(), NOON + hours(24) - MINUTE) is None
    assert given_up(job(), NOON + hours(24)) is not None


def test_a_call_without_a_job_is_not_given_up() -> None:  # F7
    assert (
        given_up(Pending("op", "refresh", NOON, Coverage(SALES), accepted=False), NOON + hours(99))
        is None
    )


def gone(
    attempt: int = 1, at: datetime = NOON, *, forbidden: bool = False, content: str | None = None
) -> Record:
    """A refresh of an hour before `at`, given up then."""
    coverage = Coverage(SALES, at - hours(1), content=content, attempt=attempt)
    call = Pending("op", "refresh", at - hours(1), coverage, job_id="job", accepted=True)
    return Record(unseen=Unseen(at, "404: no such job", call, forbidden))


def waits_until(item: Item, record: Record, now: datetime = NOON) -> datetime | None:
    found = standing(plan(desired(item), recorded(sales=record), now), item)
    assert found.status is Status.BACKING_OFF
    assert isinstance(found.reason, RefreshUnseen)
    assert found.until is None or found.reason.retry_at in (None, found.until)
    return found.reason.retry_at


def test_a_running_job_is_awaited_for_a_day_and_no_longer() -> None:  # F2
    item = refresh("sales", Every(hours(48)))
    state = recorded(sales=Record(pending=job()))
    (action,) = plan(desired(item), state, NOON + hours(24) - MINUTE).actions
    assert isinstance(action, Await)
    (reason,) = action.reasons
    assert isinstance(reason, JobRunningSince)
    assert reason.until == NOON + hours(24) == plan(desired(item), state, NOON).valid_until
    late = standing(plan(desired(item), state, NOON + hours(24)), item)
    assert (late.status, type(late.reason)) == (Status.BACKING_OFF, RefreshUnseen)


def test_a_refresh_whose_end_is_unseen_is_tried_once_more_after_backoff() -> None:  # F2
    again = waits_until(refresh("sales"), gone())
    assert again is not None
    assert NOON < again <= NOON + MINUTE
    call = only_refresh(plan(desired(refresh("sales")), recorded(sales=gone()), again))
    assert call.covers[0].attempt == 2
    assert call.earlier == (EarlierJob("op", "job", NOON - hours(1), (SALES,)),)


@pytest.mark.parametrize(
    ("cadence", "slot_after_h"),
    [(HOURS_6, 5), (At((time(11), time(20))), 8), (Cron("0 11,14 * * *"), 2)],
)
def test_after_its_second_try_it_waits_for_its_next_slot(  # F2
    cadence: Cadence, slot_after_h: float
) -> None:
    item, slot = refresh("sales", cadence), NOON + hours(slot_after_h)
    assert waits_until(item, gone(attempt=2)) == slot
    call = only_refresh(plan(desired(item), recorded(sales=gone(attempt=2)), slot))
    assert (call.covers[0].attempt, call.earlier) == (1, ())


def test_watched_files_that_stay_the_same_bring_no_third_try() -> None:  # F2
    same, other = (refresh("sales", WhenChanged(("a",), text)) for text in ("one", "two"))
    record = gone(attempt=2, content="one")
    assert waits_until(same, record, NOON + hours(99)) is None
    assert only_refresh(plan(desired(other), recorded(sales=record), NOON)).earlier == ()


def test_a_missing_permission_makes_no_refresh_run_more_often_than_its_cadence() -> None:  # F1
    assert waits_until(refresh("sales"), gone(forbidden=True)) == NOON + hours(5)


def test_jobs_that_may_not_be_read_hold_an_item_at_last() -> None:  # F1
    failure = Failure(NOON, "403")
    record = replace(gone(forbidden=True), failures=5, last_failure=failure)
    found = standing(
        plan(desired(refresh("sales")), recorded(sales=record), NOON), refresh("sales")
    )
    assert found.reason == HeldAfterFailures(5, NOON, "403")


def test_a_job_that_may_not_be_read_stops_nobody_else() -> None:  # F1
    bad, good = refresh("sales", connection="w"), refresh("good", connection="w")
    planned = plan(desired(bad, good), recorded(sales=gone(forbidden=True)), NOON)
    assert [c.address for c in only_refresh(planned).covers] == [good.address]


def test_what_follows_a_refresh_that_nobody_saw_the_end_of_waits() -> None:  # F2
    first = refresh("sales")
    follower = reset("sales", SIX, after=first.address)
    found = standing(plan(desired(first, follower), recorded(sales=gone()), NOON), follower)
    assert isinstance(found.reason, BlockedBy)
    assert isinstance(found.reason.why, RefreshUnseen)


def test_those_that_shared_the_call_are_tried_again_in_one() -> None:  # F2
    both = [refresh(name, connection="w") for name in ("a", "b")]
    records = {}
    for item in both:
        call = Pending("op", "refresh", NOON, Coverage(item.address), job_id="job", accepted=True)
        records[item.address] = Record(unseen=Unseen(NOON, "404", call))
    again = plan(desired(*both), of(records), NOON).valid_until
    assert again is not None
    once_more = only_refresh(plan(desired(*both), of(records), again))
    assert once_more.earlier == (EarlierJob("op", "job", NOON, tuple(i.address for i in both)),)


def test_a_job_seen_to_end_after_all_covers() -> None:  # F2
    state = recorded(sales=gone())
    state = replay(state, [Numbered(state.sequence + 1, Done(NOON + MINUTE, "op", NOON))])
    assert plan(desired(refresh("sales")), state, NOON + MINUTE).actions == ()
    assert state.items[SALES].unseen is None


def test_force_makes_the_call_whatever_became_of_the_job() -> None:  # F2
    force = Choice(force=frozenset({SALES}))
    for record in (Record(pending=job()), gone(attempt=2), gone(forbidden=True)):
        call = only_refresh(plan(desired(refresh("sales")), recorded(sales=record), NOON, force))
        assert (call.reasons, call.earlier, call.covers[0].attempt) == ((Forced(),), (), 1)


def test_a_paused_item_awaits_nothing_and_its_neighbours_go_on() -> None:  # F1
    paused = refresh("sales", connection="w", pause=Pause(None, "why"))
    neighbour = refresh("good", connection="w")
    planned = plan(desired(paused, neighbour), recorded(sales=Record(pending=job())), NOON)
    assert [c.address for c in only_refresh(planned).covers] == [neighbour.address]
    assert standing(planned, paused).status is Status.PAUSED


def test_an_item_marked_due_is_free_and_says_who_said_so() -> None:  # G13
    for record in (Record(pending=job()), gone(attempt=2), Record(last_success=NOON)):
        marked = Numbered(1, Marked(NOON, SALES, None))
        planned = plan(desired(refresh("sales")), replay(recorded(sales=record), [marked]), NOON)
        assert only_refresh(planned).reasons == (MarkedDue(NOON),)


@pytest.mark.parametrize("cadence", [HOURS_6, At((time(6),))])
def test_a_mark_prevails_over_a_cadence_that_lets_its_slot_pass(  # G13
    cadence: Every | At,
) -> None:
    item = refresh("sales", cadence, on_change=OnChange.NEXT, deadline=hours(2))
    seen = replay(of({}), [Numbered(1, Noted(NOON - hours(1), SALES, declaration(item)))])
    state = replay(seen, [Numbered(2, Marked(NOON, SALES, None))])
    assert only_refresh(plan(desired(item), state, NOON)).reasons == (MarkedDue(NOON),)
    assert plan(desired(item), state, NOON + hours(2)).actions == ()


def test_a_marked_item_whose_call_failed_is_still_one_that_was_marked() -> None:  # G13
    state = replay(recorded(sales=Record()), [Numbered(1, Marked(NOON, SALES, None))])
    covers = (Coverage(SALES),)
    request = only_refresh(plan(desired(refresh("sales")), state, NOON)).request
    sent = Intent(NOON, "op", "refresh", covers, request, "https://omni.example")
    refused = Rejected(NOON, "op", "500: no")
    state = replay(state, [Numbered(2, sent), Numbered(3, refused)])
    later = plan(desired(refresh("sales")), state, NOON + hours(1))
    assert only_refresh(later).reasons == (MarkedDue(NOON),)


def test_an_edit_is_a_new_start() -> None:  # F2
    known = declaration(refresh("sales"))
    record = replace(gone(attempt=2), declared=known, since=NOON)
    edited = refresh("sales", timeout=hours(1))
    assert only_refresh(plan(desired(edited), recorded(sales=record), NOON)).covers[0].attempt == 1


def test_trouble_is_told_with_what_frees_it() -> None:  # F1 F2
    items = [refresh(name) for name in ("held", "sales", "fine")]
    held = Record(failures=5, last_failure=Failure(NOON, "no"))
    planned = plan(desired(*items), recorded(held=held, sales=gone(attempt=2)), NOON)
    told = [(one.what, one.addresses, one.command) for one in attention(planned.standings)]
    assert told == [
        ("Held", (items[0].address,), " ".join(freeing(items[0].address))),
        ("Accepted, and the end was never seen", (SALES,), " ".join(freeing(SALES))),
    ]
