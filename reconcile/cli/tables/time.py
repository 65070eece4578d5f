"""The commands about when things are due."""

from argparse import ArgumentParser

from reconcile.cli.options import at_option, file_option, output_options, state_option
from reconcile.cli.tables.table import Table


def _span_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--for",
        dest="span",
        default="7d",
        metavar="DURATION",
        help="how far ahead, such as 36h or 2w (default: 7d; at most 366d)",
    )


def _forecast_output(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        choices=("text", "json", "ics"),
        default="text",
        help="ics is a calendar to subscribe to",
    )
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")


def _address(parser: ArgumentParser) -> None:
    parser.add_argument("address", metavar="ADDRESS", help="such as models.sales.refresh")


def _simulate_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--state", metavar="URL", help="start from this state, which is only read (default: none)")
    add("--from", dest="start", metavar="INSTANT", help="when to start (default: now)")
    add("--for", dest="length", default="90d", metavar="DURATION", help="how long (default: 90d)")
    add(
        "--runner",
        default="*/15 * * * *",
        metavar="CRON",
        help='when the runner is meant to come (default: "*/15 * * * *")',
    )
    add("--runner-timezone", default="UTC", metavar="ZONE", help="zone of it (default: UTC)")
    add(
        "--lateness",
        default="none",
        metavar="SPEC",
        help="how late it comes: none, github, fixed:2m, uniform:0s-10m; "
        "with a share that never comes: none,skip=5%% (default: none)",
    )
    add("--fail", default="0%", metavar="SHARE", help="share of calls that fail (default: 0%%)")
    add("--seed", type=int, default=0, help="of all chance in it (default: 0)")


TIME: Table = {
    "forecast": (
        "show the calls of the coming days, and how full the request budget will be",
        (file_option, state_option, _forecast_output, at_option, _span_option),
    ),
    "why": (
        "show why one item is due or not, and when it will run",
        (_address, file_option, state_option, output_options, at_option),
    ),
    "simulate": (
        "play months of plan and apply in virtual time, against an in-memory Omni",
        (file_option, _simulate_options, output_options),
    ),
}
