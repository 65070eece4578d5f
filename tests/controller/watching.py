"""Looking at a page as a program does, with nothing but the standard library."""

import http.client
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct


class Got(Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


def ask(
    url: str, path: str, *, method: str = "GET", body: str | None = None, **headers: str
) -> Got:
    """Send one request; `Host` and the like are given as keyword arguments."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        reply = connection.getresponse()
        return Got(
            reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read().decode()
        )
    finally:
        connection.close()


class Stream:
    """A watcher of the page's events."""

    def __init__(self, url: str, path: str = "/events") -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
        self._connection.request("GET", path)
        self._reply = self._connection.getresponse()
        self.status = self._reply.status

    def parts(self) -> dict[str, str]:
        """Wait for the next event and return what it brings."""
        for _ in range(100):
            line = self._reply.readline().decode()
            if line.startswith("data: "):
                return dict(json.loads(line.removeprefix("data: ")))
        raise AssertionError("no event came")

    def close(self) -> None:
        self._reply.close()
        self._connection.close()


def samples(exposition: str) -> dict[str, float]:
    """Read an exposition into its samples."""
    found = re.findall(r"^(reconcile_\S+) (\S+)$", exposition, re.MULTILINE)
    return {name: float(value) for name, value in found}
