"""A server that echoes the Authorization header, spelled otherwise, through a whole apply."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.canary import CANARY
from tests.logged_world import LoggedWorld
from tests.omni.fault_server import FaultServer, reply
from tests.stage import SALES, Stage

TAIL = "/a=b="
TOKEN = CANARY + TAIL
FILE = f"""
[models.sales]
id = "{SALES}"
refresh = {{ every = "6h" }}
cache.daily = {{ every = "6h" }}
"""
SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda words: words,
    "slashes": lambda words: words.replace("/", "\\/"),
    "equals": lambda words: words.replace("=", "\\u003d"),
    "twice": lambda words: words.replace("=", "\\u005cu003d"),
    "numbers": lambda words: "".join(f"\\u{ord(letter):04X}" for letter in words),
    "percent": lambda words: quote(words, safe=""),
    "lower": str.lower,
}


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(()) as made:
        yield made


def echoing(server: FaultServer, spell: Callable[[str], str]) -> None:
    """Take refreshes, under a job that is named like the token, and refuse everything else."""

    def act(connection: socket.socket) -> None:
        told = spell(server.received[-1].headers["authorization"])
        body = f'{{"detail": "Bad Request: got {told}", "status": "completed", "jobId": "{told}"}}'
        taken = server.received[-1].target.startswith(f"/api/v1/models/{SALES}/refresh")
        reply(body, status="200 OK" if taken else "400 Bad Request")(connection)

    server.faults = (act,)


def everything_said(tmp_path: Path, server: FaultServer, *options: str) -> str:
    stage = Stage(tmp_path, server.url, LoggedWorld([]), {"OMNI_API_KEY": TOKEN})
    stage.write(FILE)
    ended = stage.run("apply", "--yes", "--events", "events", "--metrics", "metrics", *options)
    history = stage.run("state", "history")
    files = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    return "".join([ended.out, ended.err, history.out, history.err, *files])


@pytest.mark.parametrize("name", SPELLINGS)
def test_an_echoed_token_is_in_no_output_and_no_file(
    tmp_path: Path, server: FaultServer, name: str
) -> None:
    # H1
    echoing(server, SPELLINGS[name])
    said = everything_said(tmp_path, server, "--no-preflight")
    assert server.posts == 2
    assert said.count("[token]") > 5
    assert not [tail for tail in (TAIL, SPELLINGS[name](TAIL)) if tail in said]


def test_an_echoed_token_is_not_shown_by_the_look_before_the_first_call(
    tmp_path: Path, server: FaultServer
) -> None:
    # H1
    echoing(server, SPELLINGS["numbers"])
    assert "[token]" in everything_said(tmp_path, server)
