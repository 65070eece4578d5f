"""Where applies are killed: folders with work to do, and an Omni that outlives every run."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from reconcile.clock import wall_clock
from reconcile.config.load import load_text
from reconcile.sandbox.command import running
from reconcile.sandbox.faults import Faults
from reconcile.sandbox.instance import ArrivedCall, JobDurations, SandboxReply, Settings, seeds_of
from tests.canary import CANARY, canary_tokens
from tests.crash.evidence import Evidence
from tests.logged_world import LoggedWorld
from tests.stage import models

PER_MINUTE = 10_000
AT_ONCE, LATER = timedelta(), timedelta(milliseconds=40)


def work(calls: int) -> str:
    """Declare as many refreshes as resets; some of these wait for the refresh of their model."""
    names = [f"m{number:02}" for number in range(calls // 2)]
    parts = [f"[omni]\nrequests_per_minute = {PER_MINUTE}\n"]
    parts.append(models(names, 'refresh = { every = "6h" }'))
    for number, name in enumerate(names):
        after = f'\nafter = "models.{name}.refresh"' if number % 3 == 0 else ""
        parts.append(f'[models.{name}.cache.daily]\nevery = "6h"{after}')
    return "\n".join(parts)


@dataclass
class Yard:
    """A server whose world can be changed for a new one, and how to reach it."""

    base_url: str = ""
    world: LoggedWorld | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def answer(self, call: ArrivedCall, now: datetime) -> SandboxReply:
        assert self.world is not None
        return self.world.answer(call, now)

    def lay_out(
        self, folder: Path, text: str, *, job: timedelta = AT_ONCE, faults: Faults | None = None
    ) -> Evidence:
        """Write a file into a folder of its own, and make a new Omni for it."""
        folder.mkdir(parents=True)
        (folder / "reconcile.toml").write_text(text)
        seeds = seeds_of(load_text(text, "reconcile.toml", folder).desired)
        settings = Settings(
            requests_per_minute=PER_MINUTE, job_durations=JobDurations(AT_ONCE, job)
        )
        self.world = LoggedWorld(seeds, settings=settings, faults=faults, tokens=canary_tokens())
        return Evidence(folder / "reconcile.state.json")

    def sent(self) -> Counter[str]:
        """Count the calls that Omni executed, by path."""
        assert self.world is not None
        log = list(self.world.log)
        return Counter(x.call.path for x in log if x.call.method == "POST" and x.status == 200)


@contextmanager
def opened() -> Iterator[Yard]:
    """Serve for as long as the block runs."""
    yard = Yard()
    with running(yard, clock=wall_clock) as base_url:
        yard.base_url = base_url
        yard.environment = {
            "PATH": "/usr/bin:/bin",
            "OMNI_BASE_URL": base_url,
            "OMNI_API_KEY": CANARY,
        }
        yield yard
