"""The Omni that a scenario is played against."""

from datetime import timedelta
from statistics import median

from reconcile.model.desired import Desired, Generation
from reconcile.model.recorded import Recorded
from reconcile.model.simulation import Scenario
from reconcile.sandbox.exchange import Operation
from reconcile.sandbox.faults import FaultKind, FaultRule, Faults
from reconcile.sandbox.instance import JobDurations, Settings, seeds_of
from reconcile.sandbox.world import World, build_instance

SHORTEST_JOB = timedelta(seconds=20)
LONGEST_JOB = timedelta(seconds=120)
"""How long refreshes last that no apply has measured (omni-api.md 3.6: "several minutes" [doc],
90 s were enough for a small warehouse [live])."""

_UNAVAILABLE = 503


def make_world(desired: Desired, recorded: Recorded, scenario: Scenario) -> World:
    """Seed a world with all that is declared, its jobs as long as the state remembers them."""
    measured = {
        item.model_id.lower(): timedelta(seconds=median(record.durations_s))
        for item in desired.items
        if (record := recorded.items.get(item.address)) is not None and record.durations_s
    }
    settings = Settings(
        requests_per_minute=desired.requests_per_minute,
        job_durations=JobDurations(SHORTEST_JOB, LONGEST_JOB, measured),
        seed=scenario.seed,
    )
    instance = build_instance(seeds_of(desired), settings)
    return World(instance, faults=_faults(desired, scenario.fail_share), log_length=0)


def _faults(desired: Desired, share: float) -> Faults:
    """Let jobs fail, and calls that have no job to fail be answered 503."""
    if not share:
        return Faults()
    job = FaultRule(kind=FaultKind.FAIL, operation=Operation.REFRESH, share=share)
    if desired.generation is Generation.LEGACY:
        job = FaultRule(
            kind=FaultKind.STATUS, operation=Operation.REFRESH, share=share, status=_UNAVAILABLE
        )
    call = FaultRule(
        kind=FaultKind.STATUS, operation=Operation.RESET, share=share, status=_UNAVAILABLE
    )
    return Faults((job, call))
