"""K1, K2, K3: liveness speaks of progress, and a signal ends `run` whatever hangs."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from reconcile.controller.cycle import Observer, Outcome
from reconcile.controller.loop import LONGEST_STEP_S, Controller, Parts, Supervisor
from reconcile.controller.report import Desk, Teller
from reconcile.controller.situation import Situation
from reconcile.controller.watch import Keeper
from reconcile.model.desired import Desired
from reconcile.simulation.virtual import run_in_virtual_time
from tests.controller.test_process import AT_STORE, FILE, at, serving, url_of
from tests.controller.virtual import Virtual
from tests.stage import Staging
from tests.state.acts import NOON

STOPPED_WITHIN_S = 6.0


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Listen, take every connection, and say nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(40)
        yield listener


def test_a_run_ends_though_its_store_and_its_switch_hang(
    staged: Staging, silent: socket.socket
) -> None:
    stage = staged(AT_STORE)
    stage.environment |= at(silent)
    with serving(stage, "--heartbeat-url", url_of(silent), "--listen", "127.0.0.1:0") as service:
        port = int(service.url.rstrip("/").rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as reader:
            reader.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            begun = time.monotonic()
            assert service.stop() in {0, 143}
            assert time.monotonic() - begun < STOPPED_WITHIN_S


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_apply_ends_though_its_store_hangs(
    number: signal.Signals, staged: Staging, silent: socket.socket
) -> None:
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("ignored here, as under nohup, and so by every child")
    stage = staged(AT_STORE)
    stage.environment |= at(silent)
    process = stage.start("apply", "--yes")
    asking, _ = silent.accept()
    with asking:
        begun = time.monotonic()
        process.send_signal(number)
        process.communicate(timeout=30)
        assert time.monotonic() - begun < STOPPED_WITHIN_S
    assert process.returncode in {128 + number, -number}


class Hanging:
    """Makes a cycle that goes on for ever, and stirred at its beginning only."""

    stirred_s = 0.0

    async def make(self, desired: Desired, observer: Observer) -> Outcome:
        del desired, observer
        await asyncio.Event().wait()
        raise AssertionError

    def call_off(self, cause: object) -> None:
        """Go on all the same."""


def stalled_after(
    span_s: float, virtual: Virtual, clock_set: timedelta = timedelta()
) -> str | None:
    async def play() -> str | None:
        parts = Parts(
            cycles=Hanging(),
            keeper=Keeper(virtual.instance()),
            desk=Desk(Situation(name="a", host="https://omni", started_at=NOON)),
            tell=Teller(lambda _: None, virtual.now),
            now=virtual.now,
        )
        controller = Controller(parts)
        running = asyncio.create_task(controller.run())
        await asyncio.sleep(1)
        virtual.shift = clock_set
        await asyncio.sleep(span_s - 1)
        running.cancel()
        return controller.stalled()

    return run_in_virtual_time(play())


@pytest.mark.parametrize("clock_set", [timedelta(), timedelta(days=-1), timedelta(days=1)])
def test_a_cycle_that_hangs_is_no_progress_whatever_the_clock_is_set_to(
    clock_set: timedelta, tmp_path: Path
) -> None:
    (tmp_path / "reconcile.toml").write_text(FILE)
    virtual = Virtual(tmp_path)
    assert stalled_after(LONGEST_STEP_S - 5, virtual, clock_set) is None
    words = stalled_after(LONGEST_STEP_S + 5, virtual, clock_set)
    assert words == "the cycle under way stands still"


def test_what_is_stalled_is_not_ready() -> None:
    situation = Situation(name="a", host="https://omni", started_at=NOON, stalled="a cycle hangs")
    assert not situation.ready


def told_by(stalled: str | None, place: Path) -> list[bytes]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(place))
        systemd.settimeout(5)
        environment = {"NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "30000"}
        supervisor = Supervisor(lambda: stalled, environment | {"WATCHDOG_PID": str(os.getpid())})

        async def live() -> None:
            async with supervisor.told():
                await asyncio.sleep(0.05)

        asyncio.run(live())
        said: list[bytes] = []
        while not said or said[-1] != b"STOPPING=1":
            said.append(systemd.recv(100))
        return said


def test_a_watchdog_is_told_of_progress(tmp_path: Path) -> None:
    said = told_by(None, tmp_path / "notify")
    assert said[0] == b"READY=1"
    assert b"WATCHDOG=1" in said


def test_a_watchdog_is_told_of_no_progress_where_there_is_none(tmp_path: Path) -> None:
    assert b"WATCHDOG=1" not in told_by("the loop stands still", tmp_path / "notify")
