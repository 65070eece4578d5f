"""`plan --against` and `plan diff`: what changes, for whoever is to review or approve it."""

from argparse import Namespace
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from reconcile.cli.console import Console
from reconcile.cli.gathering import operator_url
from reconcile.clock import wall_clock
from reconcile.config.git import load_version
from reconcile.config.problems import LeafError
from reconcile.config.values import parse_positive_duration
from reconcile.model.comparison import Comparison
from reconcile.model.desired import Desired
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.exit_code import ExitCode
from reconcile.model.recorded import Recorded
from reconcile.planning.compare import compare

LONGEST_HORIZON = timedelta(days=92)


def compare_with(
    options: Namespace, desired: Desired, recorded: Recorded, now: datetime
) -> Comparison:
    """Compare what is declared with the version that `--against` names.

    Reads that version and nothing else: no token, no socket, no state of its own.
    """
    horizon = horizon_of(options.horizon)
    # argparse of Python 3.11 and 3.12 makes an empty list of `--against=--`.
    before = load_version(options.against or "", options.file).desired
    if (said := operator_url(options)) is not None:
        before = replace(before, state_url=said)
    return compare(before, desired, recorded, now, horizon, wall_clock())


def comparison_told(comparison: Comparison, options: Namespace) -> dict[str, object]:
    """Return a comparison as the key `against` of the plan's JSON."""
    from reconcile.render.comparison import comparison_document

    return {"against": comparison_document(comparison, options.against)}


def say_comparison(comparison: Comparison, options: Namespace, console: Console) -> None:
    """Print a comparison as text by itself.

    A reviewer wants the change, not what happens to be due at this minute; --verbose adds that.
    """
    from reconcile.render.comparison import comparison_text

    coloured, width = console.coloured(console.out), console.width()
    console.say(comparison_text(comparison, options.against, width=width, colour=coloured))


def diff_files(options: Namespace, console: Console) -> int:
    """Print what changed between two plans; with --detailed-exitcode, 2 if anything did."""
    from reconcile.cli.plan_documents import load_plan_document
    from reconcile.planning.compare import diff_plans

    first, second = (load_plan_document(Path(name)) for name in _two_files(options))
    if not (first.statuses and second.statuses):
        # A saved plan does not say where items stand.
        first, second = replace(first, statuses=()), replace(second, statuses=())
    difference = diff_plans(first, second)
    if console.format == "json":
        from reconcile.render.comparison import plan_difference_json

        console.say(plan_difference_json(difference))
    elif console.format == "text":
        from reconcile.render.comparison import plan_difference_text

        coloured = console.coloured(console.out)
        console.say(plan_difference_text(difference, width=console.width(), colour=coloured))
    else:
        from reconcile.cli.reviewing import WIDTHS, say_told
        from reconcile.render.comparison import plan_difference_told

        say_told(plan_difference_told(difference, width=WIDTHS[console.format]), console)
    return ExitCode.CALLS if options.detailed_exitcode and not difference.is_empty else 0


def _two_files(options: Namespace) -> tuple[str, str]:
    match options.diff:
        case ["diff", first, second] if options.against is None and options.out is None:
            return first, second
    raise ReconcileError(
        Diagnostic(
            code="bad-usage",
            summary="plan diff takes two plans and nothing else",
            detail="It compares two files; --against compares the desired state with another "
            "version of it.",
            hint="reconcile plan diff APPROVED.json NOW.json",
        )
    )


def horizon_of(text: str) -> timedelta:
    """Read `--horizon`."""
    try:
        horizon = parse_positive_duration(text)
    except LeafError as error:
        raise _bad_horizon(error.detail) from None
    if horizon > LONGEST_HORIZON:
        raise _bad_horizon(f"{text} is longer than {LONGEST_HORIZON.days} days, the most there is.")
    return horizon


def _bad_horizon(detail: str) -> ReconcileError:
    return ReconcileError(
        Diagnostic(
            code="bad-duration",
            summary="--horizon needs a duration",
            detail=detail,
            hint="reconcile plan --against origin/main --horizon 7d",
        )
    )
