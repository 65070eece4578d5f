"""The preflight of an apply: what stops it, what it leaves out, and what it warns of."""

import asyncio
from collections.abc import Iterator

from reconcile.applying.apply import Cleared, clear
from reconcile.cli.console import Console
from reconcile.cli.spending import access_to
from reconcile.model.address import Address
from reconcile.model.desired import Desired
from reconcile.model.diagnostic import Diagnostic, Severity
from reconcile.model.drift import ClockOff
from reconcile.model.plan import Plan, Refresh, ResetCache, ScheduleWrite
from reconcile.omni.credential import Credential
from reconcile.planning.drift import MOST_AHEAD_S
from reconcile.planning.observed import hold_back
from reconcile.render.live import finding_text

MAY_CHANGE = "UPDATE"
"""What a role that may change a model has, in Omni's words (omni-api.md 1.3)."""


def preflight(
    planned: Plan,
    desired: Desired,
    credential: Credential,
    console: Console,
) -> tuple[Plan, tuple[Address, ...]]:
    """Return what of the plan may go ahead, and the addresses that are held for this apply.

    Raises ReconcileError where the token is refused: one such answer holds for every call of the
    key.
    """
    called = [a for a in planned.actions if isinstance(a, Refresh | ResetCache)]
    model_ids = frozenset(action.model_id.lower() for action in called)
    if not (model_ids or any(isinstance(a, ScheduleWrite) for a in planned.actions)):
        return planned, ()
    access = access_to(credential, console)
    found = asyncio.run(clear(access, model_ids, desired.requests_per_minute))
    console.diagnose(_warnings(found))
    if not found.missing:
        return planned, ()
    left, held = hold_back(planned, desired, found.missing)
    console.diagnose([_held(held)])
    return left, held


def _warnings(found: Cleared) -> Iterator[Diagnostic]:
    ahead_s = found.clock_ahead_s
    if ahead_s is not None and abs(ahead_s) > MOST_AHEAD_S:
        yield Diagnostic(
            code="clock-off",
            summary="The clocks differ",
            detail=finding_text(ClockOff(addresses=(), ahead_s=ahead_s)),
            severity=Severity.WARNING,
        )
    weak = sorted(
        model_id
        for model_id, role in found.roles.items()
        if role.permissions and MAY_CHANGE not in role.permissions
    )
    if weak:
        yield Diagnostic(
            code="role-may-not-do",
            summary="The token's role may not be enough",
            detail=f"On {len(weak)} of the models, {weak[0]} first, its role lacks {MAY_CHANGE}. "
            "Omni's documents do not say which permission a refresh or a reset takes, so they are "
            "tried; a refresh takes a connection admin.",
            severity=Severity.WARNING,
        )


def _held(held: tuple[Address, ...]) -> Diagnostic:
    listed = ", ".join(held[:5]) + (f" and {len(held) - 5} more" if len(held) > 5 else "")  # noqa: PLR2004 -- as many as one reads
    return Diagnostic(
        code="model-not-there",
        summary="Models are missing, and their items are held for this apply",
        detail=f"Omni lists no such model, or it was deleted: {listed}. Nothing was sent for them, "
        "they stay due, and the others go on.",
        hint="reconcile drift",
        severity=Severity.WARNING,
    )
