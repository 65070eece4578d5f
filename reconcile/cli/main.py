"""The process around a command, and the command line as a whole."""

import gc
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import click

from reconcile import __version__
from reconcile.cli.commands import Commands
from reconcile.terminal.interruption import EXIT_BASE, end_soon

# The process: what is worth doing once at the start and once at the end.


def entry() -> None:
    """Run the command line and end the process.

    Most commands build a few large values and end: searching them for cycles over and over, and
    taking them apart at the end, costs more than all else they do. Commands that stay turn the
    collector on again (`terminal.console.collect_again`).
    """
    if os.name != "posix":
        # What follows needs file locks, signals and directories as POSIX has them.
        sys.exit("error: reconcile does not run on Windows itself; install it within WSL")
    import resource

    gc.disable()
    # Looking through all that is installed for plugins takes 10 ms; nobody else is to judge files.
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    # A core would hold the token, in whatever directory the command was run.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _open_closed_streams()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupted)
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass  # Whoever read it had enough: `--help | head`.
    except OSError:
        code = code or 1
    os._exit(code)


def _interrupted(number: int, frame: FrameType | None) -> None:
    """See to it that a Ctrl-C ends the process in time, though what it interrupts tidies up."""
    end_soon(EXIT_BASE + number)
    signal.default_int_handler(number, frame)


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

_EPILOG = """\
\b
Exit codes:
  0 nothing to do, or all done          4 the saved plan no longer matches
  1 error                               5 another run holds the lock
  2 calls due or made, if asked with    6 partly applied
    --detailed-exitcode                 8 the live instance differs (drift)
  3 blocked by a limit                  130, 143 interrupted, state saved
"""


@click.group(
    cls=Commands,
    epilog=_EPILOG,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "show_default": True,
    },
)
@click.version_option(__version__, "-V", "--version", message="reconcile %(version)s")
def command_line() -> None:
    """Declare when Omni models are refreshed and their caches reset; plan, apply."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code of DESIGN's table."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code: int = command_line.main(given, "reconcile", standalone_mode=False)
    except SystemExit as ended:
        # 130 and 143 are of calls that were interrupted; 1 is click's where nobody reads the help.
        return 0 if ended.code in {None, 1} else int(ended.code)
    except Exception as error:  # noqa: BLE001 -- no traceback of a command that was not found
        # Twice what click costs, which neither the version nor a press of Tab needs.
        from reconcile.terminal.options import refuse

        return refuse(error, given)
    return code
