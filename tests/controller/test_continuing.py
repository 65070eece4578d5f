"""What a controller takes for the state that its last cycle left, and what it does not."""

import asyncio
import shutil
from collections.abc import Callable

import pytest

from reconcile.controller.cycle import (
    Outcome,
    ThreadedCycles,
    Unobserved,
    Verdict,
    load_instance,
)
from reconcile.errors import ExitCode
from tests.controller.cycling import instance_of
from tests.stage import SALES, Stage, Staging

FILE = f"""
[state]
url = "old/prod.json"

[models.sales]
id = "{SALES}"
refresh.every = "6h"
"""


def cycles_of(stage: Stage) -> Callable[[], Outcome]:
    """Make cycles as `run` does: its files loaded anew, and knowing of the cycle before."""
    instance = instance_of(stage)
    cycles = ThreadedCycles(lambda: instance)
    return lambda: asyncio.run(cycles.make(load_instance(instance)[0], Unobserved()))


def refused(outcome: Outcome) -> str:
    assert outcome.verdict is Verdict.FAILED
    return outcome.problems[0].code


@pytest.mark.fault("S22")
def test_a_state_that_vanishes_under_a_controller_stops_it_until_it_is_back(
    staged: Staging,
) -> None:
    stage = staged(FILE)
    cycle = cycles_of(stage)
    cycle()
    (stage.folder / "old").rename(stage.folder / "away")
    assert [refused(cycle()), refused(cycle())] == ["state-missing"] * 2
    (stage.folder / "away").rename(stage.folder / "old")
    assert (cycle().verdict, len(stage.calls())) == (Verdict.IDLE, 1)


@pytest.mark.fault("S22")
def test_an_earlier_version_under_a_controller_is_refused(staged: Staging) -> None:
    stage = staged(FILE)
    cycle = cycles_of(stage)
    cycle()
    shutil.copytree(stage.folder / "old", stage.folder / "copy")
    stage.run("state", "mark", "models.sales.refresh", "--due")
    cycle()
    shutil.rmtree(stage.folder / "old")
    (stage.folder / "copy").rename(stage.folder / "old")
    assert refused(cycle()) == "state-replaced"


def test_another_place_is_gone_on_from_once_the_state_was_migrated_there(staged: Staging) -> None:
    stage = staged(FILE)
    cycle = cycles_of(stage)
    cycle()
    stage.write(FILE.replace("old/", "new/"))
    outcome = cycle()
    assert refused(outcome) == "state-missing"
    migrate = (outcome.problems[0].hint or "").split()[1:]
    assert stage.run(*migrate).code == ExitCode.DONE
    assert (cycle().verdict, len(stage.calls())) == (Verdict.IDLE, 1)


def test_the_state_of_another_is_not_gone_on_from(staged: Staging) -> None:
    stage = staged(FILE)
    stage.run("apply", "--yes", "--state", "new/prod.json")
    cycle = cycles_of(stage)
    cycle()
    stage.write(FILE.replace("old/", "new/"))
    assert refused(cycle()) == "state-replaced"
