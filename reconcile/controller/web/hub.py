"""The parts of the page for everybody who watches, each sent only what it has not seen."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress

MOST_CLIENTS = 16
REFRESH_S = 30.0
"""How often the page is drawn again though nothing happened: it tells how late items are."""

SHORTEST_GAP_S = 1.0
MOST_BYTES_A_SECOND = 100_000
"""To each watcher, about: a large instance is drawn less often."""

_PING = b": still here\n\n"


class Hub:
    """Draws the parts while somebody watches, at most once a second. `draw` returns them by id."""

    def __init__(self, draw: Callable[[], Mapping[str, str]]) -> None:
        self._draw = draw
        self._stale = asyncio.Event()
        self._parts: dict[str, tuple[int, str]] = {}
        self._version = 0
        self._newer = asyncio.Condition()
        self.clients = 0

    def changed(self) -> None:
        """Learn that something happened."""
        self._stale.set()

    @property
    def full(self) -> bool:
        """Tell whether there are as many watchers as there may be."""
        return self.clients >= MOST_CLIENTS

    async def publish(self) -> None:
        """Draw for ever, whenever something happened and somebody watches."""
        while True:
            # Not `wait_for`: before Python 3.12 it loses a cancellation that comes with the event.
            with suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_S):
                    await self._stale.wait()
            self._stale.clear()
            if self.clients:
                await self._redraw()
            else:
                self._parts.clear()
            size = sum(len(html) for _, html in self._parts.values())
            await asyncio.sleep(max(SHORTEST_GAP_S, size / MOST_BYTES_A_SECOND))

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield server-sent events: all parts once, then those that changed."""
        self.clients += 1
        seen = 0
        try:
            await self._redraw()
            while True:
                news = {
                    part: html for part, (version, html) in self._parts.items() if version > seen
                }
                seen = self._version
                yield event(news) if news else _PING
                async with self._newer:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(REFRESH_S / 2):
                            await self._newer.wait()
        finally:
            self.clients -= 1

    async def _redraw(self) -> None:
        drawn = self._draw()
        self._version += 1
        for part, html in drawn.items():
            if part not in self._parts or self._parts[part][1] != html:
                self._parts[part] = self._version, html
        async with self._newer:
            self._newer.notify_all()


def event(parts: Mapping[str, str]) -> bytes:
    """Spell parts as one server-sent event."""
    # JSON has no line breaks of its own, so the event is one line whatever the parts hold.
    return f"event: parts\ndata: {json.dumps(parts)}\n\n".encode()
