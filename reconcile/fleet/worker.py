"""A worker of the fleet: it reconciles one instance a job, exactly as `apply` and `run` would."""

import asyncio
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from math import inf
from pathlib import Path
from time import monotonic
from typing import TypeVar, assert_never

from msgspec import Struct

from reconcile.applying.apply import OmniAccess, Spent, in_thread
from reconcile.applying.ports import Stop, StopCause
from reconcile.config.fleet import Fleet, FleetMember, Seat, load_fleet
from reconcile.config.merge import lock_beside
from reconcile.config.toml import list_files, read_bounded
from reconcile.controller.cycle import (
    SHORTEST,
    Instance,
    Outcome,
    Verdict,
    failed_cycle,
    is_left_alone,
    load_instance,
    reconcile_once,
)
from reconcile.controller.loop import LONGEST_STEP_S, Rhythm, doubled
from reconcile.controller.watch import Sight, file_sight
from reconcile.errors import Diagnostic, LeafError, ReconcileError, mishap
from reconcile.fleet.database import Roster
from reconcile.fleet.text import LONGEST_LATE
from reconcile.model.desired import Desired, OnSignal, WhenChanged
from reconcile.model.plan import Plan
from reconcile.model.reason import Status
from reconcile.omni.credential import Credential, load_credential
from reconcile.omni.limiter import find_shared_log
from reconcile.render.reasons import Account
from reconcile.render.words import Vantage, address_text, counted
from reconcile.state.backend import backend

Result = TypeVar("Result")

_LOCKED_RETRY = timedelta(seconds=5)
GIVEN_WAY = timedelta(minutes=10)
"""For so long a worker leaves an instance to those that have newer files of it."""

_WATCHED_EVERY = timedelta(minutes=1)
"""Nobody tells the fleet that a watched file has changed, or that a person has freed what was held,
so those instances are looked at."""

LONGEST_UNSEEN = timedelta(minutes=15)
"""Nor that somebody has marked an item, so in the end every instance is looked at."""


_FILES_EVERY_S = 5.0
_ALL_EVERY_S = 60.0


class Habitat(Struct, frozen=True, kw_only=True):
    """What a worker is given: its own name, the environment of the process, and a clock (UTC)."""

    name: str
    environment: Mapping[str, str]
    now: Callable[[], datetime]
    threads: ThreadPoolExecutor
    tell: Callable[[Seat, Outcome], None]


