"""How a process ends that is told to: in order at the first signal, and in time whatever hangs."""

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Timer
from typing import Protocol

EXIT_BASE = 128
"""What a signal's number is added to, as shells do."""

LONGEST_STOP_S = 4.8
"""After a signal the process ends in this time, whatever hangs: the journal is always true."""

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


# The first signal asks for an orderly stop, the second ends the process at once, and so does time.

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Loop(Protocol):
    """An event loop. asyncio itself would cost each start of the process 20 ms."""

    def add_signal_handler(
        self, sig: int, callback: Callable[[signal.Signals], None], number: signal.Signals, /
    ) -> None:
        """Call back when a signal comes."""


class Interruption:
    """Listens for signals while a loop runs; `exit_code` is set once one came."""

    def __init__(
        self, on_first: Callable[[], None], signals: Sequence[signal.Signals] = SIGNALS
    ) -> None:
        self._on_first, self._signals = on_first, signals
        self.exit_code: int | None = None

    def listen(self, loop: Loop) -> None:
        """Take over the signals. A process whose parent ignores SIGINT still gets SIGTERM."""
        for number in self._signals:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._arrived, number)

    def _arrived(self, number: signal.Signals) -> None:
        if self.exit_code is not None:
            # Nothing is lost by leaving without ceremony.
            os._exit(EXIT_BASE + number)
        self.exit_code = EXIT_BASE + number
        end_soon(self.exit_code)
        self._on_first()
