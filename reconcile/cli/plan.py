"""`plan`: what is due now, or what changes. `show`: all items, or a saved plan.

Neither opens a socket, reads a token or takes a lock; `--live` alone reads what the instance has.
With `--against` the text is the comparison alone, and the plan follows it with `--verbose`; JSON
is the plan with one key more, `against`; a comment and a page show both. Nothing needs to be
recorded: it can be run on a pull request from anywhere.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import click

from reconcile import __version__
from reconcile.clock import wall_clock
from reconcile.errors import ExitCode, ReconcileError, fail
from reconcile.model.comparison import BothVersions, SavedPlan
from reconcile.model.desired import Desired
from reconcile.model.observed import Observed
from reconcile.model.plan import Await, Choice, Plan
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.planning.guards import calls_of
from reconcile.planning.plan import plan, standings
from reconcile.planning.saved import Confirmed, Stale, confirm, saved
from reconcile.render.actions import PlanDocument, action_reasons, plan_document
from reconcile.render.documents import Blocking, SavedFate, WaitingDocument, saved_json
from reconcile.render.plan import blocked_text, review_text, review_told
from reconcile.render.reasons import Reader, most_common
from reconcile.render.words import Vantage
from reconcile.state.backend import backend
from reconcile.state.saved_plans import save_plan
from reconcile.terminal import inputs
from reconcile.terminal import options as shared
from reconcile.terminal.console import Console, read_elsewhere, say_plan, warn_of_clock


class _Live(Protocol):
    """What a look at the instance adds to a plan: `reconcile.live` has it, which may be absent."""

    @property
    def desired(self) -> Desired: ...
    @property
    def observed(self) -> Observed: ...
    def document(self, planned: Plan, console: Console) -> PlanDocument: ...
    def text(self, console: Console, *, colour: bool = True) -> str: ...
    def markdown(self, console: Console) -> str: ...


DEFAULT_HORIZON = "7d"
REVIEWED = frozenset({"markdown", "html"})
"""Formats for people who were not there: they also show the next days."""


@click.command(cls=shared.Command)
@click.argument(
    "diff",
    nargs=-1,
    type=shared.FILE,
    metavar="[diff A.json B.json]",
    help="Compare two plans that were printed with --format json, or saved with --out.",
)
@shared.file_option
@shared.state_option
@shared.planned_output_options
@shared.choice_options
@shared.exit_code_option
@shared.at_option
@click.option(
    "--out", type=shared.FILE, metavar="PLAN", help="Save the plan, to be applied as it is."
)
@click.option(
    "--against",
    type=shared.FILE,
    metavar="REF|REF...|FILE",
    help="Show what changes compared with a git revision, with where HEAD parted from one "
    "(origin/main...), or with a file: ./OLD.toml.",
)
@click.option(
    "--horizon",
    default=DEFAULT_HORIZON,
    metavar="DURATION",
    help="How far ahead to look, with --against, in a comment or a page.",
)
@shared.live_options
@shared.profile_option
def run_plan(options: shared.Options, console: Console) -> int:
    """Plan and print. A comment and a page say also why there is no plan."""
    if options.diff:
        from reconcile.review.command import diff_files

        return diff_files(options, console)
    try:
        return _plan(options, console)
    except ReconcileError as error:
        if console.format in REVIEWED:
            from reconcile.review.command import say_no_plan

            say_no_plan(error.diagnostics, options, console)
        raise


def _plan(options: shared.Options, console: Console) -> int:
    if options.out is not None:
        inputs.require_file("--out", options.out, follow=False)
        inputs.require_text("--file", *options.file)
        inputs.require_text("--state", options.state)
    keep = options.against is not None
    if not keep and options.horizon != DEFAULT_HORIZON and console.format not in REVIEWED:
        raise click.UsageError("--horizon is about --against, a comment or a page, and needs one.")
    desired, understood = inputs.gather_understood(options, console, keep=keep)
    recorded = inputs.gather_recorded(desired, console)
    choice = inputs.gather_choice(options, desired)
    live: _Live | None = None
    if options.live:
        from reconcile.live.look import gather_live

        live = gather_live(options, desired, console)
        desired = live.desired
    observed = live.observed if live else None
    planned = plan(desired, recorded, inputs.gather_now(options.at), choice, observed, wall_clock())
    warn_of_clock(planned.clock_went_back, console)
    if options.out is not None:
        save(options, planned, desired, recorded, choice)
    if options.against is not None:
        from reconcile.review.command import both_versions

        versions = both_versions(options, desired, understood)
        news = _compare(options, console, versions, recorded, planned, live)
        _say_below(live, console)
        return _exit_code(planned, options, news=news)
    if console.format in REVIEWED:
        from reconcile.review.command import Beside, say_review

        beside = Beside(live=_lines(live, console))
        say_review(planned, desired, recorded, options, console, beside)
    elif live is not None and console.format == "json":
        console.say_document(live.document(planned, console))
    else:
        _say_text(planned, desired, options, console)
    _say_below(live, console)
    # A job is no call; but whoever applies on 2 alone would never learn how it ended, and its item
    # is not called before that.
    waits = any(isinstance(action, Await) for action in planned.actions)
    return _exit_code(planned, options, news=waits or bool(calls_of(planned)))


def _exit_code(planned: Plan, options: shared.Options, *, news: bool) -> int:
    """Say by the exit code what an apply would come to, where that was asked. `news`: of 2."""
    if not options.detailed_exitcode:
        return ExitCode.DONE
    if planned.blocked_by:
        return ExitCode.BLOCKED
    return ExitCode.CALLS if news else ExitCode.DONE


def _say_below(live: _Live | None, console: Console) -> None:
    """Print what a look found below a comment or a comparison; a page and JSON hold it already."""
    if live is None or console.format in {"html", "json"}:
        return
    if console.format == "markdown":
        console.say(live.markdown(console))
    else:
        console.say("")
        console.say(live.text(console))


def _lines(live: _Live | None, console: Console) -> Sequence[str]:
    return live.text(console, colour=False).splitlines() if live else ()


def _compare(
    options: shared.Options,
    console: Console,
    versions: BothVersions,
    recorded: Recorded,
    planned: Plan,
    live: _Live | None,
) -> bool:
    """Print what changes between two versions of the files; tell whether anything does."""
    from reconcile.review import command as review

    before, desired = versions.before, versions.after
    comparison = review.compare_with(versions, options, recorded, planned)
    if console.format in REVIEWED:
        beside = review.Beside(comparison, before, _lines(live, console))
        review.say_review(planned, desired, recorded, options, console, beside)
    elif console.format == "json":
        document = (
            live.document(planned, console)
            if live is not None
            else plan_document(planned, host=desired.base_url, complete=console.complete)
        )
        told = review.comparison_told(comparison, options)
        console.say_document(replace(document, against=told))
    else:
        # What an apply would refuse stands above a text that is not the plan itself.
        if planned.blocked_by:
            over = tuple(map(Blocking.of, planned.blocked_by))
            console.say(blocked_text(over, console.complete))
        review.say_comparison(comparison, options, console)
    if options.verbose and console.format == "text":
        _say_text(planned, desired, options, console)
    return not comparison.is_empty


def _say_text(planned: Plan, desired: Desired, options: shared.Options, console: Console) -> None:
    """Print a plan; it names the state, whose path is told from here where it lies below."""
    name = backend(desired.state_url).name
    if isinstance(name, Path) and name.is_relative_to(Path.cwd()):
        name = name.relative_to(Path.cwd())
    state, verbose = str(name), options.verbose
    say_plan(planned, console, host=desired.base_url, verbose=verbose, state=state)


def save(
    options: shared.Options, planned: Plan, desired: Desired, recorded: Recorded, choice: Choice
) -> None:
    """Write the plan to `--out`. A plan as of another instant cannot be applied, nor saved."""
    if options.at is not None:
        raise fail(
            "out-with-at",
            "--at asks what would be due then; --out saves what is due now.",
            hint="reconcile plan --out plan.json",
        )
    inputs.require_no_input("--out", options.out, options, desired.state_url)
    reasons = action_reasons(planned)
    kept = saved(planned, desired, recorded, choice, reasons, f"reconcile {__version__}")
    given = replace(kept.choice, live=options.live, files=options.file, state=options.state)
    save_plan(Path(options.out).absolute(), replace(kept, choice=given))


# `show`: every item and when it next matters, or a saved plan and whether it still stands.


@click.command(cls=shared.Command)
@shared.saved_plan_argument
@shared.file_option
@shared.state_option
@shared.review_output_options
def run_show(options: shared.Options, console: Console) -> int:
    """Print a table of all items, or a saved plan."""
    kept = inputs.take_up(options)
    desired = inputs.gather_desired(options, console)
    recorded = inputs.gather_recorded(desired, console)
    if kept is not None:
        return _show_saved(kept, desired, recorded, console)
    from reconcile.render.items import items_text, items_told
    from reconcile.render.records import listed

    now = wall_clock()
    told = listed(standings(desired, recorded, now), recorded, now)
    verbose = options.verbose
    if console.format == "json":
        console.say_document(told.document)
    elif console.format == "text":
        text = items_text(
            told,
            width=console.width(),
            colour=console.coloured(console.out),
            verbose=verbose,
            elsewhere=read_elsewhere(now, console),
        )
        console.say(text)
    else:
        from reconcile.review.command import WIDTHS, say_told

        width = WIDTHS[console.format]
        say_told(items_told(told, width=width, verbose=verbose), console)
    return 0


def _show_saved(kept: SavedPlan, desired: Desired, recorded: Recorded, console: Console) -> int:
    """Print a saved plan in the format that was asked for. Being stale is no error here."""
    fate = _fate(kept, desired, recorded, console)
    view = Vantage(most_common(item.timing.zone for item in desired.items), kept.now, dated=True)
    if console.format == "json":
        console.say(saved_json(kept, fate))
    elif console.format == "text":
        coloured, complete = console.coloured(console.out), console.complete
        width = console.width()
        told = review_text(kept, fate, view, width=width, colour=coloured, complete=complete)
        console.say(told)
    else:
        from reconcile.review.command import WIDTHS, say_told

        width, complete = WIDTHS[console.format], console.complete
        say_told(review_told(kept, fate, view, width=width, complete=complete), console)
    return 0


def _fate(kept: SavedPlan, desired: Desired, recorded: Recorded, console: Console) -> SavedFate:
    outcome = confirm(kept, desired, recorded, wall_clock())
    match outcome:
        case Stale(differences):
            return SavedFate(differences=differences)
        case Confirmed() as confirmed:
            return fate_of(confirmed, console, dated=True)


def fate_of(confirmed: Confirmed, console: Console, *, dated: bool = False) -> SavedFate:
    """Say what became of a saved plan that stands. `dated`: for whoever reads it on another day."""
    reader = Reader.of(confirmed.plan, dated=dated, complete=console.complete)
    return SavedFate(
        left=len(confirmed.plan.actions),
        covered=confirmed.covered,
        left_alone=confirmed.left_alone,
        spent=confirmed.spent,
        waiting=tuple(WaitingDocument.of(standing, reader) for standing in confirmed.waiting),
        blocked_by=tuple(map(Blocking.of, confirmed.plan.blocked_by)),
    )
