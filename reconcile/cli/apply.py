"""`apply`: make the calls that are due."""

from collections.abc import Callable, Mapping
from datetime import datetime

import click

from reconcile.cli.plan import fate_of
from reconcile.clock import wall_clock
from reconcile.errors import ExitCode, fail
from reconcile.model.address import Address
from reconcile.model.comparison import SavedPlan
from reconcile.model.desired import Desired
from reconcile.model.observed import Observed
from reconcile.model.plan import Choice, Plan
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.omni.credential import Credential
from reconcile.planning import guards
from reconcile.planning.plan import plan
from reconcile.planning.saved import Confirmed, Stale, confirm
from reconcile.render.layout import escape_terminal
from reconcile.render.plan import confirmed_text, differences_text
from reconcile.render.words import Vantage
from reconcile.terminal import inputs, progress
from reconcile.terminal import options as shared
from reconcile.terminal.console import Console, say_plan, warn_of_clock
from reconcile.terminal.events import NOTHING_DONE, Notifier, notified


@click.command(cls=shared.Command)
@shared.saved_plan_argument
@shared.file_option
@shared.state_option
@shared.output_options
@shared.choice_options
@shared.exit_code_option
@click.option(
    "--as-of",
    cls=shared.CommonOption,
    metavar="INSTANT|now",
    help="Make the forced resets as of this instant, instead of as of their slots.",
)
@click.option("--yes", cls=shared.CommonOption, is_flag=True, help="Do not ask before sending.")
@click.option(
    "--approve",
    cls=shared.CommonOption,
    metavar="DIGEST",
    help="Go on only if the plan still has this digest (12 or more of its hex digits).",
)
@shared.allow_option
@click.option(
    "--signal",
    multiple=True,
    metavar="NAME",
    shell_complete=shared.complete_signals,
    help="Say first that this has happened just now, as `signal` does. May be given again.",
)
@shared.lock_timeout_option
@shared.profile_option
@shared.notify_options
@shared.live_options
@click.option(
    "--preflight/--no-preflight",
    default=None,
    help="Try token, models and clock before the first call, or not; with --live it is tried.",
)
def run_apply(options: shared.Options, console: Console) -> int:
    """Plan, ask, send, and say what came of it."""
    inputs.require_own_places(options)
    return notified(options, console, lambda notifier: _apply(options, notifier))


def _apply(options: shared.Options, notifier: Notifier) -> int:
    console = notifier.console
    allowed = inputs.gather_waivers(options.allow)
    kept = inputs.take_up(options)
    desired, observed = _gather(options, console)
    if options.signal:
        from reconcile.cli.signal import send
        from reconcile.render.records import receipt_text
    for name in options.signal:
        receipt = send(desired, name, wall_clock(), options)
        console.note(receipt_text(receipt, Vantage("UTC", receipt.at)))
    choice = Choice() if kept else inputs.gather_choice(options, desired)
    choice = replace(choice, as_of=_as_of(options))
    plan_anew = replanner(options, desired, choice, console, observed, kept)

    def replan(recorded: Recorded) -> Confirmed:
        guards.require_forward(choice, desired, recorded)
        return plan_anew(recorded)

    preview, credential = _preview(replan, desired, options, notifier)
    warn_of_clock(preview.plan.clock_went_back, console)
    if not guards.has_effects(preview.plan):
        notifier.begin(preview.plan)
        notifier.end(NOTHING_DONE)
        _say_nothing_to_do(preview.plan, desired, options, console)
        return ExitCode.PARTLY if preview.waiting else ExitCode.DONE
    del preview  # It is planned again under the lock, and large.
    with inputs.session_on(
        desired.state_url, options, console, lock_ttl_s=desired.lock_ttl_s
    ) as session:
        notifier.know(desired, session.recorded)
        guards.require_same_host(str(credential.origin), session.recorded, "The credential is for")

        def planned_now() -> Confirmed:
            planned = replan(session.recorded)
            require_approved(planned.plan, options)
            return planned

        place = str(credential.origin)
        consented = approved(planned_now, options, console, place, allowed)
        if consented is None:
            console.note("Nothing was sent.")
            return 0
        waivers = guards.require_within_limits(consented.plan, allowed)
        going, held = _cleared(consented.plan, desired, credential, options, console)
        summary = progress.make_calls(going, session, credential, console, waivers, notifier)
    code = progress.exit_code_of(summary, detailed=options.detailed_exitcode)
    left_out = held or consented.waiting
    return ExitCode.PARTLY if left_out and code in {ExitCode.DONE, ExitCode.CALLS} else code


def _as_of(options: shared.Options) -> datetime | None:
    """Read `--as-of`. Raises ReconcileError for what has not happened yet."""
    if options.as_of is None:
        return None
    if options.plan is not None or not options.force:
        raise click.UsageError("--as-of is about what --force names, and needs it.")
    if options.as_of == "now":
        return wall_clock()
    as_of = inputs.gather_now(options.as_of, "--as-of")
    if as_of <= wall_clock():
        return as_of
    raise fail(
        "as-of-refused",
        "--as-of lies in the future, which Omni refuses. Nothing was sent.",
        hint="reconcile apply --force ADDRESS --as-of now",
    )


