"""A fleet on one machine: a database, one Omni for all instances, and workers as processes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconcile.sandbox.instance import Token
from tests.canary import CANARY
from tests.logged_world import LoggedExchange, LoggedWorld
from tests.patience import wait_until

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
_CLEAN = ("PATH", "HOME", "LANG", "SYSTEMROOT", "PYTHONPATH")


def token_of(name: str) -> str:
    return f"{CANARY}-{name}"


def tokens(names: Sequence[str]) -> dict[str, Token]:
    return {token_of(name): Token(name) for name in names}


def model_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


@dataclass
class Yard:
    """A folder with `fleet.toml`, an instance's files in a folder each, and running workers."""

    folder: Path
    database: str
    base_url: str
    world: LoggedWorld
    secrets: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    faked: dict[str, str] = field(default_factory=dict)

    def declare(self, bodies: dict[str, str], *, state: str = "", settings: str = "") -> None:
        """Write every instance's file; `state` may hold {name}, and is a file if not given."""
        limit = self.world.instance.settings.requests_per_minute
        fleet = [f'[fleet]\ndatabase = "{self.database}"\n{settings}\n']
        profiles = {}
        for name, body in bodies.items():
            where = state.format(name=name, database=self.database) or f"states/{name}.json"
            (self.folder / name).mkdir()
            (self.folder / name / "reconcile.toml").write_text(
                f'[omni]\nbase_url = "{self.base_url}"\nrequests_per_minute = {limit}\n'
                f'[state]\nurl = "unused.json"\nlock_ttl = "3s"\n{body}'
            )
            fleet.append(f'[instances.{name}]\nfile = "{name}"\nstate = "{where}"\n')
            profiles[name] = {"apiEndpoint": self.base_url, "apiKey": token_of(name)}
        (self.folder / "states").mkdir()
        (self.folder / "fleet.toml").write_text("\n".join(fleet))
        profile_file = self.secrets / "config.json"
        profile_file.write_text(json.dumps({"version": 1, "profiles": profiles}))
        profile_file.chmod(0o600)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "reconcile", *arguments],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def status(self) -> Any:
        done = self.run("fleet", "status", "--format", "json")
        assert done.returncode in {0, 6}, done.stderr
        return json.loads(done.stdout)

    def start_worker(self, *arguments: str) -> subprocess.Popen[bytes]:
        number = len(self.workers)
        with (self.folder / f"worker-{number}.log").open("wb") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "reconcile", "fleet", "worker", *arguments],
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.workers.append(worker)
        return worker

    def log_of(self, number: int) -> str:
        return (self.folder / f"worker-{number}.log").read_text()

    def posts(self, name: str | None = None) -> list[LoggedExchange]:
        """List the calls that Omni executed, of one instance or of all."""
        return [
            exchange
            for exchange in list(self.world.log)
            if exchange.call.method == "POST"
            and exchange.status < 300
            and (name is None or exchange.token_name == name)
        ]

    def wait_until(self, true: Callable[[], bool], timeout_s: float = 40) -> None:
        wait_until(true, lambda: self.log_of(0), timeout_s=timeout_s)

    def set_clock(self, shift: str) -> None:
        """Set the clock of the workers to come, and of those begun since it was first set."""
        (self.secrets / "clock").write_text(f"{shift}\n")
        self.faked = {
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(self.secrets / "clock"),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def end(self) -> None:
        """End every worker that this yard started."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.kill()
            worker.wait()

    def _environment(self) -> dict[str, str]:
        clean = {name: os.environ[name] for name in _CLEAN if name in os.environ}
        places = {
            "OMNI_CONFIG_PATH": str(self.secrets / "config.json"),
            "XDG_CACHE_HOME": str(self.folder / ".cache"),
        }
        return clean | places | self.faked
