"""The command that stays."""

from argparse import ArgumentParser

from reconcile.cli.choosing import on_unknown_option, select_option
from reconcile.cli.options import (
    file_option,
    notify_options,
    output_options,
    profile_option,
    state_option,
)
from reconcile.cli.tables.page import listen_options
from reconcile.cli.tables.table import Table


def _run_options(parser: ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="make one cycle and exit")
    listen_options(parser)
    parser.add_argument(
        "--heartbeat-url",
        metavar="URL",
        help="request this URL after every good cycle and every minute (https)",
    )


SERVICE: Table = {
    "run": (
        "stay, and make the calls whenever they fall due",
        (
            file_option,
            state_option,
            output_options,
            select_option,
            on_unknown_option,
            profile_option,
            notify_options,
            _run_options,
        ),
    ),
}
