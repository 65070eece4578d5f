"""The dead man's switch: told after every good cycle, and only then."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from tests.stage import SALES, Staging, models

QUIET = f'[models.sales]\nid = "{SALES}"\nrefresh.every = "6h"\n'


@contextmanager
def switch(status: int = 200) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Location", "https://elsewhere.example/")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/ping/secret-id", asked
        server.shutdown()
        thread.join()


def test_a_good_cycle_is_told(staged: Staging) -> None:
    with switch() as (url, asked):
        ended = staged(QUIET).run("run", "--once", "--heartbeat-url", url)
    assert (ended.code, asked) == (0, ["/ping/secret-id"])


def test_a_blocked_cycle_is_not(staged: Staging) -> None:
    stage = staged("[limits]\ncalls = 1\n" + models("ab", 'refresh.every = "6h"'))
    with switch() as (url, asked):
        ended = stage.run("run", "--once", "--heartbeat-url", url)
    assert (ended.code, asked) == (3, [])


def test_a_switch_that_answers_badly_is_a_line_in_the_log(staged: Staging) -> None:
    with switch(302) as (url, asked):
        ended = staged(QUIET).run("run", "--once", "--heartbeat-url", url)
    assert (ended.code, len(asked)) == (0, 1)
    assert 'heartbeat-failed why="the answer was 302"' in ended.err
    assert "secret-id" not in ended.err
