"""H3, H4: whoever comes in numbers, says nothing or reads nothing harms no cycle and no probe."""

import asyncio
import resource
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import count, cycle, islice
from urllib.parse import urlsplit

import pytest
from starlette.responses import PlainTextResponse
from uvicorn import Config
from uvicorn.server import ServerState

from reconcile.controller.web import SILENT_S, Hub, Sketch, WaryProtocol
from reconcile.simulation.virtual import run_in_virtual_time
from tests.controller.test_process import FILE, serving
from tests.controller.watching import ask
from tests.stage import Staging

FEW_FILES = 1024
ANYWHERE = ("--listen", "127.0.0.1:0")
PROBES = ("/healthz", "/readyz")
HALF = b"GET / HTTP/1.1\r\nHost: loc"
WORDS = (b"", HALF, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")


@contextmanager
def besieged(url: str, number: int) -> Iterator[None]:
    """Hold connections that say nothing, half of a request, or one whose answer they never read."""
    place = urlsplit(url)
    lines: list[socket.socket] = []
    try:
        for words in islice(cycle(WORDS), number):
            line = socket.create_connection((place.hostname, place.port), timeout=20)
            lines.append(line)
            line.sendall(words)
        yield
    finally:
        for line in lines:
            line.close()


def limit_files(pid: int, number: int) -> None:
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (number, hard))


@pytest.mark.parametrize("number", [1_100, pytest.param(5_000, marks=pytest.mark.slow)])
def test_cycles_go_on_and_probes_answer_amid_hostile_connections(
    staged: Staging, number: int
) -> None:  # H3
    with serving(staged(FILE), *ANYWHERE) as service:
        url = service.url
        service.until("verdict=done")
        limit_files(service.process.pid, FEW_FILES)
        with besieged(url, number):
            assert [ask(url, path).status for path in PROBES] == [200, 200]
            service.until("verdict=done", service.text.count("verdict=done") + 2)
            assert [ask(url, path).status for path in PROBES] == [200, 200]
        assert "verdict=failed" not in service.text
        assert ask(url, "/").status == 200
        assert service.stop() == 0


@pytest.mark.slow  # the next cycle is made five seconds later
def test_a_cycle_without_a_descriptor_left_fails_and_the_next_are_made(staged: Staging) -> None:
    # H3
    with serving(staged(FILE)) as service:
        service.until("verdict=done")
        limit_files(service.process.pid, 3)
        service.until("verdict=failed")
        limit_files(service.process.pid, FEW_FILES)
        service.until("verdict=done", service.text.count("verdict=done") + 1)
        assert service.stop() == 0


class Line(asyncio.Transport):
    """A connection whose other end reads so many bytes a second."""

    def __init__(self, reads: int = 0) -> None:
        super().__init__()
        self.reads, self.left, self.cut_s = reads, 0, 0.0

    def write(self, data: object) -> None:
        self.left += len(bytes(data))  # type: ignore[call-overload]  # bytes, as h11 writes them

    def get_write_buffer_size(self) -> int:
        read = int(self.reads * asyncio.get_running_loop().time())
        return max(0, self.left - read)

    def is_closing(self) -> bool:
        return self.cut_s > 0

    def resume_reading(self) -> None: ...

    def abort(self) -> None:
        self.cut_s = asyncio.get_running_loop().time()


async def cut_after_s(line: Line, *words: bytes, state: ServerState | None = None) -> float:
    """Say these words a second apart, and return when the connection was cut off."""
    config = Config(PlainTextResponse("x" * 1_000), log_config=None, lifespan="off")
    config.load()
    protocol = WaryProtocol(config, state or ServerState(), {})
    protocol.connection_made(line)
    for said in words:
        protocol.data_received(said)
        await asyncio.sleep(1)
    await asyncio.sleep(60)
    return line.cut_s


def test_a_head_that_does_not_come_within_seconds_is_waited_for_no_longer() -> None:  # H3
    trickle = [HALF[i : i + 1] for i in range(20)]
    assert run_in_virtual_time(cut_after_s(Line(), HALF)) == SILENT_S
    assert run_in_virtual_time(cut_after_s(Line(), *trickle)) == SILENT_S


def test_an_answer_may_be_read_slowly_but_not_for_ever_not_at_all() -> None:  # H3
    assert run_in_virtual_time(cut_after_s(Line(), WORDS[2])) == pytest.approx(SILENT_S)
    assert run_in_virtual_time(cut_after_s(Line(reads=100), WORDS[2])) > 2 * SILENT_S


def drawings(ask_for: Callable[[Hub, Sketch[str]], Awaitable[object]]) -> int:
    """Count how often a page is drawn while it is asked for 300 times in three seconds."""
    drawn = count()
    hub = Hub(lambda: {"head": str(next(drawn))})
    sketch = Sketch(lambda: str(next(drawn)))

    async def play() -> None:
        publishing = asyncio.create_task(hub.publish())
        for _ in range(300):
            hub.changed()
            await ask_for(hub, sketch)
            await asyncio.sleep(0.01)
        publishing.cancel()
        await asyncio.wait([publishing])

    run_in_virtual_time(play())
    return next(drawn)


async def watch(hub: Hub, _: Sketch[str]) -> None:
    stream = hub.stream()
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]  # it is a generator


async def look(_: Hub, sketch: Sketch[str]) -> None:
    await sketch.drawn()


def test_the_page_is_drawn_once_a_second_for_any_number_of_watchers() -> None:  # H4
    assert drawings(watch) <= 4
    assert drawings(look) <= 4
