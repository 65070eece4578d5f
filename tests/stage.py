"""A stage for end-to-end tests: a folder, an Omni server on loopback, and the tool as a process."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

from reconcile.clock import wall_clock
from reconcile.config.load import load_text
from reconcile.sandbox.command import running
from reconcile.sandbox.faults import parse_faults
from reconcile.sandbox.instance import (
    JobDurations,
    Operation,
    Role,
    Settings,
    seeds_of,
)
from tests.canary import CANARY, canary_tokens, traces
from tests.forkserver import forkserver, starts_alike
from tests.logged_world import LoggedExchange, LoggedWorld

SALES = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"
OPS = "7d0cf5f6-36c0-4b3a-8a53-0f0c7a3cf2b1"

_CLEAN = ("PATH", "HOME", "LANG", "SYSTEMROOT", "PYTHONPATH", "PYTHONHASHSEED")
_MOMENT = re.compile(
    r"\b[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2}( \d{4})? |\d{2}:\d{2}(:\d{2})?Z|\b\d+ (s|m|h)\b"
    r"|[0-9a-f]{12}\b|[0-9a-f-]{36}|:\d{5}\b"
)


class Ended(Struct, frozen=True):
    """How one run of the tool ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Stage:
    """One folder with a `reconcile.toml`, and the server it is applied to."""

    folder: Path
    base_url: str
    world: LoggedWorld
    environment: dict[str, str] = field(default_factory=dict)
    haste: float = 50.0
    """Omni's jobs are quick here: how much sooner than every 2 s a run asks for them."""

    def write(self, text: str, name: str = "reconcile.toml") -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "reconcile", *arguments]

    def variables(self, **more: str) -> dict[str, str]:
        clean = {name: os.environ[name] for name in _CLEAN if name in os.environ}
        credential = {"OMNI_BASE_URL": self.base_url, "OMNI_API_KEY": CANARY}
        cache = {"XDG_CACHE_HOME": str(self.folder / ".cache")}
        return clean | credential | cache | self.environment | more

    def run(self, *arguments: str, stdin: str = "", **variables: str) -> Ended:
        """Run the tool to its end: as a fork, unless the interpreter is to start differently."""
        environment = self.variables(**variables)
        if not starts_alike(environment):
            return self.run_from_start(*arguments, stdin=stdin, **variables)
        ran = forkserver().run(self.folder, arguments, environment, stdin=stdin, haste=self.haste)
        return _ended(ran.code, ran.out, ran.err)

    def run_from_start(self, *arguments: str, stdin: str = "", **variables: str) -> Ended:
        """Run the tool to its end, as a process that has nothing imported when it starts."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.variables(**variables),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return _ended(done.returncode, done.stdout, done.stderr)

    def start(
        self, *arguments: str, out: int = subprocess.PIPE, **variables: str
    ) -> subprocess.Popen[str]:
        return self.start_as(self.command(*arguments), out=out, **variables)

    def start_as(
        self, command: Sequence[str], out: int = subprocess.PIPE, **variables: str
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.variables(**variables),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
        )

    def calls(self, operation: Operation | None = None) -> list[LoggedExchange]:
        """List the POSTs that Omni executed, of one kind or of all."""
        return [
            exchange
            for exchange in list(self.world.log)
            if exchange.call.method == "POST"
            and exchange.status < 300
            and operation in {None, exchange.operation}
        ]


Staging = Callable[..., Stage]


@contextmanager
def staging(folder: Path) -> Iterator[Staging]:
    """Write files into a folder, and serve an Omni in which all that they declare exists."""
    with ExitStack() as stack:

        def make(
            text: str,
            *,
            faults: str = "",
            job_s: float = 0.2,
            limit: int = 60,
            role: Role = Role.CONNECTION_ADMIN,
            **more: Any,
        ) -> Stage:
            lasting = timedelta(seconds=job_s)
            settings = Settings(
                requests_per_minute=limit, job_durations=JobDurations(lasting, lasting), **more
            )
            seeds = seeds_of(load_text(text, "reconcile.toml", folder).desired)
            world = LoggedWorld(
                seeds, settings=settings, faults=parse_faults(faults), tokens=canary_tokens(role)
            )
            base_url = stack.enter_context(running(world, clock=wall_clock))
            stage = Stage(folder, base_url, world)
            stage.write(text)
            return stage

        yield make


def _ended(code: int, out: str, err: str) -> Ended:
    assert not traces((out + err).encode()), "the token was shown"
    return Ended(code, out, err)


def without_moments(text: str) -> str:
    """Blank out what differs from run to run."""
    return _MOMENT.sub("…", text)


def models(names: Sequence[str], body: str) -> str:
    """Write one model a name, each with an id of its own and the same items."""
    return "\n".join(
        f'[models.{name}]\nid = "00000000-0000-4000-8000-{number:012d}"\n{body}'
        for number, name in enumerate(names, 1)
    )
