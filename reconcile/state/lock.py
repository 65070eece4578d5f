"""One apply at a time: a lock that dies with its owner and says who holds it.

`flock` on a file of its own. Not on the state, which is replaced; and not `lockf`, which a process
loses as soon as it closes the file anywhere. Nothing may fork while it is held: the child would
hold it on.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from os import strerror
from pathlib import Path, PurePath
from time import monotonic, sleep
from uuid import uuid4

from msgspec import Struct

from reconcile.errors import Diagnostic, ReconcileError, Severity
from reconcile.model.struct import Count, Instant, replace
from reconcile.render.words import rfc3339
from reconcile.state.codec import MalformedError, decode, encode
from reconcile.state.errors import Named, refusal, told_plainly, warning
from reconcile.state.files import (
    PRIVATE_FILE,
    is_remote,
    locate,
    open_regular,
    read_open,
    write_all,
)

# Who holds a lock, in their own words: they are shown, and nothing is ever decided by them.

_MAX_HOLDER_BYTES = 16 << 10


class Holder(Struct, frozen=True, forbid_unknown_fields=True):
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


def encode_holder(holder: Holder) -> bytes:
    """Encode a holder as one line of JSON."""
    return encode(holder) + b"\n"


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


# Clearing what a run that died left in its lock file.


def unlock(url: str, lock_id: str, *, now: datetime) -> Holder | None:
    """Clear the name of a dead holder, and return it; None if there is no name to clear.

    A local lock is freed by its holder's death, so this never frees one: it only tidies. That of
    a remote state is taken from its holder, who cannot write any more, whether alive or not.
    Raises ReconcileError with exit code 5 while the holder of a local lock lives, and for the id
    of another lock.
    """
    if is_remote(url):
        from reconcile.state.remote import mend  # noqa: PLC0415 - remote states only

        return mend.unlock(url, lock_id, now=now)
    location = locate(url)
    lock = acquire_stale(location.lock, now=now)
    if lock is None or lock.previous is None:
        if lock is not None:
            lock.release()
        return None
    holder = lock.previous
    if holder.id != lock_id:
        lock.let_go()
        raise refusal(
            "lock-id-differs",
            f"The lock that a dead run left in {location.lock} is {holder.id}, not {lock_id}.",
            path=location.lock,
            hint=f"Clear it: reconcile state unlock {holder.id}",
        )
    lock.release()
    return holder


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
        f"{path} could be locked twice at once, so it would not keep another run out.",
        path=path,
        hint="Keep the state on a local disk.",
    )


# What goes wrong between taking the lock and letting it go, as diagnostics.


def lock_held(path: Named, holder: Holder | None, now: datetime) -> ReconcileError:
    """Refuse because somebody holds the lock. `now`: to say for how long, UTC."""
    who = "Another run"
    if holder is not None:
        age_s = max(0, round((now - holder.since).total_seconds()))
        who = (
            f"{holder.command} of {holder.user} on {holder.host} (process {holder.pid}, lock "
            f"{holder.id}, since {rfc3339(holder.since)}, {age_s} s ago)"
        )
    return refusal(
        "lock-held",
        f"{who} holds {path}. Two runs at once would send the same calls twice. The lock is "
        "let go when that run ends, however it ends.",
        path=path,
        hint="Wait for it: --lock-timeout 10m",
    )


def lock_lost(path: Path) -> ReconcileError:
    """Refuse to begin a call that nothing keeps another run from making too."""
    return refusal(
        "lock-lost",
        f"{path} was removed or replaced while this run held it. Another run may have begun, so "
        "no further call is begun.",
        path=path,
    )


def not_recorded(
    path: Named, lines: Sequence[bytes], error: OSError | ReconcileError, *, begins: bool
) -> ReconcileError:
    """Say that entries could not be written down. The lines are in the words, to be kept."""
    if isinstance(error, ReconcileError):
        said = (diagnostic.detail for diagnostic in error.diagnostics)
        why = " ".join(detail.removeprefix(f"{path}: ") for detail in said)
    else:
        why = f"{strerror(error.errno) if error.errno else error}."
    if begins:
        return refusal(
            "intent-not-recorded",
            f"{path}: {why} A call is written down before it is made, or it is not made.",
            path=path,
        )
    words = b"".join(lines).decode().rstrip("\n")
    return refusal(
        "outcome-not-recorded",
        f"{path}: {why} It will count as unknown. These lines did not get into it:\n{words}",
        path=path,
        hint="Keep these lines, and say what happened: reconcile state mark ADDRESS --done",
    )


def state_replaced(path: Named, rescued: Named) -> ReconcileError:
    """Say that somebody else changed the state under this run's lock."""
    return refusal(
        "state-replaced",
        f"{path} is not the file this run read: it was removed or replaced while the lock was "
        f"held. It was left as it is; what this run knows is in {rescued}.",
        path=path,
        hint="If that is right, put it in place: "
        f"reconcile state push --force {PurePath(rescued).name}",
    )


def left_in_journal(path: Named) -> Diagnostic:
    """Warn that the next run will fold in what this one could not."""
    return warning(
        "state-not-saved",
        f"The lock or the journal was lost, so the state file was left alone. What could be "
        f"written down is in {path}.",
        path=path,
    )


def as_warnings(error: ReconcileError) -> tuple[Diagnostic, ...]:
    """Tell of an error that cost nothing: the journal holds what could not be saved."""
    kept = "Nothing is lost: the journal holds it, and the next run folds it in."
    return tuple(
        replace(found, severity=Severity.WARNING, detail=f"{found.detail} {kept}")
        for found in error.diagnostics
    )


def previous_died(path: Named, holder: Holder | None) -> tuple[Diagnostic, ...]:
    """Warn that an earlier run ended without letting the lock go."""
    if holder is None:
        return ()
    return (
        warning(
            "previous-run-died",
            f"{holder.command} of {holder.user} on {holder.host} (process {holder.pid}, since "
            f"{rfc3339(holder.since)}) ended without letting the lock go. What it wrote "
            "down is kept; a call it was making counts as unknown.",
            path=path,
        ),
    )
