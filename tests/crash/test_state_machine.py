"""Random sequences of faults, kills, stops and waits over a simulated world, by hypothesis.

`pytest --slow tests/crash/test_state_machine.py` plays 10,000 of them, or SEEDS.
"""

import os
from datetime import time, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from reconcile.model.desired import AfterRefresh, At, Cron, Every
from reconcile.planning.plan import plan
from tests.crash.lossy_omni import FATES, Fate
from tests.crash.runs import Run
from tests.crash.simulated import Play
from tests.planning.making import desired, refresh, reset

HOURS_6, HOURS_2 = Every(timedelta(hours=6)), Every(timedelta(hours=2))
NEVER_HELD: dict[str, Any] = {"hold_after": 1000}

A = refresh("a", HOURS_6, connection="warehouse", **NEVER_HELD)
B = refresh("b", HOURS_2, connection="warehouse", **NEVER_HELD)
C = refresh("c", At((time(6), time(18))), **NEVER_HELD)
FILES = desired(
    A,
    B,
    C,
    reset("a", AfterRefresh(A.address), **NEVER_HELD),
    reset("b", HOURS_2, **NEVER_HELD),
    reset("c", Cron("30 5 * * *"), after=C.address, **NEVER_HELD),
    requests_per_minute=600,
)

fates = st.lists(st.sampled_from(FATES), max_size=6)
runs = st.builds(
    Run,
    delay_s=st.sampled_from([0.0, 0.1, 0.5, 3.0, 60.0]),
    killed_at=st.none() | st.integers(1, 60),
    stopped_after_s=st.none() | st.sampled_from([0.05, 0.3, 2.5, 20.0]),
)


class Applying(RuleBasedStateMachine):
    """Two actors that share a state and take turns under its lock, and an Omni that fails them."""

    @initialize(seed=st.integers(0, 2**16))
    def begin(self, seed: int) -> None:
        self.play = Play(FILES, seed)

    @rule(minutes=st.sampled_from([1, 7, 61, 125, 400, 1500]))
    def wait(self, minutes: int) -> None:
        self.play.pass_time(timedelta(minutes=minutes))

    @rule(run=runs, drawn=fates)
    def one_runs(self, run: Run, drawn: list[Fate]) -> None:
        self.play.fates.extend(drawn)
        self.play.runs(run)

    @rule(one=runs, other=runs, drawn=fates)
    def two_run(self, one: Run, other: Run, drawn: list[Fate]) -> None:
        self.play.fates.extend(drawn)
        self.play.runs(one, other)

    @invariant()
    def nothing_is_lost_or_invented(self) -> None:
        if hasattr(self, "play"):
            self.play.check()

    def teardown(self) -> None:
        """However it was left, a few runs that nothing disturbs finish all there is to do."""
        if not hasattr(self, "play"):
            return
        self.play.fates.clear()
        self.play.check_every_prefix()
        for _ in range(4):
            self.play.runs(Run())
            self.play.check()
            if not plan(FILES, self.play.files.load(), self.play.now).actions:
                standings = plan(FILES, self.play.files.load(), self.play.now).standings
                if all(standing.status == "covered" for standing in standings):
                    return
            self.play.pass_time(timedelta(minutes=61))
        raise AssertionError(plan(FILES, self.play.files.load(), self.play.now))


def play(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Applying,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.fault("P01", "P02", "A03", "N19", "A09", "A13", "L11", "X01", "X09", "T06")
def test_no_sequence_of_faults_loses_or_repeats_an_acknowledged_call() -> None:
    play(examples=50, steps=12)


@pytest.mark.slow
@pytest.mark.fault("P01", "P02", "A03", "N19", "A09", "A13", "L11", "X01", "X09", "T06")
def test_none_of_ten_thousand_sequences_does() -> None:
    play(examples=int(os.environ.get("SEEDS", "10000")), steps=15)
