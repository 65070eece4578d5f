"""Where the page listens: this machine, unless there is a token."""

import ipaddress
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path

from reconcile.errors import Diagnostic, ReconcileError

SHORTEST_TOKEN = 16
_LONGEST_TOKEN = 4_096
_BACKLOG = 64
_HIGHEST_PORT = 65_535
_UNIX = "unix:"
_ADDRESS = re.compile(r"(?:(?P<host>[^:\[\]]*|\[[0-9A-Fa-f:.]+\]):)?(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen. `path`: of a socket in the file system, instead of an address and a port."""

    host: str = ""
    port: int = 0
    path: str | None = None

    @property
    def private(self) -> bool:
        """Tell whether only this machine reaches it."""
        return self.path is not None or ipaddress.ip_address(self.host).is_loopback


def parse_place(text: str) -> Place:
    """Read `--listen`: HOST:PORT, PORT, or unix:PATH. Raises ReconcileError `bad-listen`."""
    if text.startswith(_UNIX) and text != _UNIX:
        return Place(path=text.removeprefix(_UNIX))
    match = _ADDRESS.fullmatch(text)
    host = (match["host"] or "127.0.0.1").strip("[]") if match else ""
    host = "127.0.0.1" if host == "localhost" else host
    if match is None or int(match["port"]) > _HIGHEST_PORT or not _is_address(host):
        raise _refused(
            "bad-listen",
            "--listen takes an address and a port",
            f'"{text}" is neither ADDRESS:PORT with an IP address, nor a port, nor unix:PATH.',
            "reconcile run --listen 127.0.0.1:8470",
        )
    return Place(host, int(match["port"]))


def load_token(path: str | None, place: Place) -> str | None:
    """Read the token of the page. Raises ReconcileError if there is none and there has to be."""
    if path is None:
        if place.private:
            return None
        raise _refused(
            "listen-without-token",
            "The page would be open to the network",
            f"{place.host} can be reached from other machines, and the page says what is "
            "refreshed when. Without a token it is served to this machine only.",
            "reconcile run --listen 127.0.0.1:8470",
        )
    try:
        with Path(path).open(encoding="utf-8") as file:
            token = file.read(_LONGEST_TOKEN + 1).strip()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise _bad_token(path, f"cannot be read: {why}") from None
    if not SHORTEST_TOKEN <= len(token) <= _LONGEST_TOKEN:
        raise _bad_token(path, f"holds fewer than {SHORTEST_TOKEN} characters, or far too many")
    return token


def listen(place: Place) -> socket.socket:
    """Open the socket. Raises ReconcileError `listen-unavailable`."""
    family = socket.AF_UNIX
    if place.path is None:
        family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if place.path is None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((place.host, place.port))
        else:
            _bind_path(listener, place.path)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        where = place.path or f"{place.host} port {place.port}"
        raise _refused(
            "listen-unavailable",
            "The page cannot listen there",
            f"Listening on {where} failed: {error.strerror or error}.",
            "reconcile run --listen 127.0.0.1:0",
        ) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Return where the page is, for people."""
    if listener.family is socket.AF_UNIX:
        return f"{_UNIX}{listener.getsockname()}"
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _bind_path(listener: socket.socket, path: str) -> None:
    if Path(path).is_socket():
        # Left by a run that was killed; whoever still listened there would be cut off, but two
        # controllers of one state are kept apart by its lock.
        Path(path).unlink()
    before = os.umask(0o177)
    try:
        listener.bind(path)
    finally:
        os.umask(before)


def _bad_token(path: str, why: str) -> ReconcileError:
    return _refused(
        "bad-token-file",
        "The token of the page cannot be used",
        f"{path} {why}.",
        "openssl rand -hex 32 > page.token",
    )


def _refused(code: str, summary: str, detail: str, hint: str) -> ReconcileError:
    return ReconcileError(Diagnostic(code=code, summary=summary, detail=detail, hint=hint))