class Worker:
    """Finds out which instances are due and reconciles one at a time of each credential."""

    def __init__(self, fleet: Fleet, roster: Roster, habitat: Habitat) -> None:
        self._members: Mapping[str, FleetMember] = {}
        self.take_up(fleet)
        # How long something has lasted is told by a clock that nobody sets.
        self._looked_s = monotonic()
        self._look_within_s = fleet.look_every_s + LONGEST_STEP_S
        self.name = habitat.name
        self._roster = roster
        self._habitat = habitat
        self._contents = Contents()
        self._versions = Versions()
        self._access: dict[str, OmniAccess] = {}
        self._declared = DesiredStates(self._contents)
        self._rhythms: dict[str, Rhythm] = defaultdict(Rhythm)
        self._running: dict[Stop, asyncio.AbstractEventLoop] = {}
        self._stirred_s: dict[Stop, float] = {}
        self._stopping = False
        self._began_at = habitat.now()
        self._seen: Mapping[str, str | None] = {}
        self._agreed: dict[str, str | None] = {}
        self._waiting: dict[str, set[str]] = {}
        self._all_seen_s = self._files_seen_s = -inf

    async def due(self) -> tuple[FleetMember, ...]:
        """Return the instances whose time has come. Raises what the database raises.

        All rows are read now and then only: a database that lost them has everything looked at.
        """
        now, now_s, members = self._habitat.now(), monotonic(), self._members
        if now_s - self._files_seen_s >= _FILES_EVERY_S:
            self._files_seen_s = now_s
            self._seen = await self._in_thread(self._contents_of_all)
        contents = self._seen
        names = {name for name, content in contents.items() if self._agreed.get(name) != content}
        if now_s - self._all_seen_s >= _ALL_EVERY_S:
            self._all_seen_s = now_s
            seats, names = await self._roster.meet(members), set(members)
        else:
            seats = await self._roster.load_due(now, names)
        self._looked_s = monotonic()
        self._agreed |= {name: seat.content for name, seat in seats.items()}
        ours = (
            members[name]
            for name in names | set(seats)
            if name in members
            and not (name in seats and self._is_left(members[name], seats[name], contents, now))
        )
        found = due(ours, seats, contents, now)
        waiting = defaultdict(set)
        for member in found:
            waiting[member.credential].add(member.name)
        self._waiting = waiting
        return found

    async def reconcile(self, name: str) -> None:
        """Reconcile one instance if it is still to be, and record what it came to."""
        member = self._members.get(name)
        seat = await self._roster.load_one(name) or Seat(instance=name)
        if member is None or self._stopping or seat.is_held(self._habitat.now()):
            return
        done = await self._in_thread(lambda: self._once_if_due(member, seat))
        if done is not None:
            came_to, outcome = done
            await self._roster.record(came_to, known=seat.ran_at, whatever=outcome.well)
            self._habitat.tell(came_to, outcome)

    def stop(self) -> None:
        """Let no further call begin; those in flight end as an interrupted apply's do."""
        self._stopping = True
        for stop, loop in list(self._running.items()):
            loop.call_soon_threadsafe(stop.request, StopCause.INTERRUPTED)

    def take_up(self, fleet: Fleet) -> None:
        """Go on with these instances. Runs that have begun go on to their end."""
        self._members = {member.name: member for member in fleet.members}
        self.queue = fleet.queue
        self._files_seen_s = -inf

    def stalled(self) -> str | None:
        """Say what makes no progress: a look for what is due, or runs. None while all do."""
        now_s = monotonic()
        if now_s - self._looked_s > self._look_within_s:
            return "nobody looks for what is due"
        still = sum(now_s - at_s > LONGEST_STEP_S for at_s in list(self._stirred_s.values()))
        return f"{counted(still, 'run')} stand still" if still else None

    async def gets_on(self) -> bool:
        """Tell whether the fleet makes progress: none of our runs hangs, and whoever is due goes.

        Raises what the database raises.
        """
        known, now = await self._roster.load(), self._habitat.now()
        seats = [(it, known.get(it.name, Seat(instance=it.name))) for it in self._members.values()]
        ours = [seat for member, seat in seats if not seat.is_anothers(member, now)]
        return self.stalled() is None and not stands_still(ours, self._began_at, now)

    async def _stir(self, stop: Stop) -> None:
        while True:
            self._stirred_s[stop] = monotonic()
            await asyncio.sleep(1)

    async def _heed(
        self, stop: Stop, member: FleetMember, content: str | None, desired: Desired
    ) -> None:
        """End a run for what is not to wait for its jobs, as `run` ends its cycles."""
        began_s = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(SHORTEST.total_seconds())
            if is_left_alone(self._access[member.credential].spent, began_s):
                continue
            if await in_thread(lambda: self._is_wanted(member, content, desired)):
                stop.request(StopCause.SOMETHING_DUE)

    def _is_wanted(self, member: FleetMember, content: str | None, desired: Desired) -> bool:
        """Tell whether files were edited, a signal came, or another needs the credential."""
        edited = self._contents.of(member.file) not in {None, content}
        if edited or self._waiting.get(member.credential, set()) - {member.name}:
            return True
        with suppress(Exception):  # What is wrong with the state the run itself tells.
            if _watches(desired):
                return bool(backend(desired.state_url).inbox.waiting())
        return False

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._habitat.threads, work)

    def _contents_of_all(self) -> Mapping[str, str | None]:
        return {i.name: self._contents.of(i.file) for i in self._members.values()}

    def _is_left(
        self, member: FleetMember, seat: Seat, contents: Mapping[str, str | None], now: datetime
    ) -> bool:
        """Tell whether to leave an instance to others, who have newer files or another state."""
        older = self._versions.older(seat, contents.get(member.name), now)
        return older or seat.is_anothers(member, now)

    def _once_if_due(self, member: FleetMember, seat: Seat) -> tuple[Seat, Outcome] | None:
        content, name = self._contents.of(member.file), member.name
        if self._is_left(member, seat, {name: content}, self._habitat.now()):
            return None
        # Queued while it ran, or run by hand since: nothing is left to do.
        if not due((member,), {name: seat}, {name: content}, self._habitat.now()):
            return None
        return self._once(member, seat, content)

    def _once(
        self, member: FleetMember, seat: Seat, content: str | None
    ) -> tuple[Seat, Outcome] | None:
        """Make a run. None: its files are being written, and what is queued next finds them."""
        began_at = self._habitat.now()
        try:
            outcome = asyncio.run(self._cycle(member, content, seat))
        except Exception as error:  # noqa: BLE001 -- of one instance; its row and the log tell it
            outcome = failed_cycle(error, began_at, self._habitat.now())
        if outcome is None:
            return None
        failures = _failures(outcome, seat.failures)
        rhythm = self._rhythms[member.name] = self._rhythms[member.name].after(outcome)
        wake_at = wakes_at(outcome, failures, rhythm)
        if outcome.verdict is Verdict.LOCKED and seat.wake_at is not None:
            wake_at = min(wake_at, seat.wake_at)  # It has waited since then, and goes on to.
        return Seat(
            instance=member.name,
            wake_at=wake_at,
            content=content,
            ran_at=outcome.ended_at,
            took_s=(outcome.ended_at - outcome.began_at).total_seconds(),
            failures=failures,
            outcome=outcome.verdict.value,
            trouble=trouble_in(outcome),
            worker=self._habitat.name,
            place=member.place,
        ), outcome

    async def _cycle(self, member: FleetMember, content: str | None, seat: Seat) -> Outcome | None:
        began_at, stop = self._habitat.now(), Stop()
        self._running[stop] = asyncio.get_running_loop()
        tasks = [asyncio.create_task(self._stir(stop))]
        self._stirred_s[stop] = monotonic()
        try:
            instance = Instance(
                file=member.file,
                state_url=member.state_url,
                access=self._access_of(member),  # may take as long as a command of its own
                command=f"reconcile fleet worker {self._habitat.name}",
            )
            desired = self._declared.desired(instance, content)
            if desired is None:
                return None
            tasks.append(asyncio.create_task(self._heed(stop, member, content, desired)))
            if self._stopping:
                stop.request(StopCause.INTERRUPTED)
            sure = is_sure(seat, content, desired, began_at)
            return await reconcile_once(instance, desired=desired, stop=stop, sure=sure)
        finally:
            for task in tasks:
                task.cancel()
            del self._running[stop], self._stirred_s[stop]

    def _access_of(self, member: FleetMember) -> OmniAccess:
        """Return what was found before, unless the credential is another by now.

        The budget is shared with whatever else on this machine uses the key, if it can be. Raises
        ReconcileError.
        """
        now, environment = self._habitat.now(), self._habitat.environment
        credential = named_credential(environment, member.credential)
        known = self._access.get(member.credential)
        if known is not None and known.credential.fingerprint() == credential.fingerprint():
            return known
        sends = find_shared_log(credential, environment, now)
        path = sends if isinstance(sends, Path) else None
        spent = Spent() if known is None else known.spent
        self._access[member.credential] = OmniAccess(credential, spent, path)
        return self._access[member.credential]


