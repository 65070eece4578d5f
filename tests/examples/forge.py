"""The few endpoints of GitHub that the commenting script calls, on loopback."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

HEAD = "a" * 40
ROOT = "/repos/acme/models"


@dataclass
class Forge:
    """One pull request, its comments, and what was written."""

    head: dict[str, Any] = field(
        default_factory=lambda: {"sha": HEAD, "repo": {"full_name": "stranger/models"}}
    )
    comments: list[dict[str, Any]] = field(default_factory=list)
    written: list[tuple[str, str, Any]] = field(default_factory=list)
    base_url: str = ""

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        url = urlsplit(target)
        match method, url.path:
            case "GET", path if path == f"{ROOT}/pulls/7":
                return 200, {"head": self.head}
            case "GET", path if path == f"{ROOT}/issues/7/comments":
                page = int(parse_qs(url.query)["page"][0])
                return 200, self.comments[100 * (page - 1) : 100 * page]
            case "POST" | "PATCH", path:
                self.written.append((method, path, body))
                return 201, {}
        return 404, {}


NOTES = "/projects/42/merge_requests/7/notes"


@dataclass
class Project(Forge):
    """One merge request of GitLab, its comments, and what was written; the token's user is 3."""

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        url = urlsplit(target)
        match method, url.path:
            case "GET", "/user":
                return 200, {"id": 3}
            case "GET", path if path == NOTES:
                page = int(parse_qs(url.query)["page"][0])
                return 200, self.comments[100 * (page - 1) : 100 * page]
            case "POST" | "PUT", path:
                self.written.append((method, path, body))
                return 201, {}
        return 404, {}


@contextmanager
def serving(forge: Forge) -> Iterator[Forge]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            status, content = forge.answer(self.command, self.path, body)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        do_GET = do_POST = do_PATCH = do_PUT = _handle  # noqa: N815 the library's names

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        forge.base_url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield forge
        finally:
            server.shutdown()
            thread.join()
