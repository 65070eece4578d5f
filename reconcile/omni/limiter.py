"""Turns on the request budget, for this process and for all of a machine that use one key."""

import asyncio
import fcntl
import os
import re
import stat
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from math import isfinite
from pathlib import Path
from random import Random

from msgspec import Struct

from reconcile.errors import Diagnostic, Severity, diagnose
from reconcile.omni.credential import Credential
from reconcile.planning.budget import WINDOW_S, Closure, Pacer, Turn

# What the processes of one machine have sent with one key lately, as the lines of a small file.
#
# Instants are seconds of the system's monotonic clock, which all of its processes read alike and no
# correction of the time moves. It starts anew with the machine, so each send also carries the wall
# clock, by which it is dated once the boot is another one.

LARGEST_BYTES = 8 << 20
"""More than any budget fills in two minutes: a file beyond it is not ours, and is begun anew."""

_LONGEST_CLOSURE_S = 3600.0
_TOKEN = re.compile(r"[0-9a-f-]{1,64}")
_CLOSED = "closed"


class Send(Struct, frozen=True):
    """One request: when it was due and when it went, and when that was by the wall clock.

    `writer`, `number`: a word of its own for each process, and how many it had sent by then.
    """

    turn: Turn
    due_s: float
    at_s: float
    wall_s: float
    writer: str
    number: int


class Moment(Struct, frozen=True):
    """The present by both clocks, and which boot the monotonic one belongs to."""

    at_s: float
    wall_s: float
    boot: str


class Sends(Struct, frozen=True):
    """What lines of the file tell. `closure`: what a 429 asked for, None if they tell of none."""

    sends: Sequence[Send] = ()
    closure: Closure | None = None


def encode_sends(sends: Iterable[Send], closure: Closure | None) -> bytes:
    """Spell the sends and the latest 429, one a line."""
    lines = [f"{s.turn} {s.due_s!r} {s.at_s!r} {s.wall_s!r} {s.writer} {s.number}\n" for s in sends]
    if closure is not None:
        lines.append(f"{_CLOSED} {closure.until_s!r} {closure.share!r}\n")
    return "".join(lines).encode()


def decode_sends(data: bytes, now: Moment, boot: str) -> Sends:
    """Read lines of that boot, and date them by the present one's clock.

    Never fails: what a dying machine left half written is passed over. A send that seems to lie in
    the future counts as sent just now, since the clock it was dated by is not to be trusted.
    """
    same_boot = boot == now.boot
    sends, closure = list[Send](), None
    for line in data.decode("ascii", "replace").split("\n"):
        words = line.split()
        with suppress(ValueError):
            if words[:1] != [_CLOSED]:
                sends.append(_send(words, now, same_boot=same_boot))
            elif same_boot:
                until_s, share = map(float, words[1:])
                if until_s <= now.at_s + _LONGEST_CLOSURE_S and 0 < share <= 1:
                    closure = Closure(until_s, share)
    return Sends(sends, closure)


def _send(words: list[str], now: Moment, *, same_boot: bool) -> Send:
    """Read one line. Raises ValueError for anything else than a send."""
    turn, due, at, wall, writer, number = words
    due_s, at_s, wall_s = float(due), float(at), float(wall)
    if not (isfinite(due_s) and isfinite(at_s) and isfinite(wall_s) and _TOKEN.fullmatch(writer)):
        raise ValueError(words)
    if not same_boot or at_s > now.at_s:
        at_s = now.at_s - max(0.0, now.wall_s - wall_s)
    return Send(Turn(turn), min(due_s, at_s), at_s, wall_s, writer, int(number))


# One request budget for all processes of a machine that use one key: a small file under `flock`.
#
# Omni counts requests by key, so two runs that each keep to the budget break it together. The file
# holds no secret. The lock is held for the moment of one turn, and dies with its holder. A turn
# reads what was appended since the last one and appends a line; once the file is twice as long as
# what it was begun with, it is begun anew with what still counts. The first line names the boot
# and the beginning, so that everybody notices.

