"""An explanation is true: what it says would be, is what planning again finds."""

from datetime import datetime, time, timedelta
from typing import assert_never

import pytest
from hypothesis import given, settings

from reconcile.forecast.why import Explanation, Obstacle, ObstacleKind, explain
from reconcile.model.address import Address
from reconcile.model.desired import (
    AfterRefresh,
    Cron,
    Desired,
    Freeze,
    FrozenSpan,
    OnChange,
    OpenHours,
    Pause,
    ResetItem,
)
from reconcile.model.plan import Await
from reconcile.model.reason import Status
from reconcile.model.recorded import Coverage, Failure, Pending, Record, Recorded, Unseen
from reconcile.model.struct import replace
from reconcile.planning.forecast import forecast
from reconcile.planning.plan import plan
from reconcile.planning.record import declaration
from tests.planning.making import (
    HOURS_6,
    NOON,
    SIX,
    desired,
    hours,
    of,
    recorded,
    refresh,
    reset,
    standing,
)
from tests.planning.worlds import worlds
from tests.render.plans import why_text

World = tuple[Desired, Recorded]
DAYS = timedelta(days=2)
SALES = refresh("sales").address


def removed(world: World, address: Address, obstacle: Obstacle) -> World:
    """Take an obstacle out of the world, as a person would edit the files or mend the state."""
    files, state = world
    (item,) = (item for item in files.items if item.address == address)
    others = tuple(other for other in files.items if other.address != address)
    match obstacle.kind:
        case ObstacleKind.FREEZE:
            names = [freeze.name for freeze in files.freezes]
            gone = names.index(obstacle.name)
            left = (freeze for number, freeze in enumerate(files.freezes) if number != gone)
            return replace(files, freezes=tuple(left)), state
        case ObstacleKind.FAILURES:
            mended = replace(state.items[address], failures=0, last_failure=None)
            return files, of({**state.items, address: mended})
        case ObstacleKind.JOB:
            return files, of({**state.items, address: replace(state.items[address], pending=None)})
        case ObstacleKind.UNSEEN:
            pending = state.items[address].pending
            kept = pending if pending is not None and pending.job_id is None else None
            seen = replace(state.items[address], pending=kept, unseen=None)
            return files, of({**state.items, address: seen})
        case ObstacleKind.DOUBT:
            sure = replace(state.items[address], pending=None, doubts=0, last_doubt=None)
            return files, of({**state.items, address: sure})
        case ObstacleKind.AFTER:
            assert isinstance(item, ResetItem)
            item = replace(item, after=None)
        case ObstacleKind.PAUSE:
            item = replace(item, timing=replace(item.timing, pause=None))
        case ObstacleKind.DEADLINE:
            item = replace(item, timing=replace(item.timing, deadline=None))
        case ObstacleKind.ON_CHANGE:
            item = replace(item, timing=replace(item.timing, on_change=OnChange.NOW))
        case _:
            assert_never(obstacle.kind)
    return replace(files, items=tuple(sorted((*others, item), key=lambda i: i.address))), state


def first_run(world: World, address: Address) -> datetime | None:
    calls = forecast(*world, NOON, DAYS).calls
    return next((call.at for call in calls if address in call.addresses), None)


def renamed(world: World) -> World:
    """Give every freeze a name of its own."""
    files, state = world
    freezes = (replace(freeze, name=f"{n}") for n, freeze in enumerate(files.freezes))
    return replace(files, freezes=tuple(freezes)), state


def sales(*freezes: Freeze, state: Record | None = None, **more: Pause) -> Explanation:
    files = desired(refresh("sales", HOURS_6, **more), freezes=freezes)
    return explain(files, of({} if state is None else {SALES: state}), NOON, SALES)


def frozen(name: str, ends_h: float) -> Freeze:
    return Freeze(name, ("*",), FrozenSpan(NOON - hours(1), NOON + hours(ends_h)))


@settings(max_examples=15, deadline=None)
@given(worlds().map(renamed))
def test_what_would_be_without_an_obstacle_is_what_planning_without_it_finds(world: World) -> None:
    for item in world[0].items:
        for without in explain(*world, NOON, item.address).without:
            other = removed(world, item.address, without.obstacle)
            assert standing(plan(*other, NOON), item).status is without.status
            if without.earliest < NOON + DAYS:
                assert first_run(other, item.address) == without.earliest


@settings(max_examples=15, deadline=None)
@given(worlds())
def test_the_earliest_run_is_the_first_call_of_the_forecast(world: World) -> None:
    for item in world[0].items:
        earliest = explain(*world, NOON, item.address).earliest
        within = earliest if earliest is not None and earliest < NOON + DAYS else None
        assert first_run(world, item.address) == within


@settings(max_examples=15, deadline=None)
@given(worlds())
def test_the_explanation_tells_the_standing_of_the_plan(world: World) -> None:
    planned = plan(*world, NOON)
    for item in world[0].items:
        assert explain(*world, NOON, item.address).standing == standing(planned, item)


def test_a_freeze_is_all_that_holds_a_due_item() -> None:
    told = sales(frozen("close", 5))
    (without,) = told.without
    assert (without.obstacle, without.status) == (
        Obstacle(ObstacleKind.FREEZE, "close"),
        Status.DUE,
    )
    assert told.earliest == NOON + hours(5)


