"""Saved plans: kept by `plan --out`, confirmed by `apply PLAN`, looked at by `show PLAN`."""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shlex import join

from reconcile import __version__
from reconcile.cli.console import Console
from reconcile.cli.outputs import require_no_input
from reconcile.cli.saved_options import files_of, planning_arguments, stale
from reconcile.clock import wall_clock
from reconcile.model.comparison import SavedPlan
from reconcile.model.desired import Desired
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.exit_code import ExitCode
from reconcile.model.observed import Observed
from reconcile.model.plan import Choice, Plan
from reconcile.model.recorded import Recorded
from reconcile.planning.saved import Confirmed, Stale, confirm, saved
from reconcile.render.saved import action_reasons, confirmed_text, differences_text
from reconcile.state.saved_plans import save_plan

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
    require_no_input("--out", options.out, options, desired.state_url)
    reasons = action_reasons(planned)
    kept = saved(planned, desired, recorded, choice, reasons, f"reconcile {__version__}")
    kept = replace(kept, live=options.live, files=files_of(options), state=options.state)
    save_plan(Path(options.out).absolute(), kept)


def replanner(
    options: Namespace,
    desired: Desired,
    choice: Choice,
    console: Console,
    observed: Observed | None = None,
    kept: SavedPlan | None = None,
) -> Callable[[Recorded], Plan]:
    """Say how an apply plans: from a saved plan (exit code 4 once that is stale), or anew.

    `observed`: a live look to plan with. `kept`: the saved plan.
    """
    if kept is None:
        from reconcile.planning.plan import plan

        return lambda recorded: plan(desired, recorded, wall_clock(), choice, observed)

    def confirmed(recorded: Recorded) -> Plan:
        outcome = confirm(kept, desired, recorded, wall_clock(), observed)
        match outcome:
            case Stale(differences):
                lacks_look = kept.live and observed is None
                raise stale(options, differences_text(differences), lacks_look=lacks_look)
            case Confirmed(planned, covered, left_alone, spent):
                beside = confirmed_text(covered, left_alone, spent)
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
            hint=join(["reconcile", "plan", *planning_arguments(options)]),
        ),
        exit_code=ExitCode.STALE,
    )