class DesiredStates:
    """Keeps desired states between runs, each for as long as its files hold the same."""

    def __init__(self, contents: "Contents") -> None:
        self._contents = contents
        self._kept: dict[str, tuple[tuple[str | None, str], Desired]] = {}

    def desired(self, instance: Instance, content: str | None) -> Desired | None:
        """Return what the files declare, None if they are no more those that `content` is of.

        Those that an item watches are not in that hash. Raises ReconcileError with every mistake.
        """
        file = str(instance.file)
        key = f"{file}\0{instance.state_url}"
        version = content, instance.access.credential.fingerprint()
        kept = self._kept.get(key)
        if kept is not None and kept[0] == version:
            return kept[1]
        self._kept.pop(key, None)
        try:
            desired, _ = load_instance(instance)
        except ReconcileError:
            if content is None or self._contents.are_still(file, content):
                raise
            return None
        if content is None or not self._contents.are_still(file, content):
            return None
        if not any(isinstance(item.timing.cadence, WhenChanged) for item in desired.items):
            self._kept[key] = version, desired
        return desired


def trouble_in(outcome: Outcome) -> str | None:
    """Say what does not go on as declared: of the whole instance, else of its items.

    Those that wait for a person come first. None if all goes on.
    """
    for problem in outcome.problems:
        return f"{problem.summary}: {problem.detail}"
    planned = outcome.plan
    stuck = [] if planned is None else [s for s in planned.standings if s.status in _STUCK]
    stuck.sort(key=lambda standing: _STUCK.index(standing.status))
    if planned is not None and stuck:
        first = stuck[0]
        view = Vantage(first.zone, planned.now, dated=True, kept=True)
        fact, *_ = Account(first.address, view).parts(first.reason)
        more = f"; and {counted(len(stuck) - 1, 'more item')}" if len(stuck) > 1 else ""
        return f"{address_text(first.address)} {_WORDS[first.status]}: {fact}{more}"
    results = () if outcome.summary is None else outcome.summary.results
    if outcome.verdict is Verdict.PARTLY:
        told = (result.message for result in results if result.message)
        return next(told, "Some of its items are not as declared yet.")
    return None


