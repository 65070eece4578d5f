"""The server as a process sees it: where it listens, how it starts, and how it stops."""

import socket
import subprocess
import sys
from threading import Thread
from threading import enumerate as live_threads

import httpx
import pytest

from reconcile.errors import ReconcileError
from reconcile.sandbox.command import running, serve
from reconcile.sandbox.faults import parse_faults
from tests.logged_world import LoggedWorld
from tests.patience import wait_until
from tests.sandbox.conftest import NOON, SEEDS


def _refused(host: str, port: int = 0) -> str:
    with pytest.raises(ReconcileError) as caught:
        serve(LoggedWorld(SEEDS), host, port, lambda: NOON, print)
    return caught.value.diagnostics[0].code


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "example.com", ""])  # noqa: S104
def test_only_loopback_is_served(host: str) -> None:
    assert _refused(host) == "sandbox-not-loopback"


def test_a_port_that_is_taken_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert _refused("127.0.0.1", taken.getsockname()[1]) == "sandbox-port-unavailable"
    assert _refused("127.0.0.1", 70_000) == "sandbox-port-unavailable"


def test_a_stopped_server_leaves_neither_thread_nor_port() -> None:
    before = set(live_threads())
    with (
        running(LoggedWorld(SEEDS), clock=lambda: NOON) as base_url,
        httpx.Client(base_url=base_url, trust_env=False) as idle,
    ):
        assert idle.get("/openapi.json").status_code == 200
        port = int(base_url.rpartition(":")[2])
    assert {thread for thread in live_threads() if thread.name == "sandbox"} <= before
    with socket.create_server(("127.0.0.1", port), reuse_port=False):
        pass


def test_a_server_stops_though_a_client_waits_for_a_slow_reply() -> None:
    world = LoggedWorld(SEEDS, faults=parse_faults("any:slow=10m"))
    failures: list[httpx.HTTPError] = []

    def ask(base_url: str) -> None:
        try:
            httpx.get(f"{base_url}/api/v1/models", trust_env=False, timeout=60)
        except httpx.HTTPError as error:
            failures.append(error)

    with running(world, clock=lambda: NOON) as base_url:
        client = Thread(target=ask, args=(base_url,))
        client.start()
        wait_until(lambda: bool(world.log))
    client.join()
    assert [type(error) for error in failures] == [httpx.RemoteProtocolError]


def test_the_ipv6_loopback_is_served_where_there_is_one() -> None:
    try:
        with running(LoggedWorld(SEEDS), host="::1", clock=lambda: NOON) as base_url:
            assert base_url.startswith("http://[::1]:")
            assert httpx.get(f"{base_url}/openapi.json", trust_env=False).is_success
    except ReconcileError as error:
        pytest.skip(error.diagnostics[0].detail)


def test_the_foreground_server_answers_and_ends_by_a_signal() -> None:
    script = (
        "from datetime import UTC, datetime\n"
        "from reconcile.sandbox.command import serve\n"
        "from reconcile.sandbox.world import World\n"
        "say = lambda base_url: print(base_url, flush=True)\n"
        "try:\n"
        "    serve(World([]), 'localhost', 0, lambda: datetime.now(UTC), say)\n"
        "except KeyboardInterrupt:\n"
        "    print('stopped')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        assert httpx.get(f"{base_url}/openapi.json", trust_env=False).is_success
        process.send_signal(2)
        assert process.communicate(timeout=20) == ("stopped\n", "")


@pytest.mark.parametrize("words", [("sandbox",), ("help", "sandbox")])
def test_a_missing_extra_is_named_with_the_command_that_adds_it(words: tuple[str, ...]) -> None:
    script = (
        "import sys\n"
        "sys.modules['starlette'] = sys.modules['uvicorn'] = None\n"
        f"sys.argv = ['reconcile', *{words}]\n"
        "import runpy; runpy.run_module('reconcile', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "error[extra-missing]" in done.stderr
    assert "pip install 'omni-reconcile[sandbox]'" in done.stderr


def test_importing_the_world_imports_no_extra() -> None:
    script = (
        "import sys, reconcile.sandbox.world\n"
        "print({'starlette', 'uvicorn', 'asyncio', 'httpx'} & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
