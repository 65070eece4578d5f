"""Runs of the tool at the price of a fork: a process that has imported everything, and waits.

Each line it reads asks for one run of the real `entry`; it answers with how that run ended. What
the children execute is what `python -m reconcile` executes, from the parsing of the arguments on.
"""

import asyncio
import atexit
import gc
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from tempfile import TemporaryDirectory
from time import perf_counter
from types import TracebackType
from typing import Any, NoReturn, Self

import reconcile
from reconcile.cli.main import entry, main
from reconcile.omni.http import get_ready

QUICKSTART = Path(__file__).parents[1] / "examples" / "quickstart" / "reconcile.toml"
LONGEST_RUN_S = 120.0
LEFT_OUT = {"reconcile.__main__", "reconcile.tracing"}
"""An apply is traced wherever OpenTelemetry has been imported."""
STREAMS = ("stdin", "stdout", "stderr")

_READ_AT_START = re.compile("PYTHON|LANG|LC_|LD_")


def starts_alike(environment: Mapping[str, str]) -> bool:
    """Tell whether a process of this environment starts as the server did.

    Python and the loader read these variables once, before anything of ours runs.
    """

    def read_at_start(variables: Mapping[str, str]) -> dict[str, str]:
        return {k: v for k, v in variables.items() if _READ_AT_START.match(k)}

    return read_at_start(environment).items() <= read_at_start(os.environ).items()


@dataclass(frozen=True)
class Ran:
    """How one run ended. `code`: the exit code, or the signal as a negative number."""

    code: int
    out: str
    err: str
    took_s: float


class Forkserver:
    """Asks for runs, one at a time."""

    def __init__(self) -> None:
        self._control, far_end = socket.socketpair()
        self._streams = TemporaryDirectory(prefix="forkserver-")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.forkserver", str(far_end.fileno()), self._streams.name],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[far_end.fileno()],
        )
        far_end.close()
        self._lines = self._control.makefile("rw")

    def run(  # noqa: PLR0913 - in what one run may differ from another
        self,
        folder: Path,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        stdin: str = "",
        kill_after_s: float | None = None,
        haste: float = 1.0,
        sockets: bool = True,
    ) -> Ran:
        """Run once in a folder. `haste`: how many times shorter than asked for a sleep is.

        `sockets`: it may use some.
        """
        asked = {
            "folder": str(folder),
            "arguments": list(arguments),
            "environment": dict(environment),
            "kill_after_s": kill_after_s,
            "haste": haste,
            "sockets": sockets,
        }
        given, out, err = (Path(self._streams.name, name) for name in STREAMS)
        given.write_text(stdin)
        self._lines.write(json.dumps(asked) + "\n")
        self._lines.flush()
        code, took_s = json.loads(self._lines.readline())
        return Ran(code, out.read_text(), err.read_text(), took_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lines.close()
        self._control.close()
        self._process.wait()
        self._streams.cleanup()


@cache
def forkserver() -> Forkserver:
    """Return the server of this process, started when it is first asked for."""
    server = Forkserver()
    atexit.register(server.__exit__, None, None, None)
    return server


def serve(control: socket.socket, streams: Path) -> None:
    """Answer requests until nobody can make any."""
    for module in walk_packages(reconcile.__path__, "reconcile."):
        if module.name not in LEFT_OUT:
            import_module(module.name)
    warm_up()
    gc.freeze()
    lines = control.makefile("rw")
    while line := lines.readline():
        asked = json.loads(line)
        for name in STREAMS[1:]:
            (streams / name).write_bytes(b"")
        begun = perf_counter()
        code = _forked(asked, control, streams)
        lines.write(json.dumps([code, perf_counter() - begun]) + "\n")
        lines.flush()


def warm_up() -> None:
    """Have made what each run would make anew, and would throw away: decoders, patterns, zones.

    That takes five times as long as a plan. Nothing of it depends on what is asked for.
    """
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"  # as `entry` does
    get_ready()
    main(["plan", "-f", str(QUICKSTART)])
    sys.stdout.flush()


def _forked(asked: Mapping[str, Any], control: socket.socket, streams: Path) -> int:
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        control.close()
        _live(asked, streams)
    os.close(writing)
    # The child's end of the pipe closes with it, however it ends.
    ended, _, _ = select.select([reading], [], [], asked["kill_after_s"] or LONGEST_RUN_S)
    if not ended:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(reading)
    return os.waitstatus_to_exitcode(status)


def _live(asked: Mapping[str, Any], streams: Path) -> NoReturn:
    try:
        for descriptor, name in enumerate(STREAMS):
            opened = os.open(streams / name, os.O_RDWR if descriptor else os.O_RDONLY)
            os.dup2(opened, descriptor)
            os.close(opened)
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        time.tzset()
        _hasten(asked["haste"])
        if not asked["sockets"]:
            import_module("tests.no_sockets")
        sys.argv[1:] = asked["arguments"]
        entry()
    finally:
        os._exit(70)


def _hasten(haste: float) -> None:
    """Let a job be asked for sooner. Clocks, deadlines and budgets stay what they are."""
    unhurried = asyncio.sleep

    async def sleep(delay: float, result: object = None) -> object:
        return await unhurried(delay / haste, result)

    asyncio.sleep = sleep  # type: ignore[assignment]


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2]))