_WORDS = {Status.HELD: "is held", Status.BACKING_OFF: "is tried again later"}
_STUCK = tuple(_WORDS)


def _holds(planned: Plan | None) -> bool:
    return planned is not None and any(s.status is Status.HELD for s in planned.standings)


def _failures(outcome: Outcome, before: int) -> int:
    if outcome.verdict in {Verdict.STOPPED, Verdict.LOCKED}:
        return before  # nothing was wrong with the instance
    return 0 if outcome.well else before + 1


def wakes_at(outcome: Outcome, failures: int, rhythm: Rhythm) -> datetime:
    """Return when an instance is to be looked at again after a run, UTC."""
    now = outcome.ended_at
    match outcome.verdict:
        case Verdict.LOCKED | Verdict.STOPPED:
            return now
        case Verdict.BLOCKED | Verdict.FAILED:
            return retry_at(failures, now)
        case Verdict.IDLE | Verdict.DONE | Verdict.PARTLY:
            # Not at once again and again where a run does not get on, as with a refused token.
            wake_at = rhythm.wake_at(outcome)
            watched = _watches(outcome.desired) or _holds(outcome.plan)
            look_at = now + (_WATCHED_EVERY if watched else LONGEST_UNSEEN)
            return look_at if wake_at is None else min(wake_at, look_at)
        case _ as unreachable:
            assert_never(unreachable)


def _watches(desired: Desired | None) -> bool:
    items = () if desired is None else desired.items
    return any(isinstance(item.timing.cadence, WhenChanged | OnSignal) for item in items)


# The fleet's own file, which may be edited while its workers run.

_LOOK_EVERY_S = 2.0


