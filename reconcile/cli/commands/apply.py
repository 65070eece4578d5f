"""`apply`: make the calls that are due."""

import os
from argparse import Namespace

from reconcile.applying.guarding import has_effects, require_same_host, require_within_limits
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
from reconcile.cli.saving import replanner, require_approved
from reconcile.clock import wall_clock
from reconcile.model.desired import Desired
from reconcile.model.plan import Plan
from reconcile.omni.credential import load_credential, require_same_origin


def run(options: Namespace, console: Console) -> int:
    """Plan, ask, send, and say what came of it."""
    return notified(options, console, lambda notifier: _apply(options, notifier))


def _apply(options: Namespace, notifier: Notifier) -> int:
    console = notifier.console
    allowed = gather_waivers(options.allow)
    desired = gather_desired(options, console)
    replan = replanner(options, desired, gather_choice(options, desired), console)
    recorded = gather_recorded(desired, console)
    notifier.know(desired, recorded)
    preview = replan(recorded)
    require_approved(preview, options)
    if not has_effects(preview):
        notifier.begin(preview)
        notifier.end(NOTHING_DONE)
        return _nothing_to_do(preview, desired, options, console)
    credential = load_credential(os.environ, profile=options.profile)
    require_same_origin(desired.base_url, credential)
    from reconcile.state.session import open_session

    with open_session(
        desired.state_url,
        command="reconcile apply",
        lock_timeout_s=options.lock_timeout,
        now=wall_clock(),
    ) as session:
        console.diagnose(session.warnings)
        notifier.know(desired, session.recorded)
        require_same_host(str(credential.origin), session.recorded, "The credential is for")

        def planned_now() -> Plan:
            planned = replan(session.recorded)
            require_approved(planned, options)
            return planned

        consented = approved(planned_now, options, console, desired.base_url)
        if consented is None:
            console.note("Nothing was sent.")
            return 0
        waivers = require_within_limits(consented, desired, session.recorded, allowed)
        summary = make_calls(consented, session, credential, console, waivers, notifier)
    return exit_code_of(summary, detailed=options.detailed_exitcode)


def _nothing_to_do(preview: Plan, desired: Desired, options: Namespace, console: Console) -> int:
    if console.format == "json":
        say_summary(NOTHING_DONE, console)
    else:
        say_plan(preview, console, host=desired.base_url, verbose=options.verbose)
    return 0
