"""Turns on the request budget, for this process and for all of a machine that use one key."""

import asyncio
import fcntl
import os
import re
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path
from random import Random

from msgspec import Struct

from reconcile.errors import Diagnostic, Severity, diagnose
from reconcile.omni.credential import Credential
from reconcile.planning.budget import WINDOW_S, Closure, Pacer, Turn

# What the processes of one machine have sent with one key lately, as the text of a small file.
#
# Instants are seconds of the system's monotonic clock, which all of its processes read alike and no
# correction of the time moves. It starts anew with the machine, so each send also carries the wall
# clock, by which it is dated once the boot is another one.

HEADER = "reconcile-sends-1"
LARGEST_BYTES = 1 << 20
"""More than any budget fills in a minute: a file beyond it is not ours, and is begun anew."""

_LONGEST_CLOSURE_S = 3600.0
_TOKEN = re.compile(r"[0-9a-f-]{1,64}")


class Send(Struct, frozen=True):
    """One request: when it went by both clocks, and a word of its own for each process."""

    turn: Turn
    at_s: float
    wall_s: float
    writer: str


class Moment(Struct, frozen=True):
    """The present by both clocks, and which boot the monotonic one belongs to."""

    at_s: float
    wall_s: float
    boot: str


class Sends(Struct, frozen=True):
    """The content of the file. `closure`: what the latest 429 asked for, None if none is known."""

    sends: tuple[Send, ...] = ()
    closure: Closure | None = None


def encode_sends(sends: Iterable[Send], closure: Closure | None, boot: str) -> bytes:
    """Spell the sends, one a line."""
    closed = f" {closure.until_s!r} {closure.share!r}" if closure else ""
    lines = (f"{s.turn} {s.at_s!r} {s.wall_s!r} {s.writer}\n" for s in sends)
    return f"{HEADER} {boot}{closed}\n{''.join(lines)}".encode()


def decode_sends(data: bytes, now: Moment, span_s: float) -> Sends:
    """Read the sends of the last `span_s` seconds, dated by the present boot's clock.

    Never fails: what a dying machine left half written is passed over. A send that seems to lie in
    the future counts as sent just now, since the clock it was dated by is not to be trusted.
    """
    lines = data.decode("ascii", "replace").splitlines()
    head = lines[0].split() if lines else []
    if len(head) not in {2, 4} or head[0] != HEADER or len(data) > LARGEST_BYTES:
        return Sends()
    same_boot = head[1] == now.boot
    sends = (_send(line.split(), now, same_boot=same_boot) for line in lines[1:])
    recent = (send for send in sends if send is not None and send.at_s > now.at_s - span_s)
    closure = _closure(head[2:], now) if same_boot and len(head) > 2 else None  # noqa: PLR2004
    return Sends(tuple(sorted(recent, key=lambda send: send.at_s)), closure)


def _send(words: list[str], now: Moment, *, same_boot: bool) -> Send | None:
    try:
        turn, at_s, wall_s, writer = words
        sent = Send(Turn(turn), float(at_s), float(wall_s), writer)
    except ValueError:
        return None
    if not (isfinite(sent.at_s) and isfinite(sent.wall_s) and _TOKEN.fullmatch(writer)):
        return None
    if same_boot and sent.at_s <= now.at_s:
        return sent
    age_s = max(0.0, now.wall_s - sent.wall_s)
    return Send(sent.turn, now.at_s - age_s, sent.wall_s, writer)


def _closure(words: list[str], now: Moment) -> Closure | None:
    try:
        closure = Closure(*map(float, words))
    except ValueError:
        return None
    sane = closure.until_s <= now.at_s + _LONGEST_CLOSURE_S and 0 < closure.share <= 1
    return closure if sane else None


# One request budget for all processes of a machine that use one key: a small file under `flock`.
#
# Omni counts requests by key, so two runs that each keep to the budget break it together. The file
# holds no secret. The lock is held for the moment of one turn, and dies with its holder.

