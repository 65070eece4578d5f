"""Saved plans, as `show` sets them beside what the files justify now."""

from datetime import UTC, datetime, timedelta

from reconcile.model.address import Address
from reconcile.model.comparison import (
    Difference,
    PlannedFrom,
    SavedAction,
    SavedChoice,
    SavedPlan,
)
from reconcile.model.plan import Request
from reconcile.render.documents import SavedFate
from reconcile.render.words import Vantage

THEN = datetime(2026, 11, 23, 11, 22, tzinfo=UTC)
VIEW = Vantage("America/New_York", THEN, dated=True)
STANDS = SavedFate(left=1, covered=(Address("models.ops.refresh"),))


def saved_plan(name: str = "models.sales.refresh", actions: int = 1) -> SavedPlan:
    """Make a plan whose names and reasons are all the given one."""
    request = Request("POST", f"/v1/models/{name}", (("name", name),), {"text": name})
    action = SavedAction(
        kind="refresh", slots={Address(name): THEN}, request=request, reason=f"due for {name}"
    )
    return SavedPlan(
        tool="reconcile 1",
        now=THEN,
        valid_until=THEN + timedelta(hours=1),
        digest="sha256:" + "ab" * 32,
        state=PlannedFrom("here", 3, 7),
        host="https://myorg.omniapp.co",
        choice=SavedChoice(select=(), force=(), hold_unknown=False),
        actions=(action,) * actions,
        items={Address(name): "abc"},
    )


def stale(name: str, number: int = 1) -> SavedFate:
    """Say that a plan no longer matches, in words of whoever chose the name."""
    return SavedFate(differences=(Difference(name, name, name),) * number)