def _gather(options: shared.Options, console: Console) -> tuple[Desired, Observed | None]:
    """Load the files; with `--live`, look at the instance and say what differs to whoever reads."""
    desired = inputs.gather_desired(options, console)
    if not options.live:
        return desired, None
    from reconcile.live.look import gather_live

    live = gather_live(options, desired, console)
    if console.format == "text":
        console.note(live.text(console, stream_is_out=False))
    return live.desired, live.observed


def _preview(
    replan: Callable[[Recorded], Confirmed],
    desired: Desired,
    options: shared.Options,
    notifier: Notifier,
) -> tuple[Confirmed, Credential]:
    """Plan without the lock, which finding nothing to do does not take.

    The credential is checked even then: that it is missing or another instance's is not to be
    found out when something is due. Nothing is sent for it.
    """
    recorded = inputs.gather_recorded(desired, notifier.console)
    notifier.know(desired, recorded)
    planned = replan(recorded)
    require_approved(planned.plan, options)
    credential = progress.gather_credential(options, desired)
    guards.require_same_host(str(credential.origin), recorded, "The credential is for")
    return planned, credential


def _cleared(
    planned: Plan,
    desired: Desired,
    credential: Credential,
    options: shared.Options,
    console: Console,
) -> tuple[Plan, tuple[Address, ...]]:
    """Try the token before the first call, where that was asked for or goes with `--live`."""
    wanted = options.live if options.preflight is None else options.preflight
    if not wanted:
        return planned, ()
    from reconcile.live.look import preflight

    return preflight(planned, desired, credential, console)


def _say_nothing_to_do(
    preview: Plan, desired: Desired, options: shared.Options, console: Console
) -> None:
    if console.format == "json":
        progress.say_summary(NOTHING_DONE, console)
    else:
        say_plan(preview, console, host=desired.base_url, verbose=options.verbose)


MOST_QUESTIONS = 3


def approved(
    replan: Callable[[], Confirmed],
    options: shared.Options,
    console: Console,
    host: str,
    waived: Mapping[str, float],
) -> Confirmed | None:
    """Show a plan and return it once it is approved; None if the answer is no.

    Time passes while a person reads. What was read is compared with what would be planned at the
    instant of the yes; if a slot fell in between, the new plan is shown and asked about again. A
    saved plan and a digest are consent already; and nobody is asked about what a limit blocks all
    the same. `waived`: what each named limit may be passed up to.
    """
    confirmed = replan()
    for _ in range(MOST_QUESTIONS):
        planned = confirmed.plan
        blocked_by = guards.unwaived(planned, waived)
        if console.format == "text":
            shown = replace(planned, blocked_by=blocked_by)
            say_plan(shown, console, host=host, verbose=options.verbose)
        if _is_settled(planned, options) or blocked_by:
            return confirmed
        if not console.answers:
            raise fail(
                "no-terminal",
                "apply asks before it sends anything, and standard input is not a terminal. "
                "Nothing was sent.",
                hint="reconcile apply --yes",
            )
        these = "this call" if planned.load.calls == 1 else f"these {planned.load.calls:,} calls"
        if console.ask(f"Make {these} on {escape_terminal(host)}? Type 'yes': ") != "yes":
            return None
        confirmed = replan()
        if confirmed.plan.digest == planned.digest:
            return confirmed
        console.note("The plan changed while it waited for an answer.")
    raise fail(
        "plan-keeps-changing",
        "Slots fell due faster than the question was answered.",
        hint="reconcile apply --yes",
    )


def _is_settled(planned: Plan, options: shared.Options) -> bool:
    """Tell whether consent was given before, or is not needed."""
    return bool(options.yes or options.plan or options.approve) or not guards.calls_of(planned)


SHORTEST_DIGEST = 12


def replanner(
    options: shared.Options,
    desired: Desired,
    choice: Choice,
    console: Console,
    observed: Observed | None = None,
    kept: SavedPlan | None = None,
) -> Callable[[Recorded], Confirmed]:
    """Say how an apply plans: from a saved plan (exit code 4 once that is stale), or anew.

    `observed`: a live look to plan with. `kept`: the saved plan.
    """
    if kept is None:
        return lambda recorded: Confirmed(plan(desired, recorded, wall_clock(), choice, observed))

    def confirmed(recorded: Recorded) -> Confirmed:
        outcome = confirm(kept, desired, recorded, wall_clock(), observed)
        match outcome:
            case Stale(differences):
                lacks_look = kept.choice.live and observed is None
                raise inputs.stale(options, differences_text(differences), lacks_look=lacks_look)
            case Confirmed() as found:
                beside = confirmed_text(fate_of(found, console))
                if beside:
                    console.note(beside)
                return found

    return confirmed


def require_approved(planned: Plan, options: shared.Options) -> None:
    """Compare the plan with `--approve`. Raises ReconcileError, exit code 4."""
    if options.approve is None:
        return
    wanted = options.approve.removeprefix("sha256:").lower()
    found = planned.digest.removeprefix("sha256:")
    if len(wanted) < SHORTEST_DIGEST:
        raise click.UsageError(f"--approve takes at least {SHORTEST_DIGEST} digits of a digest.")
    if found.startswith(wanted):
        return
    raise fail(
        "digest-differs",
        f"Approved was {wanted}, due now is {found[: max(len(wanted), 12)]}. Slots fell "
        "due, something was settled, or the files changed. Nothing was sent.",
        hint=shared.shell_words(["reconcile", "plan", *inputs.planning_arguments(options)]),
    )
