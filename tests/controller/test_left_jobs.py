"""A controller that leaves a job behind looks at it again at sane intervals."""

import itertools
from datetime import timedelta
from pathlib import Path

import pytest

from reconcile.controller.cycle import Outcome, Verdict
from reconcile.controller.loop import LONGEST_LOOK, Rhythm
from reconcile.model.progress import JobOutcome, JobRunning, JobUnreadable, Proof, Summary
from reconcile.model.struct import replace
from reconcile.simulation.virtual import SimulatedOmni, run_in_virtual_time
from tests.controller.virtual import Virtual, for_a_while
from tests.planning.making import NOON
from tests.stage import SALES

DAILY = f'[models.sales]\nid = "{SALES}"\nrefresh = {{ every = "48h", timeout = "5m" }}\n'
ABSENT = JobUnreadable("404: no such job", Proof.NOT_FOUND, status=404)
FORBIDDEN = JobUnreadable("403: no", Proof.FORBIDDEN, status=403)


class Telling(SimulatedOmni):
    """An Omni whose jobs always say the same."""

    answer: JobOutcome = JobRunning("RUNNING")

    async def fetch_job(self, job_id: str) -> JobOutcome:
        del job_id
        self._meter.polls += 1
        return self.answer


def played(folder: Path, answer: JobOutcome, span: timedelta) -> Virtual:
    virtual = Virtual(folder, look_every_s=60)
    virtual.file.write_text(DAILY)

    async def play() -> None:
        controller = virtual.controller()
        virtual.omni.__class__ = Telling
        virtual.omni.answer = answer  # type: ignore[attr-defined] # it is one now
        await for_a_while(controller, span)

    run_in_virtual_time(play())
    return virtual


def looks(virtual: Virtual) -> list[Outcome]:
    return [outcome for outcome in virtual.outcomes if outcome.summary is not None]


@pytest.mark.parametrize("answer", [JobRunning("RUNNING"), FORBIDDEN, ABSENT])
def test_a_job_that_is_left_is_looked_at_again_after_a_minute_and_then_ever_later(
    tmp_path: Path, answer: JobOutcome
) -> None:
    # F2
    ends = [outcome.ended_at for outcome in looks(played(tmp_path, answer, timedelta(minutes=9)))]
    apart = [later - earlier for earlier, later in itertools.pairwise(ends)]
    assert apart[0] >= timedelta(seconds=60)
    assert all(gap <= timedelta(minutes=6) for gap in apart)


def test_a_job_that_runs_on_costs_a_look_every_four_minutes(tmp_path: Path) -> None:
    # F2
    virtual = played(tmp_path, JobRunning("RUNNING"), timedelta(hours=6))
    assert virtual.meter.polls <= timedelta(hours=6) / LONGEST_LOOK + 40
    assert len(virtual.intents) == 1


@pytest.mark.parametrize(("answer", "verdict"), [(ABSENT, "end-unseen"), (FORBIDDEN, "end-unseen")])
def test_looks_of_a_controller_are_far_enough_apart_to_count(
    tmp_path: Path, answer: JobOutcome, verdict: str
) -> None:
    # F1 F2
    virtual = played(tmp_path, answer, timedelta(minutes=20))
    assert virtual.said(verdict)


def test_a_cycle_that_only_waited_for_a_connection_is_followed_later_each_time() -> None:
    summary = Summary(results=(), calls=3, polls=0, took_s=36)
    vain = Outcome(
        verdict=Verdict.PARTLY,
        began_at=NOON - timedelta(seconds=36),
        ended_at=NOON,
        wake_at=NOON,
        summary=summary,
    )
    assert Rhythm().after(vain).after(vain).repeats == 2
    assert Rhythm().after(replace(vain, called_off=True)).repeats == 0


def test_a_cycle_called_off_for_what_fell_due_is_followed_at_once() -> None:
    # F2
    outcome = Outcome(
        verdict=Verdict.DONE, began_at=NOON, ended_at=NOON, wake_at=NOON, called_off=True
    )
    assert Rhythm().after(outcome).looks == 0
