"""Progress of an apply: a board that redraws itself on a terminal, plain lines elsewhere.

Whether anybody can still read it is no reason to stop: calls go on when standard error is gone.
"""

import asyncio
import os
import shutil
from contextlib import suppress
from datetime import datetime

from reconcile.cli.console import Console
from reconcile.clock import wall_clock
from reconcile.model.plan import Plan
from reconcile.model.progress import Event
from reconcile.render.apply import Board, board_lines, event_line
from reconcile.render.reasons import home_zone

REDRAW_S = 1.0
_UP_AND_CLEAR = "\x1b[{lines}A\x1b[J"


class Progress:
    """Receives the events of one apply."""

    def __init__(self, console: Console, planned: Plan) -> None:
        self._console, self._zone = console, home_zone(planned.standings)
        self._live = console.err.isatty() and os.environ.get("TERM") != "dumb"
        self._board = Board.of(planned.actions)
        self._drawn = 0

    def report(self, event: Event) -> None:
        """Show one event."""
        if self._live:
            self._board = self._board.after(event)
            self._redraw(wall_clock())
            return
        line = event_line(event, self._zone)
        if line is not None:
            with suppress(OSError):
                self._console.note(line)

    async def keep_fresh(self) -> None:
        """Redraw every second, since ages grow between events; ends when cancelled."""
        with suppress(asyncio.CancelledError):
            while self._live:
                await asyncio.sleep(REDRAW_S)
                self._redraw(wall_clock())

    def clear(self) -> None:
        """Take the board off the screen; the summary follows."""
        if self._drawn:
            self._show(_UP_AND_CLEAR.format(lines=self._drawn))
            self._drawn = 0

    def _redraw(self, now: datetime) -> None:
        columns, rows = shutil.get_terminal_size((80, 24))
        lines = board_lines(self._board, now, columns, rows - 1)
        erase = _UP_AND_CLEAR.format(lines=self._drawn) if self._drawn else ""
        self._show(erase + "".join(f"{line}\n" for line in lines))
        self._drawn = len(lines)

    def _show(self, text: str) -> None:
        with suppress(OSError):
            self._console.err.write(text)
            self._console.err.flush()
