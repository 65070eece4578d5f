"""`apply`: make the calls that are due."""

import os
from argparse import Namespace
from collections.abc import Callable

from reconcile.applying.guard import has_effects, require_same_host, require_within_limits
from reconcile.cli.approval import approved
from reconcile.cli.commands.plan import say_plan
from reconcile.cli.console import Console
from reconcile.cli.gathering import (
    gather_choice,
    gather_desired,
    gather_recorded,
)
from reconcile.cli.limits import gather_waivers
from reconcile.cli.making import exit_code_of, make_calls, say_summary
from reconcile.cli.notifying import NOTHING_DONE, Notifier, notified
from reconcile.cli.outputs import require_own_places
from reconcile.cli.saved_options import take_up
from reconcile.cli.saving import replanner, require_approved
from reconcile.clock import wall_clock
from reconcile.model.address import Address
from reconcile.model.desired import Desired
from reconcile.model.exit_code import ExitCode
from reconcile.model.observed import Observed
from reconcile.model.plan import Choice, Plan
from reconcile.model.recorded import Recorded
from reconcile.omni.credential import Credential, load_credential, require_same_origin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reconcile.state.session import Session


def run(options: Namespace, console: Console) -> int:
    """Plan, ask, send, and say what came of it."""
    require_own_places(options)
    return notified(options, console, lambda notifier: _apply(options, notifier))


def _apply(options: Namespace, notifier: Notifier) -> int:
    console = notifier.console
    allowed = gather_waivers(options.allow)
    kept = take_up(options)
    desired, observed = _gather(options, console)
    choice = Choice() if kept else gather_choice(options, desired)
    replan = replanner(options, desired, choice, console, observed, kept)
    preview, credential = _preview(replan, desired, options, notifier)
    if not has_effects(preview):
        notifier.begin(preview)
        notifier.end(NOTHING_DONE)
        return _nothing_to_do(preview, desired, options, console)
    del preview  # It is planned again under the lock, and large.
    with _opened(options, desired) as session:
        console.diagnose(session.warnings)
        notifier.know(desired, session.recorded)
        require_same_host(str(credential.origin), session.recorded, "The credential is for")

        def planned_now() -> Plan:
            planned = replan(session.recorded)
            require_approved(planned, options)
            return planned

        consented = approved(planned_now, options, console, desired.base_url, allowed)
        if consented is None:
            console.note("Nothing was sent.")
            return 0
        waivers = require_within_limits(consented, desired, session.recorded, allowed)
        going, held = _cleared(consented, desired, credential, options, console)
        summary = make_calls(going, session, credential, console, waivers, notifier)
    return ExitCode.PARTLY if held else exit_code_of(summary, detailed=options.detailed_exitcode)


def _opened(options: Namespace, desired: Desired) -> "Session":
    from reconcile.state.origin import origin_here
    from reconcile.state.session import open_session

    return open_session(
        desired.state_url,
        command="reconcile apply",
        lock_timeout_s=options.lock_timeout,
        now=wall_clock(),
        lock_ttl_s=desired.lock_ttl_s,
        origin=origin_here(options.file),
    )


def _gather(options: Namespace, console: Console) -> tuple[Desired, Observed | None]:
    """Load the files; with `--live`, look at the instance and say what differs to whoever reads."""
    desired = gather_desired(options, console)
    if not options.live:
        return desired, None
    from reconcile.cli.live.planning import gather_live, live_text

    live = gather_live(options, desired, console)
    if console.format == "text":
        console.note(live_text(live, console, stream_is_out=False))
    return live.desired, live.sight.observed


def _preview(
    replan: Callable[[Recorded], Plan], desired: Desired, options: Namespace, notifier: Notifier
) -> tuple[Plan, Credential]:
    """Plan without the lock, which finding nothing to do does not take.

    The credential is checked even then: that it is missing or another instance's is not to be
    found out when something is due. Nothing is sent for it.
    """
    recorded = gather_recorded(desired, notifier.console)
    notifier.know(desired, recorded)
    planned = replan(recorded)
    require_approved(planned, options)
    credential = _credential(options, desired)
    require_same_host(str(credential.origin), recorded, "The credential is for")
    return planned, credential


def _credential(options: Namespace, desired: Desired) -> Credential:
    credential = load_credential(os.environ, profile=options.profile)
    require_same_origin(desired.base_url, credential)
    return credential


def _cleared(
    planned: Plan, desired: Desired, credential: Credential, options: Namespace, console: Console
) -> tuple[Plan, tuple[Address, ...]]:
    """Try the token before the first call, where that was asked for or goes with `--live`."""
    wanted = options.live if options.preflight is None else options.preflight
    if not wanted:
        return planned, ()
    from reconcile.cli.live.clearing import preflight

    return preflight(planned, desired, credential, console)


def _nothing_to_do(preview: Plan, desired: Desired, options: Namespace, console: Console) -> int:
    if console.format == "json":
        say_summary(NOTHING_DONE, console)
    else:
        say_plan(preview, console, host=desired.base_url, verbose=options.verbose)
    return 0
