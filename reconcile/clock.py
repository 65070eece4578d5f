"""The wall clock, which is read here alone, and the end of a process that runs out of time."""

import os
import signal
from contextlib import suppress
from datetime import UTC, datetime
from threading import Timer
from types import FrameType

LONGEST_STOP_S = 4.8
"""After a signal the process ends in this time, whatever hangs: the journal is always true."""

_SIGNALLED = 128


def wall_clock() -> datetime:
    """Return the present instant, UTC."""
    return datetime.now(UTC)


HANGS = "Something hangs, so the process ends without it. The journal has it all."


def end_soon(exit_code: int, words: str = HANGS) -> None:
    """End the process after LONGEST_STOP_S at the latest, from a thread: all else may hang.

    `words` are said only then.
    """
    timer = Timer(LONGEST_STOP_S, _end, (exit_code, words))
    timer.daemon = True
    timer.start()


def _end(exit_code: int, words: str) -> None:
    with suppress(OSError):
        os.write(2, f"{words}\n".encode())
    os._exit(exit_code)


def bound_interrupts() -> None:
    """See to it that a Ctrl-C ends the process in time, though what it interrupts tidies up."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupted)


def _interrupted(number: int, frame: FrameType | None) -> None:
    end_soon(_SIGNALLED + number)
    signal.default_int_handler(number, frame)
