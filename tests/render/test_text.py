from collections.abc import Callable
from datetime import timedelta

import pytest

from reconcile.model.address import refresh_address
from reconcile.model.desired import Mode
from reconcile.model.plan import Forget, Plan
from reconcile.model.reason import FollowsRefresh, Forced, NeverRun, RefreshCompleted, Status
from reconcile.model.struct import replace
from reconcile.render.layout import cells
from reconcile.render.reasons import home_zone
from tests.conftest import Snapshot
from tests.render.moments import HOURLY, OPS, SALES, SIX, ago
from tests.render.plans import plan_text
from tests.render.samples import (
    awaiting,
    morning_standings,
    plan,
    refresh,
    reset,
    standing,
    troubled_plan,
)


def morning() -> Plan:
    return plan(standings=morning_standings())


def quiet() -> Plan:
    return plan((), morning_standings())


@pytest.mark.parametrize("width", [118, 80, 36])
@pytest.mark.parametrize("make", [morning, quiet, troubled_plan])
def test_a_plan_reads_well_at(width: int, make: Callable[[], Plan], snapshot: Snapshot) -> None:
    name = f"plan_{make.__name__}_{width}.txt"
    snapshot(name, plan_text(make(), width=width, colour=False))


def test_a_verbose_plan_shows_requests_and_what_is_covered(snapshot: Snapshot) -> None:
    text = plan_text(troubled_plan(), width=100, colour=False, verbose=True)
    snapshot("plan_verbose_100.txt", text)


def test_colours_mark_kinds_of_change(snapshot: Snapshot) -> None:
    text = plan_text(troubled_plan(), width=118, colour=True)
    snapshot("plan_colour_118.txt", text.replace("\x1b", "<ESC>"))


@pytest.mark.fault("P11")
@pytest.mark.parametrize("make", [morning, quiet, troubled_plan])
def test_no_line_is_wider_than_the_terminal(make: Callable[[], Plan]) -> None:
    for width in range(48, 140):
        lines = plan_text(make(), width=width, colour=False).splitlines()
        assert max(map(cells, lines)) <= width


@pytest.mark.fault("P11")
@pytest.mark.parametrize("width", [-1, 0, 1, 5])
def test_a_terminal_one_column_wide_still_gets_every_address_whole(width: int) -> None:
    text = plan_text(morning(), width=width, colour=False)
    assert "models.sales.cache.daily_cache_policy" in text


def test_colour_adds_nothing_but_colour() -> None:
    coloured = plan_text(troubled_plan(), width=80, colour=True)
    for code in ("32", "33", "1;33", "31", "1", "2", "0"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    lines = [line.rstrip() for line in coloured.splitlines()]
    assert lines == plan_text(troubled_plan(), width=80, colour=False).splitlines()


def test_a_single_call_is_due() -> None:
    assert plan_text(plan((refresh(SALES),)), width=80, colour=False).startswith("1 call is due ")


def test_a_hard_refresh_is_called_hard_and_a_soft_one_soft() -> None:
    both = plan((refresh(SALES), refresh(OPS, mode=Mode.SOFT)))
    _, hard, soft, *_ = plan_text(both, width=118, colour=False).splitlines()
    assert " hard  " in hard
    assert " soft  " in soft


def test_a_reset_says_what_it_resets_to_when_its_reason_does_not() -> None:
    text = plan_text(plan((reset(HOURLY, Forced()),)), width=118, colour=False)
    assert "forced, whatever is recorded, resets to 11:00Z" in text


def test_a_reset_names_the_refresh_it_follows_once() -> None:
    following = reset(HOURLY, FollowsRefresh(OPS), stamp=None, waits=OPS)
    text = plan_text(plan((following,)), width=118, colour=False)
    assert text.count("models.ops.refresh") == 1


def test_a_reset_stamped_with_a_completion_names_it_once() -> None:
    text = plan_text(
        plan((reset(HOURLY, RefreshCompleted(OPS, ago(17)), stamp=ago(17)),)),
        width=118,
        colour=False,
    )
    assert "models.ops.refresh completed 11:05Z\n" in text


@pytest.mark.parametrize("action", [awaiting(SALES), Forget(address=SALES)])
def test_nothing_to_call_but_something_to_do(action: Forget) -> None:
    text = plan_text(plan((action,)), width=80, colour=False)
    assert text.startswith("No calls are due · 1 ")
    assert "models.sales.refresh" in text


def test_nothing_at_all_is_said_plainly() -> None:
    empty = replace(plan(()), valid_until=None)
    assert plan_text(empty, width=80, colour=False).startswith("No calls are due.\n")


def test_what_select_left_out_is_counted_and_not_listed() -> None:
    """P8: it is judged all the same: limits and totals are of all there is."""
    left_out = standing(OPS, Status.DUE, NeverRun(timedelta(hours=6)), selected=False)
    text = plan_text(plan((), (left_out,)), width=80, colour=False)
    assert "1 not selected" in text
    assert "models.ops" not in text


def test_the_whole_is_told_in_the_most_common_zone() -> None:
    zones = ("Asia/Tokyo", "Europe/Paris", "Europe/Paris", "Asia/Tokyo", "UTC")
    items = [standing(refresh_address(str(i)), zone=zone) for i, zone in enumerate(zones)]
    assert home_zone(items) == "Asia/Tokyo"
    assert home_zone([]) == "UTC"


def test_a_missed_deadline_is_told_once() -> None:
    text = plan_text(troubled_plan(), width=118, colour=False)
    assert text.count("models.web.cache.hourly") == 1
    assert SIX.isoformat() not in text


def test_a_list_ends_after_a_thousand_addresses_unless_all_are_asked_for() -> None:
    forgotten = tuple(Forget(address=refresh_address(f"m{number}")) for number in range(1_002))
    short, long = (
        plan_text(plan(forgotten), width=100, colour=False, verbose=verbose)
        for verbose in (False, True)
    )
    assert (short.count("no longer declared"), long.count("no longer declared")) == (1_000, 1_002)
    assert "and more than these 1,000: --verbose lists all of them" in short
    assert "more than these" not in long
