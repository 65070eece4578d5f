"""An Omni on loopback that answers as a test tells it to, and remembers what it was asked."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.stage import Ended, Stage

Answer = tuple[int, Any]
"""A status and a JSON body; a status of 0 cuts the connection without one, -1 (in memory) is
a connection that was never made."""

Rule = Callable[[str, str], Answer | None]
"""Given method and path, what to answer; None leaves it to the next rule."""

FORBIDDEN: Answer = (403, {"detail": "You do not have read permission on this connection"})
NOT_FOUND: Answer = (404, {"detail": "No such thing"})
BAD_TOKEN: Answer = (401, {"detail": "Unauthorized"})
BUSY: Answer = (503, {"detail": "upstream"})
LOST: Answer = (0, None)
NO_CONNECTION: Answer = (-1, None)


@dataclass
class Omni:
    """Answers by its rules, first come first served; else as Omni does when all is well.

    `dated`: whether replies carry a Date; `ahead`: by how much that is ahead of the real time.
    `slow_s`: how long an answer takes.
    """

    rules: list[Rule] = field(default_factory=list)
    dated: bool = True
    ahead: timedelta = timedelta()
    asked: list[tuple[str, str]] = field(default_factory=list)
    slow_s: float = 0.0
    _jobs: Counter[str] = field(default_factory=Counter)

    def on(self, method: str, part: str, answer: Answer, times: int = 1_000_000) -> None:
        """Answer so what goes to a path with that part, so many times."""
        left = [times]

        def rule(asked: str, path: str) -> Answer | None:
            if asked != method or part not in path or not left[0]:
                return None
            left[0] -= 1
            return answer

        self.rules.insert(0, rule)

    def posts(self, part: str = "") -> list[str]:
        return [path for method, path in self.asked if method == "POST" and part in path]

    def polls(self, part: str = "") -> list[str]:
        return [path for method, path in self.asked if method == "GET" and part in path]

    def answer(self, method: str, path: str, body: Any) -> Answer:
        self.asked.append((method, path))
        for rule in self.rules:
            told = rule(method, path)
            if told is not None:
                return told
        return self._well(path.partition("?")[0].split("/"), body)

    def date(self) -> str:
        return format_datetime(datetime.now(UTC) + self.ahead, usegmt=True)

    def _well(self, parts: list[str], body: Any) -> Answer:
        if parts[-1] == "status":
            return 200, {"job_id": parts[-2], "job_type": "refresh", "status": "COMPLETED"}
        if parts[-1] == "refresh":
            self._jobs[parts[-2]] += 1
            job_id = f"{parts[-2]}-{self._jobs[parts[-2]]}"
            return 200, {"jobId": job_id, "modelId": parts[-2], "status": "running"}
        echo = {"model_id": parts[-3], "policy_name": parts[-1], "reset_at": body["resetAt"]}
        return 200, {"cache_reset": echo}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    omni: Omni

    def do_GET(self) -> None:
        self._serve(None)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        self._serve(json.loads(self.rfile.read(length)) if length else None)

    def log_message(self, *_: object) -> None:
        pass

    def _serve(self, body: Any) -> None:
        status, told = self.omni.answer(self.command, self.path, body)
        if not status:
            self.close_connection = True
            return
        content = json.dumps(told).encode()
        self.send_response_only(status)
        if self.omni.dated:
            self.send_header("Date", self.omni.date())
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(omni: Omni) -> Iterator[str]:
    """Serve it on loopback; gives its base URL."""
    handler = type("Handler", (_Handler,), {"omni": omni})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Place:
    """A folder with files and a state, and the Omni they are applied to, by the real command."""

    stage: Stage
    omni: Omni

    def write(self, text: str) -> None:
        omni = f'[omni]\nbase_url = "{self.stage.base_url}"\nrequests_per_minute = 10000\n'
        self.stage.write(f'{omni}[state]\nurl = "state.json"\n{text}')

    def apply(self, *more: str, **variables: str) -> Ended:
        return self.stage.run("apply", "--yes", *more, **variables)

    def summary(self, *more: str) -> tuple[int, dict[str, Any]]:
        """Apply, and return the exit code with what each address came to."""
        ended = self.apply("--format", "json", *more)
        results = ended.json()["results"]
        return ended.code, {a: result for result in results for a in result["addresses"]}

    def plan(self, *more: str) -> Any:
        return self.stage.run("plan", "--format", "json", *more).json()

    def standing(self, address: str) -> Any:
        return next(item for item in self.plan()["items"] if item["address"] == address)

    def state(self) -> Any:
        return json.loads((self.stage.folder / "state.json").read_text())

    def record(self, address: str) -> Any:
        return self.state()["items"][address]


def models(names: str, body: str, connections: str = "") -> str:
    """Write one model a letter, each with an id of its own, on a connection of its own or given."""
    parts = []
    for name, connection in zip(names, connections or names, strict=True):
        number = f"{ord(name):012d}"
        parts.append(
            f'[models.{name}]\nid = "00000000-0000-4000-8000-{number}"\n'
            f'connection = "{connection}"\n' + body.replace("NAME", name)
        )
    return "\n".join(parts)


def id_of(name: str) -> str:
    """Return the id of the model of that letter."""
    return f"00000000-0000-4000-8000-{ord(name):012d}"


def here(folder: Path, base_url: str, omni: Omni) -> Place:
    """Make a place in a folder."""
    return Place(Stage(folder, base_url, world=None), omni)  # type: ignore[arg-type] # nobody asks this world
