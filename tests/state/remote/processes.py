"""Starting runners, and hearing from them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Runner:
    """A runner as its starter knows it."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.state.remote.runner", *arguments],
            cwd=Path(__file__).parents[3],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )

    def hears(self) -> str:
        """Return the next line; empty once it is gone."""
        if self._process.stdout is None:
            raise AssertionError
        return self._process.stdout.readline().rstrip("\n")

    def hears_until(self, *beginnings: str) -> list[str]:
        """Return lines up to one that begins so."""
        lines = [self.hears()]
        while lines[-1] and not lines[-1].startswith(beginnings):
            lines.append(self.hears())
        return lines

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        return self._process.wait(60)

    def end(self) -> list[str]:
        """Kill it, and return what it had still said."""
        self._process.kill()
        self._process.wait()
        pipe = self._process.stdout
        if pipe is None or pipe.closed:
            return []
        with pipe:
            return pipe.read().split()


@contextmanager
def runner(*arguments: str) -> Iterator[Runner]:
    """Start a runner and make sure of its end."""
    started = Runner(*arguments)
    try:
        yield started
    finally:
        started.end()
