"""One apply at a time: a lock that dies with its owner and says who holds it.

`flock` on a file of its own. Not on the state, which is replaced; and not `lockf`, which a process
loses as soon as it closes the file anywhere. Nothing may fork while it is held: the child would
hold it on.
"""

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from uuid import uuid4

from msgspec import Struct

from reconcile.errors import Diagnostic, ReconcileError
from reconcile.model.desired import DEFAULT_LOCK_TTL_S
from reconcile.model.journal import Began
from reconcile.model.struct import Count, Instant, rfc3339
from reconcile.state.codec import MalformedError, decode, encode
from reconcile.state.errors import Named, refusal, warning
from reconcile.state.files import PRIVATE_FILE, open_regular, read_open, told_plainly, write_all

# Who holds a lock, in their own words: they are shown, and nothing is ever decided by them.

_MAX_HOLDER_BYTES = 16 << 10


class Holder(Struct, frozen=True):
    """One run that takes the lock. `id` is that taking's own; `since` is UTC."""

    id: str
    host: str
    user: str
    pid: Count
    command: str
    since: Instant


def ourselves(command: str, since: datetime) -> Holder:
    """Describe this process, which runs `command` and has the lock since `since` (UTC)."""
    return Holder(
        uuid4().hex[:8],
        os.uname().nodename,
        user_name(),
        os.getpid(),
        command,
        since.replace(microsecond=0),
    )


def read_holder(path: Path) -> Holder | None:
    """Read who holds the lock, or died holding it; None if nobody, or nobody can tell."""
    try:
        descriptor = open_regular(path, os.O_RDONLY)
    except (OSError, ReconcileError):
        return None
    try:
        return holder_in(descriptor, path)
    finally:
        os.close(descriptor)


def holder_in(descriptor: int, path: Path) -> Holder | None:
    """Read the holder from an open lock file; None if there is none, or none that makes sense."""
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        return decode(read_open(descriptor, path, _MAX_HOLDER_BYTES), Holder)
    except (OSError, MalformedError, ReconcileError):
        return None


def user_name() -> str:
    """Name the user this process runs as."""
    import pwd  # noqa: PLC0415 - only a run that takes the lock asks for it

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        # Containers run as users that have no name.
        return str(os.geteuid())


class Wanted(Struct, frozen=True):
    """How a lock is wanted: by which command, for how long a ttl, after how long a wait.

    `began` is written before the first entry of the session, if one comes. `tell`: hears how long a
    lease that is no longer renewed still lasts.
    """

    command: str
    ttl_s: float = DEFAULT_LOCK_TTL_S
    timeout_s: float = 0.0
    began: Began | None = None
    tell: Callable[[str], None] | None = None


_PAUSE_S = 0.02


class Lock:
    """A lock that is held. `previous`: a holder that died without letting go."""

    def __init__(self, path: Path, descriptor: int, previous: Holder | None) -> None:
        self.path = path
        self.previous = previous
        self._descriptor = descriptor

    def still_mine(self) -> bool:
        """Tell whether the lock file is still the one that was locked.

        Somebody who removes it lets the next run in, and the lock we hold protects nothing.
        """
        try:
            return _same_file(self._descriptor, self.path)
        except OSError:
            return False

    def name(self, holder: Holder | None) -> None:
        """Write down who holds the lock; None: nobody. Raises OSError."""
        os.ftruncate(self._descriptor, 0)
        if holder is not None:
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            write_all(self._descriptor, encode(holder) + b"\n")

    def release(self) -> None:
        """Let go. A full disk or a lost lock file is no reason to fail at the very end."""
        with suppress(OSError):
            self.name(None)
        self.let_go()

    def let_go(self) -> None:
        """Let go, and leave the name that stands in the lock file."""
        with suppress(OSError):
            # Closing would do, but for a child that is between its fork and its exec.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        os.close(self._descriptor)


def acquire(path: Path, *, command: str, now: datetime, timeout_s: float) -> Lock:
    """Take the lock, waiting for up to `timeout_s` seconds. `now` is UTC, when waiting begins.

    Raises ReconcileError with exit code 5 that names the holder, and at once for a file system
    whose locks do not exclude anybody.
    """
    begun = monotonic()
    with told_plainly(path, "locked"):
        while (lock := _try(path, create=True)) is None:
            waited_s = monotonic() - begun
            if waited_s >= timeout_s:
                raise lock_held(path, read_holder(path), now + timedelta(seconds=waited_s))
            sleep(min(_PAUSE_S, timeout_s - waited_s))
        try:
            _refuse_locks_that_do_not_lock(path)
            lock.name(ourselves(command, now + timedelta(seconds=monotonic() - begun)))
        except BaseException:
            lock.release()
            raise
    return lock


def acquire_stale(path: Path, *, now: datetime) -> Lock | None:
    """Take the lock of a file that is there, without waiting; None if there is none.

    Raises ReconcileError with exit code 5 while somebody holds it.
    """
    with told_plainly(path, "locked"):
        try:
            lock = _try(path, create=False)
        except FileNotFoundError:
            return None
    if lock is None:
        raise lock_held(path, read_holder(path), now, hint=_NOTHING_TO_CLEAR)
    return lock


def _try(path: Path, *, create: bool) -> Lock | None:
    """Try once. None if somebody holds it, or if it was taken away while we locked it."""
    descriptor = open_regular(path, os.O_RDWR | (os.O_CREAT if create else 0))
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _same_file(descriptor, path):
            os.fchmod(descriptor, PRIVATE_FILE)
            return Lock(path, descriptor, holder_in(descriptor, path))
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _same_file(descriptor: int, path: Path) -> bool:
    held, there = os.fstat(descriptor), path.lstat()
    return (held.st_dev, held.st_ino) == (there.st_dev, there.st_ino)


def _refuse_locks_that_do_not_lock(path: Path) -> None:
    """Lock a second time, which must fail; some network file systems grant it."""
    descriptor = open_regular(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    finally:
        os.close(descriptor)
    raise refusal(
        "lock-unreliable",
        f"{path} could be locked twice at once, so it would not keep another run out.",
        path=path,
        hint="Keep the state on a local disk.",
    )


_WAIT = "Wait for it: --lock-timeout 10m"
_NOTHING_TO_CLEAR = "Let that run end: nothing is left to unlock then."


def lock_held(
    path: Named, holder: Holder | None, now: datetime, *, hint: str = _WAIT
) -> ReconcileError:
    """Refuse because somebody holds the lock. `now`: to say for how long, UTC."""
    who = "Another run"
    if holder is not None:
        age_s = max(0, round((now - holder.since).total_seconds()))
        who = who_holds(holder, f"lock {holder.id}, ", f", {age_s} s ago")
    return refusal(
        "lock-held",
        f"{who} holds {path}. Two runs at once would send the same calls twice. The lock is "
        "let go when that run ends, however it ends.",
        path=path,
        hint=hint,
    )


def who_holds(holder: Holder, lock: str = "", age: str = "") -> str:
    """Name a run by what its lock says of it."""
    since = f"{lock}since {rfc3339(holder.since)}{age}"
    return f"{holder.command} of {holder.user} on {holder.host} (process {holder.pid}, {since})"


def previous_died(path: Named, holder: Holder | None) -> tuple[Diagnostic, ...]:
    """Warn that an earlier run ended without letting the lock go."""
    if holder is None:
        return ()
    return (
        warning(
            "previous-run-died",
            f"{who_holds(holder)} ended without letting the lock go. What it wrote "
            "down is kept; a call it was making counts as unknown.",
            path=path,
        ),
    )
