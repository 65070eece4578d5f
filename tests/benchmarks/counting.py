"""An Omni that takes every reset and remembers when: python counting.py PORT_FILE ARRIVALS_FILE.

A process of its own, and with next to no work for each request, so that it holds nobody up. Ends
with SIGTERM, and writes down then when each request came, in seconds of the monotonic clock.
"""

import asyncio
import json
import re
import signal
import sys
import time
from email.utils import formatdate
from pathlib import Path

_LENGTH = re.compile(rb"(?i)content-length: (\d+)")
_END = b"\r\n\r\n"
_ARRIVED: list[float] = []


class _Resets(asyncio.Protocol):
    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, ended, body = self._received.partition(_END)
        length = _LENGTH.search(head)
        if not ended or length is None or len(body) < int(length[1]):
            return
        _ARRIVED.append(time.monotonic())
        self._received = b""
        _, target, _ = head.decode().split(" ", 2)
        _, _, _, _, model_id, _, policy = target.split("/")
        echo = {"model_id": model_id, "policy_name": policy, **json.loads(body)}
        reply = json.dumps({"success": True, "cache_reset": echo})
        lines = (
            "HTTP/1.1 200 OK",
            f"Date: {formatdate(usegmt=True)}",
            "Content-Type: application/json",
            f"Content-Length: {len(reply)}",
        )
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.write("\r\n".join(lines).encode() + _END + reply.encode())


async def _serve(port_file: Path) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(_Resets, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await asyncio.to_thread(port_file.write_text, f"{port}\n")
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
    Path(sys.argv[2]).write_text(json.dumps(_ARRIVED))
