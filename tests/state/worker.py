"""An apply of fixed steps, run as a process whose system calls are made to fail.

Says `N` once entry N is acknowledged and `!CODE` for an error that was told plainly.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

from reconcile.errors import ReconcileError
from tests.state.acts import entry, open_at


def say(words: str) -> None:
    with suppress(OSError):
        os.write(1, f"{words}\n".encode())


def apply(state: Path, length: int) -> None:
    try:
        with open_at(state) as session:
            for _ in range(length):
                say(str(session.append(entry(session.recorded.sequence + 1)).sequence))
    except ReconcileError as error:
        say(f"!{error.diagnostics[0].code}")


if __name__ == "__main__":
    for length in (3, 2):
        apply(Path(sys.argv[1]), length)
    say("end")
