"""Entry point: parse, dispatch, and turn whatever happens into an exit code."""

import sys
from argparse import Namespace
from collections.abc import Sequence

from reconcile.cli.arguments import UsageError, parse

TYPE_CHECKING = False  # as in typing, whose import --help and --version do without
if TYPE_CHECKING:
    from reconcile.cli.console import Console

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code of DESIGN's table."""
    try:
        options = parse(arguments)
    except SystemExit as told:  # argparse has printed help or the version
        return int(told.code or 0)
    except UsageError as error:
        return _refuse(error, sys.argv[1:] if arguments is None else arguments)
    from reconcile.cli.console import standard_console

    return _run(options, standard_console(options.format, options.color))


def _refuse(error: UsageError, arguments: Sequence[str]) -> int:
    """Tell why the command line cannot be read."""
    from reconcile.model.diagnostic import Diagnostic

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
    from reconcile.cli.console import standard_console

    as_json = "--format json" in " ".join(arguments) or "--format=json" in arguments
    return standard_console("json" if as_json else "text", "auto")


def _run(options: Namespace, console: "Console") -> int:
    from importlib import import_module

    try:
        # One module a command, imported by name: a command pays only for what it uses.
        command = import_module(f"reconcile.cli.commands.{options.command}")
        code: int = command.run(options, console)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 -- the one top-level handler: no traceback, no locals
        from reconcile.controller.mishaps import mishap
        from reconcile.model.diagnostic import ReconcileError

        console.diagnose(mishap(error))
        return error.exit_code if isinstance(error, ReconcileError) else 1
    return code


if __name__ == "__main__":
    sys.exit(main())
