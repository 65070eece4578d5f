"""`run` as a process: real signals, a real server, real files."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconcile.config.merge import LOCK_NAME
from reconcile.sandbox.instance import Operation
from tests.canary import CANARY, traces
from tests.cli.test_selecting import locked
from tests.live.test_command import remove
from tests.patience import wait_until
from tests.postgres import installed, running_postgres
from tests.stage import OPS, SALES, Stage, Staging

pytestmark = pytest.mark.long

FILE = f"""
[state]
url = "state.json"

[models.sales]
id = "{SALES}"
refresh.every = "6h"
cache.often.every = "2s"
"""
AT_STORE = FILE.replace("state.json", "s3://bucket/prod.json")
PATIENCE_S = 20.0


def url_of(silent: socket.socket) -> str:
    return f"http://127.0.0.1:{silent.getsockname()[1]}"


def at(silent: socket.socket) -> dict[str, str]:
    """Return what has a store asked for at that address."""
    secret = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}
    return {"AWS_ENDPOINT_URL": url_of(silent), "AWS_ALLOW_HTTP": "true", **secret}


class Service:
    """A running `run`, and what it has logged so far."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process, self._log = process, log

    @property
    def text(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def until(self, word: str, times: int = 1) -> str:
        """Wait until the log says a word that many times."""

        def said() -> bool:
            there = self.text.count(word) >= times
            assert there or self.process.poll() is None, self.text
            return there

        wait_until(said, lambda: self.text)
        return self.text

    @property
    def url(self) -> str:
        return self.until("serving url=").split("serving url=")[1].split()[0]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


@contextmanager
def serving(stage: Stage, *arguments: str) -> Iterator[Service]:
    log = stage.folder / "log.txt"
    with log.open("w") as sink:
        process = subprocess.Popen(
            stage.command("run", *arguments),
            cwd=stage.folder,
            env=stage.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=sink,
            text=True,
        )
    try:
        yield Service(process, log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert not traces(log.read_bytes()), "the token was logged"


def test_once_makes_one_cycle_and_says_what_it_came_to(staged: Staging) -> None:
    stage = staged(FILE)
    ended = stage.run("run", "--once")
    assert (ended.code, ended.out, len(stage.calls())) == (0, "", 2)
    assert "cycle verdict=done calls=2" in ended.err


def test_every_line_of_a_json_log_is_an_object_and_a_lasting_trouble_is_told_once(
    staged: Staging,
) -> None:
    stage = staged(FILE)
    with serving(stage, "--format", "json", "--events", "missing/events.jsonl") as service:
        service.until('"done"', 3)
        assert service.stop() == 0
    told = [json.loads(line) for line in service.text.splitlines()]
    assert [line["code"] for line in told if line["event"] == "note"] == ["events-not-opened"]


def test_it_stays_and_calls_again_and_again_until_it_is_told_to_stop(staged: Staging) -> None:
    stage = staged(FILE)
    with serving(stage) as service:
        service.until("verdict=done", 3)
        assert service.stop() == 0
        assert service.text.splitlines()[-1].endswith("info stopped")
    assert len(stage.calls()) >= 4


def test_a_stop_comes_within_five_seconds_and_records_the_call_in_flight(staged: Staging) -> None:
    stage = staged(FILE, faults="refresh:slow=60s")
    with serving(stage) as service:
        wait_until(lambda: bool(stage.calls(Operation.REFRESH)))
        began = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - began < 6
    history = stage.run("state", "history").out
    assert "unknown" in history or "doubt" in history


def test_a_stop_comes_within_five_seconds_from_a_store_that_never_answers(staged: Staging) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE_S)
        stage = staged(AT_STORE)
        stage.environment |= at(silent)
        with serving(stage) as service:
            service.until("started")
            silent.accept()[0].close()  # so that it is being asked by now
            began = time.monotonic()
            service.stop()
            assert time.monotonic() - began < 6


def test_a_hangup_reloads_and_an_invalid_file_is_refused(staged: Staging) -> None:
    stage = staged(FILE)
    with serving(stage) as service:
        service.until("verdict=done")
        stage.write("[models.sales\n")
        service.process.send_signal(signal.SIGHUP)
        text = service.until("files-kept")
        assert "error files-refused code=" in text
        calls = len(stage.calls())
        service.until("verdict=done", text.count("verdict=done") + 2)
        assert len(stage.calls()) > calls
        stage.write(FILE)
        service.until("files-reloaded")
        assert service.stop(signal.SIGINT) == 0


SIGNALLED = """
import os, runpy, signal, sys
number, module = signal.Signals[sys.argv[1]], sys.argv[2]
def hook(event, told):
    global module
    if event == "import" and told[0] == module:
        module = None
        os.kill(os.getpid(), number)
sys.addaudithook(hook)
sys.argv = ["reconcile", *sys.argv[3:]]
runpy.run_module("reconcile", run_name="__main__")
"""


@pytest.mark.parametrize(
    ("number", "module", "code"),
    [
        (signal.SIGHUP, "click", 0),
        (signal.SIGHUP, "reconcile.controller.loop", 0),
        (signal.SIGINT, "click", 130),
        (signal.SIGINT, "reconcile.controller.loop", 130),
    ],
)
def test_a_signal_in_its_first_second_reloads_or_ends_a_run_without_a_traceback(
    number: signal.Signals, module: str, code: int, staged: Staging
) -> None:
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("ignored here, as under nohup, and so by every child")
    stage = staged(FILE)
    begun = stage.start_as([sys.executable, "-c", SIGNALLED, number.name, module, "run", "--once"])
    _, err = begun.communicate(timeout=60)
    assert (begun.returncode, "Traceback" in err) == (code, False), err


def test_a_state_at_a_place_that_is_none_is_refused_and_the_old_one_goes_on(
    staged: Staging,
) -> None:
    stage = staged(FILE)
    with serving(stage) as service:
        service.until("verdict=done")
        stage.write(FILE.replace("state.json", "s3://bucket"))
        text = service.until("files-kept")
        assert "state-url" in text
        service.until("verdict=done", text.count("verdict=done") + 2)
        assert service.stop() == 0


def test_a_model_that_joins_in_the_lock_file_is_refreshed_at_once(staged: Staging) -> None:
    stage = locked(staged)
    file = stage.folder / LOCK_NAME
    both, models = file.read_text(), dict(stage.world.instance.models)
    remove(stage, OPS)
    assert stage.run("lock").code == 0
    stage.world.instance.models.update(models)
    with serving(stage) as service:
        service.until("verdict=done")
        assert len(stage.calls()) == 1
        stage.write(both, file.name)
        service.until("files-reloaded items=2")
        wait_until(lambda: len(stage.calls()) == 2)
        assert service.stop() == 0


def test_what_a_person_marks_in_a_store_is_noticed_within_a_minute(staged: Staging) -> None:
    if installed() is None:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    with running_postgres() as server:
        stage = staged(FILE.replace("state.json", f"{server.url}#prod").replace('"2s"', '"6h"'))
        with serving(stage) as service:
            service.until("verdict=done")
            assert stage.run("state", "mark", "models.sales.refresh", "--due").code == 0
            wait_until(lambda: len(stage.calls(Operation.REFRESH)) == 2, timeout_s=60)
            assert service.stop() == 0


def test_a_token_that_is_replaced_in_its_file_is_used_from_the_next_cycle_on(
    staged: Staging,
) -> None:
    stage = staged(FILE)
    file = stage.write("omni_osk_revoked\n", "token")
    stage.environment |= {"OMNI_API_KEY": "", "OMNI_API_KEY_FILE": str(file)}
    with serving(stage) as service:
        service.until("token-refused")
        assert not stage.calls()
        file.write_text(CANARY)
        service.until("verdict=done")
        assert service.stop() == 0
    file.unlink()  # No token may be left behind.


def test_a_killed_run_is_told_of_by_the_next(staged: Staging) -> None:
    stage = staged(FILE)
    with serving(stage) as service:
        service.until("verdict=done", 2)
        service.process.kill()
        service.process.wait()
    time.sleep(3)
    with serving(stage) as service:
        assert "warning absent last_seen=" in service.until("verdict=done")
        assert service.stop() == 0


@pytest.mark.fault("L19")
def test_two_controllers_of_one_state_do_not_both_call(staged: Staging) -> None:
    stage = staged(FILE.replace('cache.often.every = "2s"', ""), job_s=3)
    with serving(stage) as service:
        wait_until(lambda: bool(stage.calls()))
        ended = stage.run("run", "--once")
        assert ended.code == 5
        service.until("verdict=done")
        assert service.stop() == 0
    assert len(stage.calls()) == 1
