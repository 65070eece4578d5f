"""The command line: options follow the command, and each command takes only what it uses."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence

from reconcile import __version__
from reconcile.cli.tables.main import MAIN
from reconcile.cli.tables.review import REVIEW
from reconcile.cli.tables.time import TIME

_EPILOGUE = """\
exit codes: 0 nothing to do or all done · 1 error · 2 calls due or made (--detailed-exitcode)
  3 blocked by a limit · 4 saved plan no longer matches · 5 lock held · 6 partly applied
  130, 143 interrupted, state saved
"""


def parse(arguments: Sequence[str] | None) -> Namespace:
    """Read the command line; exits by itself for --help, --version and mistakes in usage."""
    parser = ArgumentParser(
        prog="reconcile",
        description="Declare when Omni models are refreshed and their caches reset; plan, apply.",
        epilog=_EPILOGUE,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"reconcile {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (summary, parts) in {**MAIN, **TIME, **REVIEW}.items():
        command = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        for part in parts:
            part(command)
    return parser.parse_args(arguments)
