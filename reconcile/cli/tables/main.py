"""The commands of the main job."""

from argparse import ArgumentParser

from reconcile.cli.options import (
    against_options,
    apply_options,
    approve_option,
    at_option,
    choice_options,
    exit_code_option,
    faults_option,
    file_option,
    notify_options,
    out_option,
    output_options,
    profile_option,
    review_output_options,
    sandbox_options,
    saved_plan_option,
    state_option,
)
from reconcile.cli.tables.fleet import fleet_verbs
from reconcile.cli.tables.live import live_option, preflight_option
from reconcile.cli.tables.state import state_verbs
from reconcile.cli.tables.table import Table


def _instance_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--instance",
        metavar="FILE",
        help="serve what `discover --format json` listed, in place of what the file declares",
    )
    parser.add_argument(
        "--spec",
        choices=("a", "b"),
        default="b",
        help="which published specification of Omni's API, the earlier or the later (default: b)",
    )


MAIN: Table = {
    "validate": (
        "check the files; opens no socket and reads no token",
        (file_option, output_options, at_option),
    ),
    "plan": (
        "show the calls that are due now, and where every item stands",
        (
            file_option,
            state_option,
            review_output_options,
            choice_options,
            exit_code_option,
            at_option,
            out_option,
            against_options,
            live_option,
            profile_option,
        ),
    ),
    "apply": (
        "make the calls that are due",
        (
            file_option,
            state_option,
            output_options,
            choice_options,
            exit_code_option,
            apply_options,
            profile_option,
            saved_plan_option,
            approve_option,
            notify_options,
            live_option,
            preflight_option,
        ),
    ),
    "show": (
        "show every item, or a saved plan",
        (file_option, state_option, review_output_options, saved_plan_option),
    ),
    "state": ("look at and mend the recorded state", (state_verbs,)),
    "fleet": ("reconcile many instances, with any number of workers", (fleet_verbs,)),
    "rehearse": (
        "plan and apply against an embedded Omni server, on a copy of the state",
        (file_option, state_option, output_options, choice_options, faults_option),
    ),
    "sandbox": (
        "serve an Omni server on loopback",
        (file_option, output_options, sandbox_options, _instance_options, faults_option),
    ),
}
