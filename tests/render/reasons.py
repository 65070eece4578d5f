"""Every reason there is, seen from that morning."""

from datetime import timedelta

from reconcile.model.reason import (
    BackingOff,
    BlockedBy,
    ContentChanged,
    CoveredSince,
    DeadlineMissed,
    FollowsRefresh,
    Forced,
    FrozenBy,
    HeldAfterFailures,
    HeldInDoubt,
    IntervalElapsed,
    JobRunningSince,
    NeverRun,
    NothingYet,
    OutcomeUnknown,
    PausedUntil,
    PulledForward,
    Reason,
    RefreshCompleted,
    SlotPassed,
    StampWouldGoBack,
    WaitsForFiles,
    WaitsForNextSlot,
    WaitsUntil,
)
from reconcile.model.schedule_reason import (
    ScheduleDrifted,
    ScheduleEdited,
    ScheduleForeign,
    ScheduleFound,
    ScheduleInDoubt,
    ScheduleInPlace,
    ScheduleUndeclared,
    ScheduleUnmade,
    ScheduleVanished,
)
from tests.render.moments import OPS, SALES, SIX, ago, later

HOURS_6 = timedelta(hours=6)
ELAPSED = IntervalElapsed(HOURS_6, ago(372), ago(12))
BACKING_OFF = BackingOff(2, ago(20), later(3), "Model is being edited")
HELD = HeldAfterFailures(5, ago(80), "Connection refused by the warehouse")

EVERY_REASON: tuple[Reason, ...] = (
    NeverRun(timedelta(hours=6)),
    ELAPSED,
    SlotPassed(SIX, 0),
    SlotPassed(SIX, 3),
    ContentChanged(("target/run_results.json",)),
    ContentChanged(("a.json", "b.json", "c.json", "d.json", "e.json")),
    RefreshCompleted(OPS, ago(17)),
    FollowsRefresh(OPS),
    OutcomeUnknown(ago(90)),
    Forced(),
    PulledForward(later(8), timedelta(minutes=10)),
    JobRunningSince(ago(4)),
    CoveredSince(None),
    CoveredSince(ago(30)),
    NothingYet(),
    StampWouldGoBack(SIX, ago(5)),
    WaitsUntil(later(38)),
    WaitsForNextSlot(SIX),
    WaitsForNextSlot(None),
    WaitsForFiles(("target/manifest.json",)),
    DeadlineMissed(ago(150), timedelta(hours=2)),
    FrozenBy("quarter close", later(60 * 24 * 40)),
    FrozenBy("forever", None),
    PausedUntil(later(60 * 24 * 2), "warehouse migration"),
    PausedUntil(None, ""),
    BACKING_OFF,
    HELD,
    HeldInDoubt(ago(45)),
    BlockedBy(SALES, BACKING_OFF),
    BlockedBy(SALES, None),
    ScheduleUnmade(),
    ScheduleVanished("5e0c1a52"),
    ScheduleFound("5e0c1a52"),
    ScheduleEdited(("cron", "hard")),
    ScheduleDrifted(("timezone",)),
    ScheduleInDoubt(ago(45)),
    ScheduleUndeclared(),
    ScheduleForeign(),
    ScheduleInPlace("5e0c1a52"),
)