def test_of_two_freezes_at_once_only_the_longer_matters() -> None:
    told = sales(frozen("short", 2), frozen("long", 5))
    (without,) = told.without
    assert without.obstacle.name == "long"
    assert (without.status, without.earliest) == (Status.DEFERRED, NOON + hours(2))


def test_a_freeze_over_the_next_slot_is_in_the_way_though_the_item_is_covered() -> None:
    ahead = Freeze("night", ("*",), FrozenSpan(NOON + hours(5), NOON + hours(9)))
    told = sales(ahead, state=Record(last_success=NOON))
    assert (told.standing.status, told.earliest) == (Status.COVERED, NOON + hours(9))
    assert [without.earliest for without in told.without] == [NOON + hours(6)]


def test_a_held_item_never_runs_and_its_failures_are_why() -> None:
    failure = Failure(NOON - hours(1), "no such table")
    told = sales(state=Record(failures=5, last_failure=failure))
    assert (told.standing.status, told.earliest) == (Status.HELD, None)
    assert [without.obstacle.kind for without in told.without] == [ObstacleKind.FAILURES]


def test_a_running_job_is_awaited_and_is_what_is_in_the_way() -> None:  # G14
    running = Pending(
        "op", "refresh", NOON - hours(1), Coverage(SALES), job_id="job", accepted=True
    )
    told = sales(state=Record(pending=running))
    assert (told.standing.status, told.call.__class__) == (Status.DUE, Await)
    assert [(w.obstacle.kind, w.earliest) for w in told.without] == [(ObstacleKind.JOB, NOON)]
    text = why_text(told, width=200, colour=False)
    assert "is awaited" in text
    assert "run now" not in text
    assert "elease with: reconcile state mark models.sales.refresh --due" in text


@pytest.mark.parametrize(
    ("left", "kind"),
    [
        (
            Record(
                pending=Pending("op", "refresh", NOON, Coverage(SALES), accepted=False),
                doubts=5,
                last_doubt=Failure(NOON, "no reply"),
            ),
            ObstacleKind.DOUBT,
        ),
        (
            Record(
                unseen=Unseen(
                    NOON,
                    "404",
                    Pending(
                        "op",
                        "refresh",
                        NOON,
                        Coverage(SALES, attempt=2),
                        job_id="job",
                        accepted=False,
                    ),
                )
            ),
            ObstacleKind.UNSEEN,
        ),
    ],
)
def test_a_doubt_and_a_job_not_seen_to_end_are_in_the_way(
    left: Record, kind: ObstacleKind
) -> None:  # F2 F7
    known = replace(left, declared=declaration(refresh("sales")), since=NOON)
    told = sales(state=known)
    assert told.standing.status is Status.BACKING_OFF
    assert [(w.obstacle.kind, w.earliest) for w in told.without] == [(kind, NOON)]
    assert "state mark models.sales.refresh --due" in why_text(told, width=200, colour=False)


def test_a_pause_without_an_end_is_in_the_way() -> None:
    told = sales(pause=Pause(None, "moving"))
    assert told.earliest is None
    assert [without.earliest for without in told.without] == [NOON]


def test_a_reset_blocked_by_its_refresh_could_go_without_waiting_for_it() -> None:
    first, item = refresh("sales"), reset("sales", SIX, after=SALES)
    failure = Failure(NOON, "no")
    state = recorded(
        sales=Record(failures=5, last_failure=failure, declared=declaration(first), since=NOON)
    )
    told = explain(desired(first, item), state, NOON, item.address)
    assert (told.standing.status, told.earliest) == (Status.BLOCKED, None)
    assert [without.obstacle.kind for without in told.without] == [ObstacleKind.AFTER]


def test_a_due_item_says_which_call_it_is_in_and_when_that_goes() -> None:
    files = desired(
        refresh("ops", connection="warehouse"),
        refresh("sales", connection="warehouse"),
        reset("web", Cron("0 * * * *")),
    )
    told = explain(files, of({}), NOON, SALES)
    assert told.place == (1, 2)
    assert told.call is not None
    assert len(told.call.covers) == 2
    assert told.without == ()


def test_an_address_that_is_not_declared_cannot_be_explained() -> None:
    with pytest.raises(KeyError):
        explain(desired(refresh("sales")), of({}), NOON, Address("models.web.refresh"))


def test_a_run_that_freezes_shut_out_for_good_is_said_never_to_come() -> None:
    first = refresh("sales", Cron("*/5 * * * *"))
    follower = reset("sales", AfterRefresh(first.address))
    windows = [OpenHours(((time(hour), time(hour + 1)),), "UTC") for hour in (1, 2)]
    freezes = tuple(Freeze(f"{w.allow}", ("*.cache.*",), w) for w in windows)
    told = explain(desired(first, follower, freezes=freezes), of({}), NOON, follower.address)
    assert told.earliest is None


def test_a_refresh_that_shares_no_calls_says_whose_doing_that_is() -> None:
    apart = refresh("sales", connection="warehouse", merges=False)
    told = why_text(explain(desired(apart), of({}), NOON, SALES), width=100, colour=False)
    assert "none: its connection says merge = false" in told
