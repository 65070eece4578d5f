"""The commands that look at the live instance, and the options by which others do."""

from argparse import ArgumentParser

from reconcile.cli.options import file_option, output_options, profile_option, state_option
from reconcile.cli.tables.table import Table


def live_option(parser: ArgumentParser) -> None:
    """Whether to look at the instance."""
    parser.add_argument(
        "--live", action="store_true", help="also look at the instance; needs a token, only reads"
    )
    age_option(parser)


def age_option(parser: ArgumentParser) -> None:
    """How old a look may be."""
    parser.add_argument(
        "--max-age",
        default="10m",
        metavar="DURATION",
        help="take the last live look if it is younger than this (default: 10m; 0s looks again)",
    )


def preflight_option(parser: ArgumentParser) -> None:
    """Whether to try the token before the first call."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--preflight",
        action="store_true",
        default=None,
        help="try token, models and clock before the first call (default with --live)",
    )
    how.add_argument("--no-preflight", dest="preflight", action="store_false", default=None)


LIVE: Table = {
    "drift": (
        "compare the files with the live instance; exit 8 if it differs",
        (file_option, state_option, output_options, age_option, profile_option),
    ),
}
