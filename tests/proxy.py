"""A TCP proxy that stands in front of any server and does to its clients what networks do."""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum

_RESET = struct.pack("ii", 1, 0)
_STARTED_WITHIN_S = 10


class Fault(Enum):
    """What is done to connections, old and new.

    `FROZEN` keeps them and moves nothing, `LOST` takes what clients say and forgets it, `REFUSED`
    resets whoever comes, `HALF_OPEN` lets the server hear and keeps its answers.
    """

    NONE = "none"
    FROZEN = "frozen"
    LOST = "lost"
    REFUSED = "refused"
    HALF_OPEN = "half-open"


class Proxy:
    """`port`: where clients connect. `said`: bytes of theirs that the server was sent."""

    def __init__(self, server_port: int) -> None:
        self.port = self.said = 0
        self.latency_s = 0.0
        self._fault = Fault.NONE
        self._server_port = server_port
        self._loop = asyncio.new_event_loop()
        self._changed, self._ended = asyncio.Event(), asyncio.Event()
        # A loop knows its tasks weakly, and forgets a socket that is too full to be read.
        self._meeting: set[asyncio.Task[None] | None] = set()

    def be(self, fault: Fault, latency_s: float = 0.0) -> None:
        """Do this from now on; `latency_s` is there and back."""
        self.latency_s, self._fault = latency_s, fault
        self._loop.call_soon_threadsafe(self._wake)

    def run(self, ready: threading.Event) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner, suppress(RuntimeError):
            runner.run(self._serve(ready))

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _serve(self, ready: threading.Event) -> None:
        async with await asyncio.start_server(self._meet, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await self._ended.wait()
        # Some begin another as they end, or while the first are waited for: until none is left.
        while moving := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in moving:
                task.cancel()
            await asyncio.wait(moving, timeout=1.0)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._fault is Fault.REFUSED:
            line: socket.socket = writer.get_extra_info("socket")
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
            return
        answers, behind = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._meeting.add(asyncio.current_task())
        try:
            with suppress(OSError, asyncio.CancelledError):
                await asyncio.gather(
                    self._move(reader, behind, Fault.LOST),
                    self._move(answers, writer, Fault.HALF_OPEN),
                )
        finally:
            behind.close()
            writer.close()
            self._meeting.discard(asyncio.current_task())

    async def _move(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, forgetting: Fault
    ) -> None:
        on_its_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        delivering = asyncio.create_task(_deliver(on_its_way, target))
        data = b"-"
        while data:
            data = await source.read(1 << 16)
            while self._fault is Fault.FROZEN:
                await self._changed.wait()
            if self._fault is forgetting and data:
                continue
            if forgetting is Fault.LOST:
                self.said += len(data)
            await on_its_way.put((self._loop.time() + self.latency_s / 2, data))
        await delivering


async def _deliver(
    on_its_way: "asyncio.Queue[tuple[float, bytes]]", target: asyncio.StreamWriter
) -> None:
    loop = asyncio.get_running_loop()
    with suppress(OSError):
        while True:
            at, data = await on_its_way.get()
            if at > loop.time():
                await asyncio.sleep(at - loop.time())
            if not data:
                target.write_eof()
                return
            target.write(data)
            await target.drain()


@contextmanager
def proxied(server_port: int) -> Iterator[Proxy]:
    """Stand in front of a server on loopback."""
    proxy, ready = Proxy(server_port), threading.Event()
    thread = threading.Thread(target=proxy.run, args=(ready,), daemon=True)
    thread.start()
    if not ready.wait(_STARTED_WITHIN_S):
        raise AssertionError
    try:
        yield proxy
    finally:
        proxy.stop()
        thread.join(_STARTED_WITHIN_S)