_SPAN_S = WINDOW_S + 1.0
_SUFFIX = ".2.sends"
_NAME = "reconcile-sends-2"
_HEAD = re.compile(rb"reconcile-sends-2 ([0-9a-f-]{1,64}) [0-9a-f]{8}\n")
_FORGOTTEN_AFTER_S = 86_400.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_OPEN = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class SharedLog:
    """What this process and others sent lately. `now_s` is always the monotonic clock's second.

    `wall` gives the present instant, UTC. `closure`: what is to be written of the latest 429.
    """

    def __init__(self, path: Path, *, wall: Callable[[], datetime]) -> None:
        self._path = path
        self._wall = wall
        self._writer = os.urandom(4).hex()
        self._number = 0
        self._boot = _boot()
        self.closure: Closure | None = None
        self._told: Closure | None = None
        self._known: dict[tuple[str, int], Send] = {}
        self._noted: list[Send] = []
        # Of the file: its first line, up to where it was read, and whether it can be appended to.
        self._head, self._end, self._lines, self._most_lines, self._sound = b"", 0, 0, 0, False

    @contextmanager
    def held(self, now_s: float) -> Iterator[Sends | None]:
        """Hold the lock and give what *others* sent and was not given before.

        None while another process holds it. What was noted until the end of the block is written,
        unless the disk is full. Raises OSError.
        """
        descriptor = _open(self._path)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
                return
            yield self._read(descriptor, Moment(now_s, self._wall().timestamp(), self._boot))
            with suppress(OSError):
                self._write(descriptor, now_s)
        finally:
            os.close(descriptor)

    def note(self, turn: Turn, due_s: float, now_s: float) -> None:
        """Count a request of this process."""
        self._number += 1
        wall_s = self._wall().timestamp()
        self._noted.append(Send(turn, due_s, now_s, wall_s, self._writer, self._number))

    def _read(self, descriptor: int, now: Moment) -> Sends:
        size = os.fstat(descriptor).st_size
        head = os.pread(descriptor, len(self._head), 0)
        if not self._head or head != self._head or size < self._end:
            return self._read_anew(descriptor, size, now)
        if size == self._end:
            return Sends()
        data = os.pread(descriptor, size - self._end, self._end)
        self._sound = data.endswith(b"\n")
        return self._learned(decode_sends(data, now, self._boot), size, now)

    def _read_anew(self, descriptor: int, size: int, now: Moment) -> Sends:
        """Read a file that somebody began anew, or that is none of ours."""
        data = os.pread(descriptor, size, 0) if size <= LARGEST_BYTES else b""
        head = _HEAD.match(data)
        if head is None:
            self._sound = False
            return Sends()
        self._forget(now.at_s)
        known = set(self._known)
        self._head, self._lines, self._told = head[0], 0, None
        boot = head[1].decode()
        read = decode_sends(data[head.end() :], now, boot)
        learned = self._learned(read, size, now)
        # Whoever begins it anew writes what he knows: what is not in it was lost.
        whole = known <= {_key(send) for send in read.sends}
        self._sound = data.endswith(b"\n") and boot == self._boot and whole
        self._most_lines = 2 * len(self._known)
        return learned

    def _learned(self, read: Sends, size: int, now: Moment) -> Sends:
        self._end, self._lines = size, self._lines + len(read.sends)
        self._told = read.closure or self._told
        recent = [send for send in read.sends if send.at_s > now.at_s - _SPAN_S]
        new = [send for send in recent if _key(send) not in self._known]
        self._known.update((_key(send), send) for send in new)
        return Sends(new, read.closure)

    def _write(self, descriptor: int, now_s: float) -> None:
        new, self._noted = self._noted, []
        self._known.update((_key(send), send) for send in new)
        self._lines += len(new)
        if self._sound and self._lines <= self._most_lines:
            begin = self._end
            data = encode_sends(new, None if self.closure == self._told else self.closure)
        else:
            # In place: a replaced file would leave whoever waits for its lock with the old one.
            # Of one that is cut off half way the rest is old lines, which are known as such.
            self._forget(now_s)
            begin, self._head = 0, f"{_NAME} {self._boot} {os.urandom(4).hex()}\n".encode()
            data = self._head + encode_sends(self._known.values(), self.closure)
            self._lines, self._most_lines = len(self._known), 2 * len(self._known)
        self._sound, self._told, self._end = True, self.closure, begin + len(data)
        os.pwrite(descriptor, data, begin)
        os.ftruncate(descriptor, self._end)

    def _forget(self, now_s: float) -> None:
        recent = (send for send in self._known.values() if send.at_s > now_s - _SPAN_S)
        self._known = {_key(send): send for send in recent}


def _key(send: Send) -> tuple[str, int]:
    return send.writer, send.number


