"""The command line: options follow the command, and each command takes only what it uses."""

import re
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import NoReturn

from reconcile import __version__
from reconcile.cli.tables.main import MAIN
from reconcile.cli.tables.review import REVIEW
from reconcile.cli.tables.time import TIME
from reconcile.model.diagnostic import Diagnostic, ReconcileError

_EPILOGUE = """\
exit codes: 0 nothing to do or all done · 1 error · 2 calls due or made (--detailed-exitcode)
  3 blocked by a limit · 4 saved plan no longer matches · 5 lock held · 6 partly applied
  130, 143 interrupted, state saved
"""


_CHOICE = re.compile(r"invalid choice: '(.*)' \(choose from (.*)\)", re.DOTALL)


class _Parser(ArgumentParser):
    """Tells of mistakes in usage as every other mistake is told of.

    argparse ends the process with 2 instead, which here says that calls are due.
    """

    def error(self, message: str) -> NoReturn:
        raise ReconcileError(
            Diagnostic(
                code="bad-usage",
                summary="The command line cannot be read",
                detail=f"{self.prog}: {_with_suggestion(message)}",
                hint=f"{self.prog} --help",
            )
        )


def parse(arguments: Sequence[str] | None) -> Namespace:
    """Read the command line; exits by itself for --help and --version.

    Raises ReconcileError `bad-usage` for mistakes in it.
    """
    return command_line().parse_args(arguments)


def command_line() -> ArgumentParser:
    """Build the parser of every command from the tables."""
    parser = _Parser(
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
    return parser


def _with_suggestion(message: str) -> str:
    """Name the nearest choice instead of all of them, where one is near."""
    match = _CHOICE.search(message)
    if match is None:
        return f"{message}."
    from difflib import get_close_matches

    wrong, choices = match.groups()
    near = get_close_matches(wrong, re.findall(r"[\w-]+", choices), n=1)
    return f"{message[: match.start()]}there is no {wrong!r}; " + (
        f"did you mean {near[0]}?" if near else f"choose from {choices}."
    )
