"""The first signal asks for an orderly stop, the second ends the process at once."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXIT_BASE = 128


class Interruption:
    """Listens for signals while a loop runs; `exit_code` is set once one came."""

    def __init__(
        self, on_first: Callable[[], None], signals: Sequence[signal.Signals] = SIGNALS
    ) -> None:
        self._on_first, self._signals = on_first, signals
        self.exit_code: int | None = None

    def listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take over the signals. A process whose parent ignores SIGINT still gets SIGTERM."""
        for number in self._signals:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._arrived, number)

    def _arrived(self, number: signal.Signals) -> None:
        if self.exit_code is not None:
            # The journal is true at every instant: nothing is lost by leaving without ceremony.
            os._exit(EXIT_BASE + number)
        self.exit_code = EXIT_BASE + number
        self._on_first()
