"""A loopback server that misbehaves on purpose: raw sockets, one thread a connection."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from msgspec import Struct

Fault = Callable[[socket.socket], None]
"""Answers one request on a connection that it may break as it likes."""

_LONGEST_WAIT_S = 10.0


class Received(Struct, frozen=True):
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class FaultServer:
    """Serves the faults in turn, the last one for ever; use as a context manager."""

    faults: tuple[Fault, ...]
    tls: ssl.SSLContext | None = None
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    raw_bytes: int = 0
    _listener: socket.socket = field(init=False)
    _threads: list[threading.Thread] = field(default_factory=list)
    _open: list[socket.socket] = field(default_factory=list)
    _stopping: bool = False

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def posts(self) -> int:
        return sum(1 for request in self.received if request.method == "POST")

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_LONGEST_WAIT_S)
        for connection in self._open:
            connection.close()

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(_LONGEST_WAIT_S)
            self.connections += 1
            self._open.append(connection)
            self._start(lambda connection=connection: self._serve(connection))  # type: ignore[misc] # mypy: default of a lambda

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ssl.SSLError):
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            while (request := self._read_request(connection)) is not None:
                self.received.append(request)
                last = min(len(self.received), len(self.faults)) - 1
                self.faults[last](connection)

    def _read_request(self, connection: socket.socket) -> Received | None:
        head, separator, body = b"", b"\r\n\r\n", b""
        while separator not in head:
            piece = connection.recv(65536)
            self.raw_bytes += len(piece)
            if not piece:
                return None
            head += piece
        head, _, body = head.partition(separator)
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
        }
        while len(body) < int(headers.get("content-length", "0")):
            body += connection.recv(65536)
        method, target, _ = first.split(" ", 2)
        return Received(method, target, headers, body)


def reply(
    body: bytes | str = b"",
    *,
    status: str = "200 OK",
    headers: tuple[str, ...] = (),
    length: int | None = None,
) -> Fault:
    """Answer properly, or with a wrong Content-Length."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content) if length is None else length}"]
    head = "\r\n".join([*lines, *headers, "", ""]).encode("latin-1")
    return raw(head + content, close=length is not None)


def raw(content: bytes, *, close: bool = True) -> Fault:
    """Send these bytes, then close the connection or keep it."""

    def act(connection: socket.socket) -> None:
        connection.sendall(content)
        if close:
            connection.shutdown(socket.SHUT_RDWR)

    return act


def reset(connection: socket.socket) -> None:
    """Cut the connection with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    connection.close()


def silence(connection: socket.socket) -> None:
    """Say nothing until the client goes away."""
    connection.recv(1)


def repeat(start: bytes, piece: bytes, *, times: int = 100_000) -> Fault:
    """Send a beginning and then one piece over and over, as long as the client listens."""

    def act(connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(times):
            connection.sendall(piece)

    return act


def drip(start: bytes, *, pause_s: float = 0.05, times: int = 100) -> Fault:
    """Send a beginning and then a byte at a time, never long enough apart for a read timeout."""

    def act(connection: socket.socket) -> None:
        connection.sendall(start)
        pause = threading.Event()
        for _ in range(times):
            pause.wait(pause_s)
            connection.sendall(b"x")

    return act