_SPAN_S = WINDOW_S + 1.0
_SUFFIX = ".sends"
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
        self.closure: Closure | None = None
        self._own: list[Send] = []
        self._boot = _boot()

    @contextmanager
    def held(self, now_s: float) -> Iterator[Sends | None]:
        """Hold the lock and give what *others* sent; None while another process holds it.

        What was noted until the end of the block is written. Raises OSError.
        """
        descriptor = _open(self._path)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
                return
            read = decode_sends(os.read(descriptor, LARGEST_BYTES + 1), self._now(now_s), _SPAN_S)
            others = tuple(send for send in read.sends if send.writer != self._writer)
            yield Sends(others, read.closure)
            self._own = [send for send in self._own if send.at_s > now_s - _SPAN_S]
            # In place: a replaced file would leave whoever waits for its lock with the old one.
            data = encode_sends((*others, *self._own), self.closure, self._boot)
            os.pwrite(descriptor, data, 0)
            os.ftruncate(descriptor, len(data))
        finally:
            os.close(descriptor)

    def note(self, turn: Turn, now_s: float) -> None:
        """Count a request of this process."""
        self._own.append(Send(turn, now_s, self._wall().timestamp(), self._writer))

    def _now(self, now_s: float) -> Moment:
        return Moment(now_s, self._wall().timestamp(), self._boot)


def find_shared_log(
    credential: Credential, environment: Mapping[str, str], now: datetime
) -> Path | Diagnostic | None:
    """Find the file of a credential in the user's cache directory, or say why it cannot be used.

    None if this user has no home at all: that is a container, and alone in it. The cache directory
    and not the runtime one: a job of cron has no session, and must meet the one that a person runs
    at the prompt.
    """
    cache = _cache(environment)
    if cache is None:
        return None
    try:
        folder = _folder(cache)
        _forget_old(folder, now.timestamp())
        path = folder / f"{credential.fingerprint()}{_SUFFIX}"
        os.close(_open(path))
    except OSError as error:
        return _unshared(error)
    return path


def _unshared(error: OSError) -> Diagnostic:
    """Warn that other runs with this key on this machine are not known of."""
    return diagnose(
        "budget-not-shared",
        "The file in which runs with one key tell each other of their requests cannot be "
        f"used: {error.strerror or error}. This run keeps to the budget by itself; another one at "
        "the same time would not know of it, and Omni might answer 429.",
        hint="export XDG_CACHE_HOME=DIRECTORY, one that only you can write to",
        severity=Severity.WARNING,
    )


def _cache(environment: Mapping[str, str]) -> Path | None:
    cache = Path(environment.get("XDG_CACHE_HOME", ""))
    if not cache.is_absolute():  # the specification: a relative path is to be ignored
        cache = Path(environment.get("HOME", "")) / ".cache"
    return cache if cache.is_absolute() else None


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


def _forget_old(folder: Path, wall_s: float) -> None:
    """Remove the files of credentials that were not used for a day."""
    for path in folder.glob(f"*{_SUFFIX}"):
        with suppress(OSError):
            if path.lstat().st_mtime < wall_s - _FORGOTTEN_AFTER_S:
                path.unlink()


def _boot() -> str:
    """Name this boot; where the system does not, only the wall clock tells boots apart."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip() or "-"
    except (OSError, ValueError):
        return "-"


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
        while True:
            try:
                await waiter.signal
                taken = await self._taken(waiter)
            except asyncio.CancelledError:
                self._withdraw(waiter)
                raise
            if taken:
                break
            waiter.signal = self._loop.create_future()
            self._queues[kind].appendleft(waiter)
            self._woken = None
            self._wake_next()
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

        def take() -> bool:
            if self._due(waiter) > self._loop.time() + _EARLY_S:
                return False
            calls_wait = bool(self._queues[Turn.CALL])
            self._pacer.take(waiter.turn, self._loop.time(), call_waits=calls_wait)
            return True

        return take() if self._sharing is None else await self._sharing.take(waiter.turn, take)

    def _due(self, waiter: _Waiter) -> float:
        now = self._loop.time()
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
        self._history = sorted(history)

    async def take(self, turn: Turn, take: Callable[[], bool]) -> bool:
        """Take a turn if `take` still finds it due once the others' requests are known.

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

    def _noted(self, turn: Turn, take: Callable[[], bool], now: float) -> bool:
        taken = take()
        if taken:
            self._log.note(turn, now)
        return taken

    def _learn(self, sends: Sends, now: float) -> None:
        others = [(send.turn, send.at_s) for send in self._unknown(sends.sends)]
        self._pacer.learn(others, sends.closure, now)
        self._log.closure = self._pacer.closure()

    def _unknown(self, sends: Iterable[Send]) -> Iterable[Send]:
        """Leave out what the journal told of already."""
        told = self._history.copy()
        for send in sends:
            same = next((at for at in told if abs(at - send.at_s) <= _SAME_S), None)
            if same is None:
                yield send
            else:
                told.remove(same)
