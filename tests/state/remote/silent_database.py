"""A listener that speaks as much PostgreSQL as it takes to be sent a password, and notes it."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104
_ASKS_FOR_PASSWORD = b"R" + struct.pack("!ii", 8, 3)


@dataclass
class SilentDatabase:
    """`heard`: every byte that was sent to it."""

    port: int
    heard: bytearray = field(default_factory=bytearray)
    connections: int = 0

    def converse(self, connection: socket.socket) -> None:
        self.connections += 1
        with connection, suppress(OSError):
            connection.settimeout(10)
            while (said := self._hear(connection)) and _asks_to_encrypt(said):
                connection.sendall(b"N")
            connection.sendall(_ASKS_FOR_PASSWORD)
            self._hear(connection)

    def _hear(self, connection: socket.socket) -> bytes:
        said = connection.recv(65536)
        self.heard += said
        return said


def _asks_to_encrypt(said: bytes) -> bool:
    return len(said) == 8 and struct.unpack("!ii", said)[1] in {_SSL_REQUEST, _GSS_REQUEST}


@contextmanager
def listening_database() -> Iterator[SilentDatabase]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        database = SilentDatabase(listener.getsockname()[1])

        def serve() -> None:
            with suppress(OSError):
                while True:
                    database.converse(listener.accept()[0])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield database
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)
