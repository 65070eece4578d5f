"""Runs of the tool at the price of a fork: a process that has imported everything, and waits.

Each line it reads asks for one run of the real `main`; it answers with how that run ended. What
the children execute is what `python -m reconcile` executes, from the parsing of the arguments on.
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, Self

from reconcile.cli.main import main

IMPORTED_LATER = (
    "reconcile.cli.apply",
    "reconcile.cli.plan",
    "reconcile.render.apply",
    "reconcile.render.plan",
    "reconcile.state.session",
    "httpx",
)
LONGEST_RUN_S = 60.0


class Forkserver:
    """Asks for runs. `folder`: where they happen; `output` there holds what the last one said."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.forkserver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def run(
        self,
        folder: Path,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        kill_after_s: float | None = None,
    ) -> tuple[int, float]:
        """Run once; return the exit code (negative: the signal) and how many seconds it took."""
        asked = {
            "folder": str(folder),
            "arguments": list(arguments),
            "environment": dict(environment),
            "kill_after_s": kill_after_s,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        code, took_s = json.loads(self._process.stdout.readline())
        return code, took_s

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate()


def serve() -> None:
    for module in IMPORTED_LATER:
        __import__(module)
    for line in sys.stdin:
        asked = json.loads(line)
        begun = perf_counter()
        code = _forked(lambda: _live(asked), asked["kill_after_s"])  # noqa: B023 - used at once
        print(json.dumps([code, perf_counter() - begun]), flush=True)  # noqa: T201 - its protocol


def _forked(live: Callable[[], None], kill_after_s: float | None) -> int:
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        live()
    os.close(writing)
    # The child's end of the pipe closes with it, however it ends.
    ended, _, _ = select.select([reading], [], [], kill_after_s or LONGEST_RUN_S)
    if not ended:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(reading)
    return os.waitstatus_to_exitcode(status)


def _live(asked: Mapping[str, Any]) -> None:
    status = 70
    try:
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        output = os.open("output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for descriptor in (1, 2):
            os.dup2(output, descriptor)
        status = main(asked["arguments"])
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else 71
    finally:
        sys.stdout.flush()
        os._exit(status)


if __name__ == "__main__":
    serve()
