"""Where `--events` go: appended to a private file, or down standard output."""

import os
import stat
import sys
from pathlib import Path
from typing import Self

from reconcile.model.diagnostic import Diagnostic, Place, Severity
from reconcile.render.documents import unheeded

STANDARD_OUTPUT = "-"
_PRIVATE = 0o600
_SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class EventStream:
    """Takes whole lines, each written before `write` returns. `name` is for messages."""

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = name
        self._descriptor = descriptor

    @classmethod
    def opened(cls, target: str) -> Self:
        """Open what `--events` names. Raises OSError.

        Not through a symbolic link, and only a regular file: whoever can plant a link or a pipe
        could have events overwrite a file, or hold the apply up for ever.
        """
        if target == STANDARD_OUTPUT:
            return cls("standard output", sys.stdout.fileno())
        descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_APPEND | _SAFELY, _PRIVATE)
        stream = cls(target, descriptor)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise OSError("it is not a regular file")
        if status.st_size and os.pread(descriptor, 1, status.st_size - 1) != b"\n":
            stream.write("\n")  # a disk that was full once left half a line
        return stream

    def write(self, line: str) -> None:
        """Write a line of JSON. Raises OSError."""
        rest = memoryview(unheeded(line).encode())
        while rest:
            # Past Python's buffers: what stays in them after a failure fails again at exit.
            rest = rest[os.write(self._descriptor, rest) :]

    def close(self) -> None:
        """Close the file; standard output stays open."""
        if self._descriptor != sys.stdout.fileno():
            os.close(self._descriptor)


def not_opened(target: str, error: Exception) -> Diagnostic:
    """Warn that there will be no events."""
    return Diagnostic(
        code="events-not-opened",
        summary="The event stream cannot be opened",
        detail=f"{target}: {_why(error)}. The apply goes on without it.",
        hint="reconcile explain events-not-opened",
        places=(Place(str(Path(target))),),
        severity=Severity.WARNING,
    )


def stopped(name: str, error: Exception) -> Diagnostic:
    """Warn that there will be no more events."""
    return Diagnostic(
        code="events-stopped",
        summary="The event stream ended early",
        detail=f"{name}: {_why(error)}. The apply goes on without it; the journal has it all.",
        hint="reconcile state history",
        severity=Severity.WARNING,
    )


def metrics_not_written(path: Path, error: Exception) -> Diagnostic:
    """Warn that the metrics are those of an earlier run."""
    return Diagnostic(
        code="metrics-not-written",
        summary="The metrics file was not written",
        detail=f"{path}: {_why(error)}. The apply itself was not changed by it.",
        hint="reconcile explain metrics-not-written",
        places=(Place(str(path)),),
        severity=Severity.WARNING,
    )


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return type(error).__name__