def find_shared_log(
    credential: Credential, environment: Mapping[str, str], now: datetime
) -> Path | Diagnostic | None:
    """Find the file of a credential in the user's cache directory, or say why it cannot be used.

    None if this user has no home at all: that is a container, and alone in it. The cache directory
    and not the runtime one: a job of cron has no session, and must meet the one that a person runs
    at the prompt.
    """
    cache = Path(environment.get("XDG_CACHE_HOME", ""))
    if not cache.is_absolute():  # the specification: a relative path is to be ignored
        cache = Path(environment.get("HOME", "")) / ".cache"
    if not cache.is_absolute():
        return None
    try:
        folder = _folder(cache)
        _sweep(folder, now.replace(minute=0, second=0, microsecond=0))
        path = folder / f"{credential.fingerprint()}{_SUFFIX}"
        os.close(_open(path))
    except OSError as error:
        return diagnose(
            "budget-not-shared",
            "The file in which runs with one key tell each other of their requests cannot be "
            f"used: {error.strerror or error}. This run keeps to the budget by itself; another one "
            "at the same time would not know of it, and Omni might answer 429.",
            hint="export XDG_CACHE_HOME=DIRECTORY, one that only you can write to",
            severity=Severity.WARNING,
        )
    return path


@lru_cache(maxsize=1)
def _sweep(folder: Path, hour: datetime) -> None:
    """Remove what was forgotten; once an hour, since a fleet asks for each of thousands."""
    for old in folder.glob("*.sends"):
        with suppress(OSError):
            if old.lstat().st_mtime < hour.timestamp() - _FORGOTTEN_AFTER_S:
                old.unlink()


def _folder(cache: Path) -> Path:
    """Make the directory. Raises OSError if somebody else could write into it."""
    folder = cache / "reconcile"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise OSError("its directory is not this user's alone")
    return folder


def _open(path: Path) -> int:
    descriptor = os.open(path, _OPEN, 0o600)
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1:
        return descriptor
    os.close(descriptor)
    raise OSError("the file is not an ordinary one of this user")


@cache
def _boot() -> str:
    """Name this boot; where the system does not, only the wall clock tells boots apart."""
    try:
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return "-"
    return boot if _TOKEN.fullmatch(boot) else "-"


# Waits for turns on asyncio: the pacer says when, this room keeps the queues.

_SHORTEST_PENALTY_S = 5.0
_JITTER_S = 1.0

# A timer may fire a rounding error early; the pacer's guard is half a million times as long.
_EARLY_S = 1e-6


class BudgetUse(Struct, frozen=True):
    """The request budget as it stands: requests in the last 60 s, the present limit, the queue."""

    used: int
    limit: int
    waiting: int


@dataclass(slots=True, eq=False)
class _Waiter:
    turn: Turn
    since: float
    signal: asyncio.Future[None]


