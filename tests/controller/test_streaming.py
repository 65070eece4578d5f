"""A watcher who does not read is let go, and does not hold up the others."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from itertools import count
from typing import Any

from starlette.responses import StreamingResponse

from reconcile.controller.web import MOST_CLIENTS, Hub, Unhurried
from reconcile.simulation.virtual import run_in_virtual_time


class Connection:
    """A connection that takes so many messages and then no more."""

    def __init__(self, takes: int) -> None:
        self.takes, self.aborted = takes, False

    def abort(self) -> None:
        self.aborted = True

    async def send(self, message: Any) -> None:
        del message
        self.takes -= 1
        if self.takes < 0:
            await asyncio.Event().wait()

    async def receive(self) -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        return {}

    def scope(self) -> dict[str, Any]:
        return {
            "type": "http",
            "path": "/events",
            "asgi": {"spec_version": "2.3"},
            "state": {"transport": self},
        }


async def chunks() -> AsyncIterator[bytes]:
    for number in count():
        await asyncio.sleep(1)
        yield b"%d" % number


def test_a_reader_who_does_not_read_is_cut_off() -> None:
    connection = Connection(takes=5)
    stream = Unhurried(StreamingResponse(chunks()))
    run_in_virtual_time(stream(connection.scope(), connection.receive, connection.send))
    assert connection.aborted


def test_a_slow_watcher_misses_what_was_overtaken_and_nothing_is_kept_for_it() -> None:
    drawn = count()
    hub = Hub(lambda: {"head": f"<p>{next(drawn)}</p>", "still": "<p>same</p>"})

    async def play() -> list[bytes]:
        publishing = asyncio.create_task(hub.publish())
        stream = hub.stream()
        seen = [await anext(stream)]
        for _ in range(50):
            hub.changed()
            await asyncio.sleep(1)
        seen += [await anext(stream), await anext(stream)]
        await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
        publishing.cancel()
        await asyncio.wait([publishing])
        return seen

    first, second, _ = run_in_virtual_time(play())
    assert b"same" in first
    assert b"same" not in second
    assert hub.clients == 0 < MOST_CLIENTS
