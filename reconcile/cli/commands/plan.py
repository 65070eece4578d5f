"""`plan`: what is due now, or what changes. Opens no socket, reads no token, takes no lock.

`--live` alone is another thing: it reads what the instance has, and says that it did.
With `--against` the text is the comparison alone, and the plan follows it with `--verbose`; JSON
is the plan with one key more, `against`; a comment and a page show both. Nothing needs to be
recorded: it can be run on a pull request from anywhere.
"""

from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconcile.cli.console import Console
from reconcile.cli.gathering import (
    gather_choice,
    gather_desired,
    gather_now,
    gather_recorded,
    read_elsewhere,
)
from reconcile.cli.holding import hold
from reconcile.clock import wall_clock
from reconcile.model.desired import Desired
from reconcile.model.exit_code import ExitCode
from reconcile.model.plan import AdoptSchedule, Forget, Plan, Rename
from reconcile.model.recorded import Recorded
from reconcile.planning.plan import plan

if TYPE_CHECKING:
    from reconcile.cli.live.planning import Live

REVIEWED = frozenset({"markdown", "html"})
"""Formats for people who were not there: they also show the next days."""


def run(options: Namespace, console: Console) -> int:
    """Plan and print."""
    if options.diff:
        from reconcile.cli.comparing import diff_files

        return diff_files(options, console)
    desired = gather_desired(options, console)
    recorded = hold(gather_recorded(desired, console))
    choice = gather_choice(options, desired)
    live = _look(options, desired, console) if options.live else None
    if live is not None:
        desired = live.desired
    observed = live.sight.observed if live else None
    planned = hold(plan(desired, recorded, gather_now(options.at), choice, observed, wall_clock()))
    if options.out is not None:
        from reconcile.cli.saving import save

        save(options, planned, desired, recorded, choice)
    if options.against is not None:
        code = _review(options, console, desired, recorded, planned, live)
        _say_below(live, console)
        return code
    if console.format in REVIEWED:
        from reconcile.cli.reviewing import Beside, say_review

        beside = Beside(live=_lines(live, console))
        say_review(planned, desired, recorded, options, console, beside)
        _say_below(live, console)
    else:
        say_plan(planned, console, host=desired.base_url, verbose=options.verbose, live=live)
    return _exit_code(planned, options, news=has_calls(planned))


def _exit_code(planned: Plan, options: Namespace, *, news: bool) -> int:
    """Say by the exit code what an apply would come to, where that was asked. `news`: of 2."""
    if not options.detailed_exitcode:
        return ExitCode.DONE
    if planned.blocked_by:
        return ExitCode.BLOCKED
    return ExitCode.CALLS if news else ExitCode.DONE


def _look(options: Namespace, desired: Desired, console: Console) -> "Live":
    from reconcile.cli.live.planning import gather_live

    return gather_live(options, desired, console)


def _say_below(live: "Live | None", console: Console) -> None:
    """Print what a look found below a comment or a comparison; a page and JSON hold it already."""
    if live is None or console.format in {"html", "json"}:
        return
    from reconcile.cli.live.planning import live_markdown, live_text

    if console.format == "markdown":
        console.say(live_markdown(live, console))
    else:
        console.say("")
        console.say(live_text(live, console))


def _lines(live: "Live | None", console: Console) -> Sequence[str]:
    if live is None:
        return ()
    from reconcile.cli.live.planning import live_text

    return live_text(live, console, colour=False).splitlines()


def _review(
    options: Namespace,
    console: Console,
    desired: Desired,
    recorded: Recorded,
    planned: Plan,
    live: "Live | None",
) -> int:
    from reconcile.cli.comparing import compare_with, say_comparison

    comparison = compare_with(options, desired, recorded, planned.now)
    if console.format in REVIEWED:
        from reconcile.cli.reviewing import Beside, say_review

        beside = Beside(comparison, _lines(live, console))
        say_review(planned, desired, recorded, options, console, beside)
    elif console.format == "json":
        from reconcile.cli.comparing import comparison_told
        from reconcile.render.documents import encode

        told = comparison_told(comparison, options)
        console.say(encode(_document(planned, desired.base_url, live) | told))
    else:
        _say_blocked(planned, console)
        say_comparison(comparison, options, console)
    if options.verbose and console.format == "text":
        say_plan(planned, console, host=desired.base_url, verbose=True)
    return _exit_code(planned, options, news=not comparison.is_empty)


def _say_blocked(planned: Plan, console: Console) -> None:
    """Print what an apply would refuse above a text that is not the plan itself."""
    if planned.blocked_by:
        from reconcile.render.plan import blocked_text

        console.say(blocked_text(planned.blocked_by))


def say_plan(
    planned: Plan,
    console: Console,
    *,
    host: str | None,
    verbose: bool,
    live: "Live | None" = None,
) -> None:
    """Print a plan in the format that was asked for, and what a live look found beside it."""
    if console.format == "json":
        from reconcile.render.documents import encode

        console.say(encode(_document(planned, host, live)))
        return
    from reconcile.render.plan import plan_text

    text = plan_text(
        planned,
        width=console.width(),
        colour=console.coloured(console.out),
        verbose=verbose,
        elsewhere=read_elsewhere(planned.now, console),
    )
    console.say(text)
    _say_below(live, console)


def _document(planned: Plan, host: str | None, live: "Live | None") -> dict[str, object]:
    if live is not None:
        from reconcile.cli.live.planning import live_plan_document

        return live_plan_document(planned, live)
    from reconcile.render.documents import plan_document

    return plan_document(planned, host=host)


def has_calls(planned: Plan) -> bool:
    """Tell whether anything would be sent or awaited."""
    return any(
        not isinstance(action, Forget | Rename | AdoptSchedule) for action in planned.actions
    )
