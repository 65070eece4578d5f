"""The loop on a virtual clock: when it acts, what it keeps, and what it survives."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from reconcile.clock import wall_clock
from reconcile.controller.cycle import Verdict
from reconcile.model.address import refresh_address
from reconcile.model.journal import Forgotten
from reconcile.simulation.virtual import run_in_virtual_time
from reconcile.state.backend import open_session
from tests.controller.virtual import Virtual, for_a_while
from tests.planning.making import NOON
from tests.stage import SALES, models

EVERY_HOUR = f'[models.sales]\nid = "{SALES}"\nrefresh.every = "1h"\n'
AT_TWO = f"""
[models.sales]
id = "{SALES}"
cache.daily = {{ at = "14:00", on_change = "next" }}
"""


BOTH = AT_TWO + 'refresh.every = "1h"\n'


@pytest.fixture
def virtual(tmp_path: Path) -> Virtual:
    return Virtual(tmp_path)


def test_a_call_is_made_within_a_second_of_its_slot(virtual: Virtual) -> None:
    virtual.look_every_s = 60
    virtual.file.write_text(AT_TWO)

    async def play() -> None:
        await for_a_while(virtual.controller(), timedelta(days=3))

    run_in_virtual_time(play())
    late = [(i.at - NOON).total_seconds() % 86_400 - 7_200 for i in virtual.intents]
    assert len(late) == 3
    assert all(0 <= lateness < 1 for lateness in late)


def test_between_slots_nothing_is_planned(virtual: Virtual) -> None:
    virtual.look_every_s = 60
    virtual.file.write_text(AT_TWO)

    async def play() -> None:
        await for_a_while(virtual.controller(), timedelta(days=3))

    run_in_virtual_time(play())
    # One to note what is declared, and one a day.
    assert [outcome.verdict for outcome in virtual.outcomes] == [Verdict.DONE] * 4


def test_a_changed_file_is_used_within_seconds(virtual: Virtual) -> None:
    virtual.file.write_text(AT_TWO)

    async def play() -> None:
        controller = virtual.controller()
        asyncio.get_running_loop().call_later(600, virtual.file.write_text, BOTH)
        await for_a_while(controller, timedelta(minutes=20))

    run_in_virtual_time(play())
    (intent,) = virtual.intents
    assert timedelta(seconds=600) < intent.at - NOON < timedelta(seconds=607)
    assert len(virtual.said("files-reloaded")) == 1


def test_an_invalid_file_is_refused_loudly_and_the_old_one_goes_on(virtual: Virtual) -> None:
    virtual.file.write_text(AT_TWO)

    async def play() -> None:
        controller = virtual.controller()
        asyncio.get_running_loop().call_later(600, virtual.file.write_text, "[models.sales\n")
        await for_a_while(controller, timedelta(hours=3))

    run_in_virtual_time(play())
    assert len(virtual.intents) == 1
    assert [line.level for line in virtual.said("files-refused")] == ["error"]
    assert not virtual.desk.situation.ready


def test_a_swapped_link_is_a_change(virtual: Virtual) -> None:
    for name, text in (("one", AT_TWO), ("two", BOTH)):
        (virtual.folder / name).mkdir()
        (virtual.folder / name / "reconcile.toml").write_text(text)
    link = virtual.folder / "current"
    link.symlink_to("one")
    virtual.file.symlink_to("current/reconcile.toml")

    def swap() -> None:
        (virtual.folder / "next").symlink_to("two")
        (virtual.folder / "next").replace(link)

    async def play() -> None:
        controller = virtual.controller()
        asyncio.get_running_loop().call_later(60, swap)
        await for_a_while(controller, timedelta(minutes=5))

    run_in_virtual_time(play())
    assert len(virtual.intents) == 1


def test_a_watched_file_that_changes_makes_its_item_due(virtual: Virtual) -> None:
    watched = virtual.folder / "results.json"
    watched.write_text("1")
    virtual.file.write_text(
        f'[models.sales]\nid = "{SALES}"\n'
        'refresh = { when_changed = ["results.json"], on_change = "next" }\n'
    )

    async def play() -> None:
        controller = virtual.controller()
        asyncio.get_running_loop().call_later(60, watched.write_text, "22")
        await for_a_while(controller, timedelta(minutes=5))

    run_in_virtual_time(play())
    assert len(virtual.intents) == 1


def test_a_held_lock_is_waited_out(virtual: Virtual) -> None:
    virtual.file.write_text(f'[state]\nurl = "state.json"\n{EVERY_HOUR}')
    url = str(virtual.folder / "state.json")

    async def play() -> None:
        controller = virtual.controller()
        held = open_session(url, command="a person", lock_timeout_s=0, now=wall_clock())
        asyncio.get_running_loop().call_later(100, held.close)
        await for_a_while(controller, timedelta(minutes=5))

    run_in_virtual_time(play())
    locked = [o for o in virtual.outcomes if o.verdict is Verdict.LOCKED]
    assert 3 <= len(locked) <= 7
    assert [i.at - NOON < timedelta(seconds=135) for i in virtual.intents] == [True]


def test_a_state_that_cannot_be_read_is_told_and_survived(virtual: Virtual) -> None:
    virtual.file.write_text(f'[state]\nurl = "state.json"\n{EVERY_HOUR}')
    state = virtual.folder / "state.json"
    state.write_text("not a state")

    async def play() -> None:
        controller = virtual.controller()
        asyncio.get_running_loop().call_later(1_000, state.unlink)
        await for_a_while(controller, timedelta(hours=1))

    run_in_virtual_time(play())
    failed = [o for o in virtual.outcomes if o.verdict is Verdict.FAILED]
    assert 5 <= len(failed) <= 12
    assert len(virtual.intents) == 1


def test_a_limit_blocks_until_somebody_acts(virtual: Virtual) -> None:
    virtual.file.write_text("[limits]\ncalls = 1\n" + models("ab", 'refresh.every = "6h"'))

    async def play() -> None:
        await for_a_while(virtual.controller(), timedelta(hours=2))

    run_in_virtual_time(play())
    assert virtual.intents == []
    assert {outcome.verdict for outcome in virtual.outcomes} == {Verdict.BLOCKED}
    assert not virtual.desk.situation.ready


@pytest.mark.fault("T01")
@pytest.mark.parametrize("hours", [-24, -1, 1, 24])
def test_a_clock_that_is_set_is_noticed_within_seconds_and_keeps_no_call_waiting(
    hours: int, virtual: Virtual
) -> None:
    virtual.file.write_text(EVERY_HOUR)

    def set_clock() -> None:
        virtual.shift = timedelta(hours=hours)

    async def play() -> None:
        controller = virtual.controller()
        asyncio.get_running_loop().call_later(600, set_clock)
        await for_a_while(controller, timedelta(minutes=15))

    run_in_virtual_time(play())
    _, again = virtual.intents
    assert again.at - virtual.shift - NOON < timedelta(seconds=605)


def test_a_long_job_does_not_keep_what_falls_due_later_waiting(virtual: Virtual) -> None:
    virtual.file.write_text(
        models(["slow"], 'refresh = { every = "6h" }')
        + f"""
