"""A change of the files with a bit of everything, and two plans."""

from datetime import UTC, datetime, time, timedelta

from reconcile.model.address import Address
from reconcile.model.comparison import (
    Comparison,
    Peak,
    PlanDifference,
    PlannedCall,
    PrintedPlan,
    Shift,
)
from reconcile.model.desired import (
    AfterRefresh,
    At,
    Cron,
    Desired,
    Every,
    Freeze,
    FrozenSpan,
    Limits,
    Mode,
    Pause,
)
from reconcile.model.struct import replace
from reconcile.planning.compare import compare
from reconcile.planning.fields import diff_plans
from tests.planning.making import HOURS_6, SIX, desired, of, refresh, reset

NOW = datetime(2026, 10, 30, 12, tzinfo=UTC)
NEW_YORK = "America/New_York"
SALES = Address("models.sales.refresh")


def before() -> Desired:
    return desired(
        refresh("sales", HOURS_6, mode=Mode.SOFT, tables=("a.a", "a.b", "a.c", "a.d")),
        reset("sales", At((time(6),), frozenset(range(5))), zone=NEW_YORK),
        reset("sales", AfterRefresh(SALES), policy="hourly"),
        refresh("ops", Every(timedelta(days=1))),
        reset("old", Cron("30 1 * * *"), zone=NEW_YORK),
        reset("quiet", SIX),
    )


def after() -> Desired:
    close = FrozenSpan(NOW + timedelta(days=2), NOW + timedelta(days=3))
    return desired(
        refresh("sales", Every(timedelta(hours=1)), tables=("a.b", "a.e"), connection="warehouse"),
        reset("sales", At((time(6), time(18)), frozenset({0, 1, 2, 5})), zone=NEW_YORK),
        reset("sales", AfterRefresh(SALES), policy="hourly"),
        refresh("ops", Every(timedelta(days=1)), connection="warehouse"),
        reset("web", Cron("30 1 * * *"), zone=NEW_YORK),
        refresh("paused", HOURS_6, pause=Pause(None, "audit")),
        reset("quiet", SIX),
        freezes=(Freeze("quarter close", ("models.ops.*",), close),),
        requests_per_minute=30,
        limits=Limits(calls=50, share=0.25),
    )


def comparison() -> Comparison:
    """Compare the two; what the busiest minute costs is given, not what polling makes of it."""
    told = compare(before(), after(), of({}), NOW, timedelta(days=7))
    was, now = told.figures.before, told.figures.after
    morning = datetime(2026, 10, 31, 6, tzinfo=UTC)
    figures = Shift(
        replace(was, peak=Peak(morning, 3, 13, 30.5)), replace(now, peak=Peak(morning, 4, 17, 48.0))
    )
    return replace(told, figures=figures)


def hostile_comparison(name: str) -> Comparison:
    freeze = Freeze(name, ("*",), FrozenSpan(NOW, NOW + timedelta(days=1)))
    first, second = (
        desired(
            refresh(name, every, connection=name, schemas=(name,), pause=Pause(None, name)),
            refresh("ops", every, connection=other),
            reset(name, AfterRefresh(SALES), policy=name),
            reset("web", SIX, policy=name),
            freezes=(freeze,)[:number],
            base_url=f"https://{name}",
        )
        for number, (every, other) in enumerate(
            ((HOURS_6, None), (Every(timedelta(hours=1)), name))
        )
    )
    return compare(first, second, of({}), NOW, timedelta(days=2))


def plan_difference() -> PlanDifference:
    reset_call = ("request", "POST /api/v1/models/x/cache_reset/daily")
    first = PrintedPlan(
        now=NOW,
        digest="sha256:" + "a" * 64,
        host="https://myorg.omniapp.co",
        calls=(
            _call("models.ops.refresh", kind="refresh"),
            _call("models.sales.cache.daily", kind="reset", slot=NOW, body=("resetAt=then",)),
            _call("models.sales.refresh", kind="refresh", query=("hard_refresh=false",)),
            _call("models.web.refresh", kind="refresh"),
        ),
        statuses=((Address("models.ops.refresh"), "due"), (SALES, "due")),
    )
    later = PrintedPlan(
        now=NOW + timedelta(hours=8),
        digest="sha256:" + "b" * 64,
        host="https://other.omniapp.co",
        calls=(
            PlannedCall(Address("models.new.cache.x"), (("kind", "reset"), reset_call)),
            _call(
                "models.sales.cache.daily",
                kind="reset",
                slot=NOW + timedelta(hours=6),
                body=("resetAt=now",),
            ),
            _call("models.sales.refresh", kind="refresh", query=("hard_refresh=true",)),
            _call("models.web.refresh", kind="refresh"),
        ),
        statuses=((Address("models.ops.refresh"), "covered"), (SALES, "due")),
    )
    return diff_plans(first, later)


def hostile_plan_difference(name: str, number: int = 1) -> PlanDifference:
    """Set side by side two plans in which everything that can be foreign is that name."""
    first, later = (
        PrintedPlan(
            now=NOW,
            digest=name + word,
            host=name + word,
            calls=tuple(
                _call(f"{name}{word}{each}", kind=name, request=name, query=(name,))
                for each in range(number)
            ),
            statuses=((Address(name), name + word),),
        )
        for word in ("then", "now")
    )
    return diff_plans(first, later)


def _call(address: str, **fields: str | datetime | tuple[str, ...]) -> PlannedCall:
    return PlannedCall(Address(address), tuple(fields.items()))


def same_plans() -> PlanDifference:
    difference = plan_difference()
    digest = difference.digest.before
    return PlanDifference(
        now=difference.now,
        digest=Shift(digest, digest),
        host=Shift(None, None),
        calls=(),
        statuses=(),
        unchanged=4,
    )