async def keep_up(
    path: Path,
    again: asyncio.Event,
    take_up: Callable[[Fleet], None],
    refuse: Callable[[tuple[Diagnostic, ...]], None],
    *,
    loaded: object,
    look_every_s: float = _LOOK_EVERY_S,
) -> None:
    """Load a fleet whenever its file has changed and rests again, or `again` is set; for ever.

    What was declared before goes on where the new version is refused. `loaded`: the sight of the
    file just before it was loaded first.
    """
    seen = loaded
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(look_every_s):
                await again.wait()
        before, seen = seen, await asyncio.to_thread(file_sight, path)
        if not again.is_set() and not seen == before != loaded:
            continue
        again.clear()
        loaded = seen
        try:
            fleet = await asyncio.to_thread(load_fleet, path)
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with the new, the old stands
            refuse(mishap(error))
        else:
            take_up(fleet)


# Which instances are to be reconciled now. Pure.

_FIRST_RETRY = timedelta(seconds=30)
_LAST_RETRY = timedelta(minutes=15)


def due(
    members: Iterable[FleetMember],
    seats: Mapping[str, Seat],
    contents: Mapping[str, str | None],
    now: datetime,
) -> tuple[FleetMember, ...]:
    """Return the instances whose time has come, those that wait longest first.

    `contents`: a hash of each instance's files, by its name; None where they cannot be read,
    which is for the run itself to report. Level-triggered: whatever was missed, one run is due.
    """
    found = [
        member
        for member in members
        if _is_due(seats.get(member.name), contents.get(member.name), now)
    ]
    found.sort(key=lambda member: _waiting_since(seats.get(member.name), now))
    return tuple(found)


def stands_still(seats: Iterable[Seat], began_at: datetime, now: datetime) -> bool:
    """Tell whether an instance has waited long and none at all has been reconciled meanwhile.

    `began_at` (UTC): since when those wait that never ran. Many that wait while others are
    reconciled are late, and no standstill.
    """
    seats = [seat for seat in seats if not seat.is_held(now)]
    since = [began_at if seat.ran_at is None else seat.wake_at or now for seat in seats]
    ran = [seat for seat in seats if seat.outcome != Verdict.LOCKED and not seat.is_ahead(now)]
    last = [began_at, *(seat.ran_at for seat in ran if seat.ran_at is not None)]
    return now - min(since, default=now) > LONGEST_LATE and now - max(last) > LONGEST_LATE


def is_sure(seat: Seat, content: str | None, desired: Desired, now: datetime) -> bool:
    """Tell whether what the last run waited for has come, and nothing else may be the matter."""
    if seat.wake_at is None or seat.ran_at is None or _watches(desired):
        return False
    # One that waits for a person, or has waited long, may have been woken to look, and no more.
    looks = seat.trouble is not None or seat.wake_at - seat.ran_at >= LONGEST_UNSEEN
    as_before = seat.failures == 0 and content is not None and content == seat.content
    return seat.wake_at <= now and as_before and not looks


def retry_at(failures: int, now: datetime) -> datetime:
    """Return when an instance whose run failed is tried again: later each time, within limits."""
    return now + doubled(_FIRST_RETRY, failures, _LAST_RETRY)


def _is_due(seat: Seat | None, content: str | None, now: datetime) -> bool:
    if seat is not None and seat.is_held(now):
        return False
    if seat is None or seat.ran_at is None or seat.is_ahead(now):
        return True
    if content is not None and content != seat.content:
        return True
    if seat.outcome == Verdict.LOCKED and abs(now - seat.ran_at) < _LOCKED_RETRY:
        return False
    return seat.wake_at is not None and seat.wake_at <= now


def _waiting_since(seat: Seat | None, now: datetime) -> datetime:
    return now if seat is None or seat.wake_at is None else seat.wake_at


# The credential an instance names: two variables of that name, or else a profile of Omni's CLI.

_UNSPELLABLE = re.compile(r"[^A-Z0-9]")