class PacedLimiter:
    """At most `requests_per_minute` turns in any 60 s, calls before polls. Make it inside a loop.

    `history`: how many seconds ago earlier processes made the calls of the last minute. `shared`:
    where processes that use the same key tell each other. `random` spreads the waits after a 429.
    Time is the loop's own monotonic clock.
    """

    def __init__(
        self,
        requests_per_minute: int,
        *,
        random: Random,
        history: Iterable[float] = (),
        shared: SharedLog | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        history = [now - max(0.0, age) for age in history]
        self._pacer = Pacer(requests_per_minute, history=history)
        self._sharing = None if shared is None else SharedPacing(shared, self._pacer, history)
        self._random = random
        self._queues: dict[Turn, deque[_Waiter]] = {turn: deque() for turn in Turn}
        self._woken: _Waiter | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def turn(self, kind: Turn) -> None:
        """Return when a request of this kind may be sent right now; counts it at that moment.

        A caller that is cancelled while it waits leaves nothing behind.
        """
        waiter = _Waiter(kind, self._loop.time(), self._loop.create_future())
        self._queues[kind].append(waiter)
        self._wake_next()
        try:
            await waiter.signal
            while not await self._taken(waiter):
                waiter.signal = self._loop.create_future()
                self._queues[kind].appendleft(waiter)
                self._woken = None
                self._wake_next()
                await waiter.signal
        finally:
            self._withdraw(waiter)

    def penalise(self, retry_after_s: float | None) -> float:
        """After a 429: send nothing for a while, then at half the rate, growing back slowly.

        Without a Retry-After the wait is drawn from a range that doubles with every halving
        (Omni names no figure: omni-api.md 1.5 [live]). Returns for how many seconds nothing goes.
        """
        now = self._loop.time()
        if retry_after_s is None:
            ceiling_s = min(WINDOW_S, _SHORTEST_PENALTY_S / self._pacer.share(now))
            wait_s = _SHORTEST_PENALTY_S + self._random.uniform(0, ceiling_s)
        else:
            wait_s = retry_after_s + self._random.uniform(0, _JITTER_S)
        self._pacer.close(now, wait_s)
        if self._sharing is not None:
            self._sharing.tell_closure()
        self._wake_next()
        return wait_s

    def snapshot(self) -> BudgetUse:
        """Return the budget as it stands now."""
        now = self._loop.time()
        waiting = sum(len(queue) for queue in self._queues.values())
        return BudgetUse(self._pacer.used(now), self._pacer.limit(now), waiting)

    def _wake_next(self) -> None:
        """Wake the waiter whose turn it is, or set the timer for when it will be.

        One at a time: the next is chosen once that one has taken its turn.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        calls, polls = self._queues[Turn.CALL], self._queues[Turn.POLL]
        if self._woken is not None or not (calls or polls):
            return
        now = self._loop.time()
        poll_since = polls[0].since if polls else None
        turn, at = self._pacer.next_turn(now, call_waits=bool(calls), poll_since=poll_since)
        if at > now + _EARLY_S:
            self._timer = self._loop.call_at(at, self._wake_next)
            return
        self._woken = self._queues[turn].popleft()
        if not self._woken.signal.done():  # done: cancelled, and about to withdraw by itself
            self._woken.signal.set_result(None)

    def _withdraw(self, waiter: _Waiter) -> None:
        """Take a waiter out, whether it was woken already or not, and go on with the others."""
        if self._woken is waiter:
            self._woken = None
        else:
            self._queues[waiter.turn].remove(waiter)
        self._wake_next()

    async def _taken(self, waiter: _Waiter) -> bool:
        """Count the turn, unless a penalty or another process came between the signal and now.

        Counted by the one who goes, not by the timer: a busy loop may resume it late.
        """

        def take() -> float | None:
            now = self._loop.time()
            if self._due(waiter, now) > now + _EARLY_S:
                return None
            calls_wait = bool(self._queues[Turn.CALL])
            return self._pacer.take(waiter.turn, now, call_waits=calls_wait)

        if self._sharing is None:
            return take() is not None
        return await self._sharing.take(waiter.turn, take)

    def _due(self, waiter: _Waiter, now: float) -> float:
        if waiter.turn is Turn.CALL:
            return self._pacer.call_due(now)
        calls_wait = bool(self._queues[Turn.CALL])
        return self._pacer.poll_due(now, since=waiter.since, call_waits=calls_wait)


# Taking turns with other processes: what they sent is learned and a turn noted in one lock.

_PAUSES_S = (0.001, 0.002, 0.005, 0.01, 0.02, *[0.05] * 40)
"""Two seconds: a lock held for longer belongs to a process that was stopped in its very moment."""

_SAME_S = 0.1
"""A call is journalled at once when its turn is taken; within this, both speak of one request."""


class SharedPacing:
    """Keeps a pacer and a shared log in step.

    `history`: instants of the loop's clock at which earlier processes made calls, by the journal.
    The pacer counts them already, and the log may hold them as well.
    """

    def __init__(self, log: SharedLog, pacer: Pacer, history: Iterable[float]) -> None:
        self._log = log
        self._pacer = pacer
        self._told = sorted(history)

    async def take(self, turn: Turn, take: Callable[[], float | None]) -> bool:
        """Take a turn if `take` still finds it due once the others' requests are known.

        `take` returns when it was due, or None if it is not yet.

        Where the file fails, or its lock stays taken, the pacer's own knowledge has to do.
        """
        with suppress(OSError):
            for pause_s in _PAUSES_S:
                now = asyncio.get_running_loop().time()
                with self._log.held(now) as sends:
                    if sends is not None:
                        self._learn(sends, now)
                        return self._noted(turn, take, now)
                await asyncio.sleep(pause_s)
        return self._noted(turn, take, asyncio.get_running_loop().time())

    def tell_closure(self) -> None:
        """Let the others know of a 429, unless the log is busy: then the next turn tells."""
        now = asyncio.get_running_loop().time()
        with suppress(OSError), self._log.held(now) as sends:
            if sends is not None:
                self._learn(sends, now)

    def _noted(self, turn: Turn, take: Callable[[], float | None], now: float) -> bool:
        due = take()
        if due is not None:
            self._log.note(turn, due, now)
        return due is not None

    def _learn(self, sends: Sends, now: float) -> None:
        others = [(s.turn, s.due_s, s.at_s) for s in sends.sends if not self._is_told(s)]
        self._pacer.learn(others, sends.closure, now)
        self._log.closure = self._pacer.closure()

    def _is_told(self, send: Send) -> bool:
        """Tell whether the journal told of it already, which tells of each once."""
        place = bisect_left(self._told, send.at_s - _SAME_S)
        if place == len(self._told) or self._told[place] > send.at_s + _SAME_S:
            return False
        del self._told[place]
        return True
