"""The process around `main`: what is worth doing once at the start and once at the end."""

import gc
import os
import resource
import sys

from reconcile.cli.main import main


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
