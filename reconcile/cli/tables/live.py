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


def _import_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "patterns",
        nargs="*",
        metavar="PATTERN",
        help="globs over Omni's names of models, or ids; none: choose from a list",
    )
    add("--connection", metavar="PATTERN", help="only models on this connection, by name or id")
    add("--kind", default="SHARED", help="only models of this kind of Omni's (default: SHARED)")
    add("--policies", action="store_true", help="also their cache policies, after each refresh")
    add("--schedules", action="store_true", help="also the native schedules of their connections")
    add("--every", default="24h", metavar="DURATION", help="how often (default: 24h)")
    add("--diff", action="store_true", help="write nothing; show what it would")


def _discover_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("patterns", nargs="*", metavar="PATTERN", help="globs over names of models, or ids")
    add("--connection", metavar="PATTERN", help="only models on this connection, by name or id")
    add(
        "--kind",
        action="append",
        default=[],
        help="only models of this kind of Omni's, or all "
        "(may be given again; default: SHARED and SHARED_EXTENSION)",
    )
    add("--deleted", action="store_true", help="also what is deleted")
    add("--brief", action="store_true", help="neither policies nor schedules: fewer requests")


LIVE: Table = {
    "discover": (
        "list what the live instance has: connections, models, policies, native schedules",
        (_discover_options, file_option, output_options, profile_option),
    ),
    "drift": (
        "compare the files with the live instance; exit 8 if it differs",
        (file_option, state_option, output_options, age_option, profile_option),
    ),
    "import": (
        "write models of the live instance into the file; the rest of it stays as it is",
        (_import_options, file_option, output_options, profile_option),
    ),
    "lock": (
        "write down which models the [[select]] blocks stand for",
        (file_option, output_options, profile_option),
    ),
}
