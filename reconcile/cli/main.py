"""The command line: the process around it, what it understands, and what becomes of an error."""

import argparse
import gc
import os
import re
import resource
import sys
from argparse import ArgumentParser, HelpFormatter, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from reconcile import __version__
from reconcile.cli.commands import LIVE, MAIN, MODULES, REVIEW, SERVICE, TIME

if TYPE_CHECKING:
    from typing import NoReturn

    from reconcile.terminal.console import Console


# The process around `main`: what is worth doing once at the start and once at the end.


def entry() -> None:
    """Run the command line and end the process.

    Most commands build a few large values and end: searching them for cycles over and over, and
    taking them apart at the end, costs more than all else they do. Commands that stay turn the
    collector on again (`cli.collecting`).
    """
    gc.disable()
    # Looking through all that is installed for plugins takes 10 ms; nobody else is to judge files.
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    # A core would hold the token, in whatever directory the command was run.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _open_closed_streams()
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass  # Whoever read it had enough: `--help | head`.
    except OSError:
        code = code or 1
    os._exit(code)


def _open_closed_streams() -> None:
    """Put nothing in the place of a standard stream that the parent closed.

    Otherwise the state would be opened under its number, and be what is printed to.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            # The lowest free number is the stream's own: those below it are open by now.
            descriptor = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(descriptor, "r" if name == "stdin" else "w"))


# The command line: options follow the command, and each command takes only what it uses.

_EPILOGUE = """\
exit codes: 0 nothing to do or all done · 1 error · 2 calls due or made (--detailed-exitcode)
  3 blocked by a limit · 4 saved plan no longer matches · 5 lock held · 6 partly applied
  8 the live instance differs (drift)
  130, 143 interrupted, state saved
"""


_HELP = frozenset(("-h", "--help"))

_CHOICE = r"(?s)invalid choice: '(.*)' \(choose from (.*)\)"

# What keeps a token out of argparse's messages, below, reads them in English. And to look on disk
# for a translation of each of its words is half of what argparse costs.
argparse._ = str  # type: ignore[attr-defined]


class UsageError(Exception):
    """A command line that cannot be read; its text says why. `command`: what can tell more."""

    # No ReconcileError: a start that prints help or the version needs nothing but argparse.
    def __init__(self, command: str, why: str) -> None:
        super().__init__(why)
        self.command = command


class _Formatter(HelpFormatter):
    """Looks up the width once; argparse makes a formatter for every option it is given."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_help_width())


class _TopFormatter(_Formatter, RawDescriptionHelpFormatter):
    """Leaves the table of exit codes as it is."""


class _Parser(ArgumentParser):
    """Tells of mistakes in usage as every other mistake is told of.

    argparse ends the process with 2 instead, which here says that calls are due.
    """

    def error(self, message: str) -> "NoReturn":
        raise UsageError(self.prog, _with_suggestion(_without_values(message)))


def parse(arguments: Sequence[str] | None) -> Namespace:
    """Read the command line; exits by itself for --help and --version.

    Raises UsageError for mistakes in it.
    """
    given = sys.argv[1:] if arguments is None else arguments
    return command_line(given[0] if given else None).parse_args(given)


def command_line(asked: str | None = None) -> ArgumentParser:
    """Build the parser from the tables: all of it, or only what the first word asks for."""
    tables = {**MAIN, **SERVICE, **LIVE, **TIME, **REVIEW}
    all_of_it = asked not in tables and asked not in _HELP
    parser = _Parser(
        prog="reconcile",
        description="Declare when Omni models are refreshed and their caches reset; plan, apply.",
        epilog=_EPILOGUE,
        formatter_class=_TopFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"reconcile {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    # A command that is known needs no parsers of the others, and the version none of any.
    alone = asked in tables or asked == "--version"
    for name, (summary, parts) in tables.items():
        if alone and name != asked:
            continue
        command = commands.add_parser(
            name,
            help=summary,
            description=summary,
            allow_abbrev=False,
            formatter_class=_Formatter,
        )
        for part in parts if all_of_it or asked == name else ():
            part(command)
    return parser


@cache
def _help_width() -> int:
    """Return what argparse would take, without shutil and the compression modules it imports."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns) - 2
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns - 2
    except (OSError, ValueError):
        return 78


def _without_values(message: str) -> str:
    """Name unknown options alone: what was given to one may be a token, and logs keep it."""
    begin, unknown, words = message.partition("unrecognized arguments: ")
    options = [word.partition("=")[0] for word in words.split() if word.startswith("-")]
    return begin + unknown + " ".join(options) if options else message


def _with_suggestion(message: str) -> str:
    """Name the nearest choice instead of all of them, where one is near."""
    match = re.search(_CHOICE, message)
    if match is None:
        return f"{message}."
    from difflib import get_close_matches

    wrong, choices = match.groups()
    near = get_close_matches(wrong, re.findall(r"[\w-]+", choices), n=1)
    return f"{message[: match.start()]}there is no {wrong!r}; " + (
        f"did you mean {near[0]}?" if near else f"choose from {choices}."
    )


# Entry point: parse, dispatch, and turn whatever happens into an exit code.

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code of DESIGN's table."""
    try:
        options = parse(arguments)
    except SystemExit as told:  # argparse has printed help or the version
        return int(told.code or 0)
    except UsageError as error:
        return _refuse(error, sys.argv[1:] if arguments is None else arguments)
    from reconcile.terminal.console import standard_console

    return _run(options, standard_console(options.format, options.color))


def _refuse(error: UsageError, arguments: Sequence[str]) -> int:
    """Tell why the command line cannot be read."""
    from reconcile.errors import Diagnostic

    refusal = Diagnostic(
        code="bad-usage",
        summary="The command line cannot be read",
        detail=f"{error.command}: {error}",
        hint=f"{error.command} --help",
    )
    _console_of(arguments).diagnose([refusal])
    return 1


def _console_of(arguments: Sequence[str]) -> "Console":
    """Make a console for a command line that could not be read, which may still ask for JSON."""
    from reconcile.terminal.console import standard_console

    as_json = "--format json" in " ".join(arguments) or "--format=json" in arguments
    return standard_console("json" if as_json else "text", "auto")


def _run(options: Namespace, console: "Console") -> int:
    from importlib import import_module

    try:
        # One module a command, imported by name: a command pays only for what it uses.
        module = import_module(MODULES[options.command])
        code: int = getattr(module, f"run_{options.command}")(options, console)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 -- the one top-level handler: no traceback, no locals
        from reconcile.errors import ReconcileError, mishap

        console.diagnose(mishap(error))
        return error.exit_code if isinstance(error, ReconcileError) else 1
    return code


if __name__ == "__main__":
    sys.exit(main())
