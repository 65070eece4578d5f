"""The process around `main`: what is worth doing once at the start and once at the end."""

import gc
import os
import sys

from reconcile.cli.main import main


def entry() -> None:
    """Run the command line and end the process.

    Most commands build a few large values and end: searching them for cycles over and over, and
    taking them apart at the end, costs more than all else they do. Commands that stay turn the
    collector on again (`cli.collecting`).
    """
    gc.disable()
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or 1
    os._exit(code)
