"""Saved plans: kept by `plan --out`, confirmed by `apply PLAN`, looked at by `show PLAN`."""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shlex import quote

from reconcile import __version__
from reconcile.cli.console import Console
from reconcile.clock import wall_clock
from reconcile.model.desired import Desired
from reconcile.model.diagnostic import Diagnostic, Place, ReconcileError
from reconcile.model.observed import Observed
from reconcile.model.plan import Choice, Plan
from reconcile.model.recorded import Recorded
from reconcile.model.saved import SavedPlan
from reconcile.planning.review.confirming import Confirmed, Stale, confirm, saved
from reconcile.render.saved_plan import (
    action_reasons,
    confirmed_text,
    differences_text,
)
from reconcile.state.saved_plans import load_plan, save_plan

STALE = 4
SHORTEST_DIGEST = 12


def save(
    options: Namespace, planned: Plan, desired: Desired, recorded: Recorded, choice: Choice
) -> None:
    """Write the plan to `--out`. A plan as of another instant cannot be applied, nor saved."""
    if options.at is not None:
        raise ReconcileError(
            Diagnostic(
                code="out-with-at",
                summary="A plan of another instant cannot be saved",
                detail="--at asks what would be due then; --out saves what is due now.",
                hint="reconcile plan --out plan.json",
            )
        )
    reasons = action_reasons(planned)
    kept = saved(planned, desired, recorded, choice, reasons, f"reconcile {__version__}")
    save_plan(Path(options.out).absolute(), replace(kept, live=options.live))


def replanner(
    options: Namespace,
    desired: Desired,
    choice: Choice,
    console: Console,
    observed: Observed | None = None,
) -> Callable[[Recorded], Plan]:
    """Say how an apply plans: from a saved plan (exit code 4 once that is stale), or anew.

    `observed`: a live look to plan with.
    """
    if options.plan is None:
        from reconcile.planning.planner import plan

        return lambda recorded: plan(desired, recorded, wall_clock(), choice, observed)
    kept = _load(Path(options.plan).absolute())

    def confirmed(recorded: Recorded) -> Plan:
        outcome = confirm(kept, desired, recorded, wall_clock(), choice.force, observed)
        match outcome:
            case Stale(differences):
                lacks_look = kept.live and observed is None
                raise _stale(options.plan, differences_text(differences), lacks_look=lacks_look)
            case Confirmed(planned, covered, left_alone):
                beside = confirmed_text(covered, left_alone)
                if beside:
                    console.note(beside)
                return planned

    return confirmed


def require_approved(planned: Plan, options: Namespace) -> None:
    """Compare the plan with `--approve`. Raises ReconcileError, exit code 4."""
    if options.approve is None:
        return
    wanted = options.approve.removeprefix("sha256:").lower()
    found = planned.digest.removeprefix("sha256:")
    if len(wanted) >= SHORTEST_DIGEST and found.startswith(wanted):
        return
    raise ReconcileError(
        Diagnostic(
            code="digest-differs",
            summary="The plan is not the one that was approved",
            detail=f"Approved was {wanted}, due now is {found[: max(len(wanted), 12)]}. Slots fell "
            "due, something was settled, or the files changed. Nothing was sent.",
            hint="reconcile plan",
        ),
        exit_code=STALE,
    )


def _load(path: Path) -> SavedPlan:
    """Load a saved plan; tell plainly if somebody means to apply what `drift` printed."""
    try:
        return load_plan(path)
    except ReconcileError:
        if not _is_drift(path):
            raise
    raise ReconcileError(
        Diagnostic(
            code="drift-is-no-plan",
            summary="What drift prints cannot be applied",
            detail="The file says how an instance differs from the files. It holds no calls, and "
            "nobody has approved any. Nothing was sent.",
            hint="reconcile plan --live --out plan.json",
            places=(Place(str(path)),),
        )
    )


def _is_drift(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return b'"kind": "drift"' in file.read(200)


def _stale(path: str, differences: str, *, lacks_look: bool) -> ReconcileError:
    return ReconcileError(
        Diagnostic(
            code="saved-plan-stale",
            summary="The saved plan no longer matches",
            detail=f"{differences}\nNothing was sent.",
            hint=f"reconcile apply --live {quote(path)}"
            if lacks_look
            else "reconcile plan --out plan.json",
            places=(Place(path),),
        ),
        exit_code=STALE,
    )
