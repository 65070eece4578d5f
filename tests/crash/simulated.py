"""A world without a network, a disk or a clock of its own, in which runs can be killed anywhere.

The planner, the executor, the journal's lines and the state's encoding are the real ones.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

from reconcile.applying.execute import execute
from reconcile.applying.ports import Ports, Stop, StopCause
from reconcile.model.desired import Desired
from reconcile.model.journal import Accepted, Done, Failed, Intent, NotSent, Rejected
from reconcile.model.recorded import Coverage, Recorded
from reconcile.omni.http import model_of
from reconcile.omni.limiter import PacedLimiter
from reconcile.planning.plan import plan
from reconcile.planning.replay import Fold, replay
from reconcile.sandbox.instance import JobDurations, Settings, seeds_of
from reconcile.sandbox.world import World
from reconcile.simulation.virtual import run_in_virtual_time
from reconcile.state.codec import decode_state, encode_state
from tests.crash.lossy_omni import TRAVEL_S, Fate, Omni
from tests.crash.runs import Files, Killed, Knife, Ledger, Run
from tests.planning.making import NOON
from tests.state.acts import dice

HOST = "https://simulated.invalid"
UNSEEN_AFTER = timedelta(days=1)


class Play:
    """One state, one Omni, and the runs that meet there. All that must hold is checked here."""

    def __init__(self, desired: Desired, seed: int) -> None:
        self.desired = desired
        self.files = Files()
        self.now = NOON
        self.fates: deque[Fate] = deque()
        lasting = JobDurations(timedelta(seconds=5), timedelta(seconds=120))
        settings = Settings(requests_per_minute=None, job_durations=lasting, seed=seed)
        self.world = World(seeds_of(desired), settings=settings)
        self.executed: Counter[str] = Counter()
        self.operations = count(1)
        self.locked = False
        self.seed = seed

    def pass_time(self, span: timedelta) -> None:
        self.now += span

    def runs(self, *runs: Run) -> None:
        """Let runs begin, each when it does; one that finds the lock taken ends at once."""
        began = self.now

        async def all_of_them() -> float:
            await asyncio.gather(*(self._run(run, began) for run in runs))
            await asyncio.sleep(2 * TRAVEL_S)
            return asyncio.get_running_loop().time()

        self.now = began + timedelta(seconds=run_in_virtual_time(all_of_them()))

    async def _run(self, run: Run, began: datetime) -> None:
        await asyncio.sleep(run.delay_s)
        if self.locked:
            return
        self.locked = True
        loop = asyncio.get_running_loop()

        def now() -> datetime:
            return began + timedelta(microseconds=round(loop.time() * 1e6))

        try:
            await self._apply(
                run, Omni(self.world, Knife(run.killed_at), now, self.fates, self._newest_intent)
            )
        except Killed:
            pass
        finally:
            self.locked = False

    async def _apply(self, run: Run, omni: Omni) -> None:
        recorded, now = self.files.load(), omni.now
        planned = plan(self.desired, recorded, now())
        base = decode_state(self.files.state).serial
        ledger, stop = Ledger(self.files, omni.knife, recorded, base), Stop()
        if run.stopped_after_s is not None:
            asyncio.get_running_loop().call_later(
                run.stopped_after_s, stop.request, StopCause.INTERRUPTED
            )
        ports = Ports(
            omni=omni,
            ledger=ledger,
            limiter=PacedLimiter(600, random=dice(self.seed)),
            now=now,
            report=lambda _: None,
            new_operation=lambda: f"operation-{next(self.operations)}",
            host=HOST,
        )
        await execute(planned, ports, stop)
        omni.knife.step()
        self.files.save(ledger.recorded)

    def _newest_intent(self) -> Callable[[datetime], None]:
        """Take the intent of the call that is being made: its line is the newest."""
        newest = self.files.past[-1].entry
        assert isinstance(newest, Intent), "a call without an intent"
        return lambda now: self._begins(newest, now)

    def _begins(self, intent: Intent, now: datetime) -> None:
        """Check what must hold at the instant a call reaches Omni."""
        self.executed[intent.operation] += 1
        settled = self._settled(now, but=intent.operation)
        for coverage in intent.covers:
            key = coverage.address, coverage.slot
            assert key not in settled, f"{key} was acknowledged, and is sent again"
        known = {e.entry.job_id for e in self.files.past if isinstance(e.entry, Accepted)}
        if intent.kind == "refresh":
            connection = self.world.instance.models[model_of(intent.request.path)].connection_id
            for job in self.world.instance.jobs.values():
                beside = job.connection_id == connection and job.running(now) and job.id in known
                assert not beside, f"{intent.covers} beside a job that runs"

    def _settled(self, now: datetime, but: str) -> set[tuple[str, datetime | None]]:
        """List what acknowledged calls cover that did not fail, calls in flight left out.

        And without those whose end nobody had seen a day after they were begun.
        """
        covers: dict[str, tuple[Coverage, ...]] = {}
        settled: dict[str, tuple[Coverage, ...]] = {}
        ended = {e.entry.operation for e in self.files.past if isinstance(e.entry, Done)}
        for numbered in self.files.past:
            match numbered.entry:
                case Intent(operation=operation) as intent if operation != but:
                    unseen = operation not in ended and now - intent.at >= UNSEEN_AFTER
                    covers[operation] = () if unseen else intent.covers
                case Accepted(operation=operation) if operation != but:
                    settled[operation] = covers[operation]
                case Failed(operation=operation):
                    settled.pop(operation, None)
                case _:
                    pass
        return {(c.address, c.slot) for covered in settled.values() for c in covered}

    def check(self) -> None:
        """Check what must hold between runs."""
        assert all(times == 1 for times in self.executed.values())
        excused = {
            entry.entry.operation
            for entry in self.files.past
            if isinstance(entry.entry, NotSent | Rejected)
        }
        assert not excused & self.executed.keys(), "a call that was made counts as not made"
        loaded = self.files.load()
        assert loaded.sequence == len(self.files.past)
        assert replay(Recorded(lineage="one"), self.files.past).items == loaded.items

    def check_every_prefix(self) -> None:
        """Check that whatever was on the disk at any instant makes a state, and saves as one."""
        fold = Fold(Recorded(lineage="one"), {})
        for numbered in self.files.past:
            fold.add(numbered)
        past = self.files.past
        for length in range(0, len(past), 1 + len(past) // 20):
            state = replay(Recorded(lineage="one"), past[:length])
            assert decode_state(encode_state(state)) == state
