"""Where the process begins: what signals mean while the command that is called is imported."""

import os
import signal
import sys
from types import FrameType


def begin() -> None:
    """Run the command line and end the process."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
    if sys.argv[1:2] in (["run"], ["fleet"]) and sys.platform != "win32":
        # It asks those that stay to load their files again, which they have yet to load.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    from reconcile.cli.main import entry  # noqa: PLC0415 -- it takes long enough to be interrupted

    entry()


def _end(number: int, _: FrameType | None) -> None:
    """End without the traceback of an import: nothing has begun."""
    os._exit(128 + number)


if __name__ == "__main__":
    begin()