def named_credential(environment: Mapping[str, str], name: str) -> Credential:
    """Find a credential by name, anew each time: it may have been replaced since.

    `acme-eu` is OMNI_BASE_URL_ACME_EU beside OMNI_API_KEY_ACME_EU, which is how an orchestrator
    hands out secrets, or OMNI_API_KEY_FILE_ACME_EU, whose file may change under a worker, or
    OMNI_API_KEY_COMMAND_ACME_EU, or the profile `acme-eu`. Raises ReconcileError as
    `load_credential` does.
    """
    suffix = _UNSPELLABLE.sub("_", name.upper())
    return load_credential(environment, profile=name, suffix=f"_{suffix}")


# What the files of an instance hold, as one hash: the same on every machine that has the same.


_RESTS_S = 2.0


class Contents:
    """Hashes files again only once they look changed from outside, and rest."""

    def __init__(self, rests_s: float = _RESTS_S) -> None:
        self._rests_s = rests_s
        self._known: dict[str, tuple[Sight, str]] = {}
        self._changed: dict[str, tuple[Sight, float]] = {}

    def of(self, file: str) -> str | None:
        """Return the hash of one desired state; None if its files cannot be read just now.

        Files that are being written change from look to look, and count as they were before. Never
        raises an `Exception`: the run says what is wrong, and the others' go on.
        """
        try:
            paths = _declaring(Path(file))
            sight = tuple(map(file_sight, paths))
            known = self._known.get(file)
            if known is not None and known[0] == sight:
                self._changed.pop(file, None)
                return known[1]
            if known is not None:
                changed, now_s = self._changed.get(file), monotonic()
                if changed is None or changed[0] != sight:
                    changed = self._changed[file] = sight, now_s
                if now_s - changed[1] < self._rests_s:
                    with suppress(LeafError):
                        if _digest(paths) == known[1]:  # Written anew, as some that sync them do.
                            self._known[file] = sight, known[1]
                    return known[1]
            content = _digest(paths)
        except Exception:  # noqa: BLE001 -- as above
            return None
        self._known[file] = sight, content
        return content

    def are_still(self, file: str, content: str) -> bool:
        """Tell whether nobody has touched the files since they were found to hold this."""
        with suppress(Exception):  # What cannot be seen was touched.
            return self._known.get(file) == (
                tuple(map(file_sight, _declaring(Path(file)))),
                content,
            )
        return False


def _digest(paths: Iterable[Path]) -> str:
    digest = sha256()
    for path in paths:
        content = read_bounded(path)
        digest.update(os.fsencode(f"{path.name}\0{len(content)}\0"))
        digest.update(content)
    return digest.hexdigest()


class Versions:
    """Tells whether others reconcile an instance from files that are newer than ours.

    They are if the roster once said ours and says others now: no two workers then take turns in
    undoing each other, which sends anew all that only one of them declares. As nobody can know
    that those with the newer files are still alive, ours are good again after `GIVEN_WAY`.
    """

    def __init__(self) -> None:
        self._ours: dict[str, str] = {}
        self._agreed: set[str] = set()
        self._left_at: dict[str, datetime] = {}

    def older(self, seat: Seat, content: str | None, now: datetime) -> bool:
        """Tell whether to leave an instance to others. `content`: of our files. `now`: UTC."""
        if content is None or seat.content is None:
            return False
        name = seat.instance
        if self._ours.get(name) != content:  # Edited since, or the worker has just begun.
            self._ours[name] = content
            self._agreed.discard(name)
        if content == seat.content:
            self._agreed.add(name)
            self._left_at.pop(name, None)
            return False
        if name not in self._agreed:
            return False
        # A clock that is set back must not make it longer.
        return abs(now - self._left_at.setdefault(name, now)) < GIVEN_WAY


def _declaring(location: Path) -> tuple[Path, ...]:
    """Return the files of a desired state, the lock file among them."""
    paths, lock = list_files(location), lock_beside(location)
    return (*paths, lock) if lock not in paths and lock.exists() else paths
