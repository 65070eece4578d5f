"""One apply at a time: a lock that dies with its owner and says who holds it.

`flock` on a file of its own. Not on the state, which is replaced; and not `lockf`, which a process
loses as soon as it closes the file anywhere. Nothing may fork while it is held: the child would
hold it on.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep

from reconcile.model.diagnostic import ReconcileError
from reconcile.state.files import PRIVATE_FILE, open_regular, write_all
from reconcile.state.holder import Holder, encode_holder, holder_in, ourselves, read_holder
from reconcile.state.refusals import refusal, told_plainly
from reconcile.state.session_refusals import lock_held

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
            write_all(self._descriptor, encode_holder(holder))

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
            left_s = timeout_s - (monotonic() - begun)
            if left_s <= 0:
                raise busy(path, now + timedelta(seconds=monotonic() - begun))
            sleep(min(_PAUSE_S, left_s))
        try:
            _refuse_locks_that_do_not_lock(path)
            lock.name(ourselves(command, now + timedelta(seconds=monotonic() - begun)))
        except BaseException:
            lock.release()
            raise
    return lock


@contextmanager
def held(path: Path, *, command: str, now: datetime) -> Iterator[None]:
    """Hold the lock for a moment, without waiting for it: see `acquire`."""
    lock = acquire(path, command=command, now=now, timeout_s=0)
    try:
        yield
    finally:
        lock.release()


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
        raise busy(path, now)
    return lock


def busy(path: Path, now: datetime) -> ReconcileError:
    """Refuse because somebody holds the lock. `now`: to say for how long, UTC."""
    return lock_held(path, read_holder(path), now)


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
        "This file system does not keep locks",
        f"{path} could be locked twice at once, so it would not keep another run out.",
        path=path,
        hint="Keep the state on a local disk.",
    )