[models.sales]
id = "{SALES}"
cache.daily = {{ cron = "1-59/2 * * * *", on_change = "next" }}
"""
    )

    async def play() -> None:
        controller = virtual.controller()
        await for_a_while(controller, timedelta(minutes=8))

    run_in_virtual_time(play())
    resets = [i.at - NOON for i in virtual.intents if i.kind == "reset"]
    assert len(resets) == 4
    assert {o.verdict for o in virtual.outcomes} == {Verdict.DONE}
    refreshes = [i for i in virtual.intents if i.kind == "refresh"]
    assert len(refreshes) == 1


def test_an_absence_is_told_at_the_start_with_what_it_touched(virtual: Virtual) -> None:
    virtual.file.write_text(AT_TWO)

    async def play() -> None:
        await for_a_while(virtual.controller(), timedelta(hours=3))
        await asyncio.sleep(timedelta(days=2).total_seconds())
        await for_a_while(virtual.controller(), timedelta(hours=3))

    run_in_virtual_time(play())
    first, *_ = virtual.said("absent")
    assert (first.fields["slots_missed"], first.fields["items_late"]) == (1, 1)
    assert len(virtual.intents) == 2


def test_a_stop_during_a_cycle_leaves_the_job_to_the_next_run(virtual: Virtual) -> None:
    virtual.file.write_text(EVERY_HOUR)

    async def play() -> None:
        await for_a_while(virtual.controller(), timedelta(seconds=5))
        await for_a_while(virtual.controller(), timedelta(minutes=10))

    run_in_virtual_time(play())
    assert virtual.outcomes[0].verdict is Verdict.STOPPED
    assert len(virtual.intents) == 1


def test_what_falls_due_behind_a_job_waits_seconds_even_where_jobs_never_end(
    virtual: Virtual,
) -> None:
    virtual.file.write_text(
        "[omni]\nrequests_per_minute = 60\n"
        + models(["slow"], 'refresh = { every = "1m" }')
        + f'\n[models.sales]\nid = "{SALES}"\n'
        'cache.daily = { cron = "* * * * *", spread = "40s", on_change = "next" }\n'
    )

    async def play() -> None:
        await for_a_while(virtual.controller(), timedelta(hours=2))

    run_in_virtual_time(play())
    resets = [i for i in virtual.intents if i.kind == "reset"]
    late = [(i.at - slot).total_seconds() for i in resets if (slot := i.covers[0].slot)]
    assert len(late) >= 118
    assert max(late) < 15
    assert virtual.meter.counts(60).peak_per_minute <= 60
    assert virtual.meter.counts(60).throttled == 0


def test_what_somebody_else_does_to_the_state_is_noticed(virtual: Virtual) -> None:
    virtual.file.write_text(f'[state]\nurl = "state.json"\n{EVERY_HOUR}')
    url = str(virtual.folder / "state.json")

    def forget() -> None:
        with open_session(url, command="a person", lock_timeout_s=0, now=NOON) as session:
            session.append(Forgotten(NOON, refresh_address("sales")))

    async def play() -> None:
        controller = virtual.controller()
        asyncio.get_running_loop().call_later(600, forget)
        await for_a_while(controller, timedelta(minutes=20))

    run_in_virtual_time(play())
    assert len(virtual.intents) == 2


@pytest.mark.fault("N21")
def test_six_hours_without_a_connection_are_few_lines_and_end_by_themselves(
    virtual: Virtual,
) -> None:
    virtual.look_every_s = 30
    virtual.file.write_text(EVERY_HOUR)

    def connect() -> None:
        virtual.down = False

    async def play() -> None:
        controller = virtual.controller()
        virtual.down = True
        asyncio.get_running_loop().call_later(6 * 3_600, connect)
        await for_a_while(controller, timedelta(hours=6, minutes=6))

    run_in_virtual_time(play())
    steady = [line for line in virtual.lines if timedelta(hours=1) < line.at - NOON]
    assert len([line for line in steady if line.at - NOON < timedelta(hours=6)]) <= 12 * 5
    assert [outcome.verdict for outcome in virtual.outcomes[-2:]] == [Verdict.PARTLY, Verdict.DONE]


@pytest.mark.fault("T06")
def test_intervals_slept_through_are_made_up_once(virtual: Virtual) -> None:
    virtual.file.write_text(EVERY_HOUR)

    def wake_from_suspension() -> None:
        virtual.shift = timedelta(hours=5, minutes=30)

    async def play() -> None:
        controller = virtual.controller()
        asyncio.get_running_loop().call_later(600, wake_from_suspension)
        await for_a_while(controller, timedelta(minutes=30))

    run_in_virtual_time(play())
    assert len(virtual.intents) == 2


@pytest.mark.fault("X08")
def test_a_cycle_ends_on_the_files_it_began_with(virtual: Virtual) -> None:
    virtual.file.write_text(EVERY_HOUR)
    more = EVERY_HOUR + 'cache.often.every = "1h"\n'

    async def play() -> None:
        controller = virtual.controller()
        asyncio.get_running_loop().call_later(3, virtual.file.write_text, more)
        await for_a_while(controller, timedelta(minutes=10))

    run_in_virtual_time(play())
    first, *_ = virtual.outcomes
    assert first.desired is not None
    assert len(first.desired.items) == 1
    assert [intent.kind for intent in virtual.intents] == ["refresh", "reset"]
    assert {outcome.verdict for outcome in virtual.outcomes} <= {Verdict.DONE, Verdict.IDLE}
