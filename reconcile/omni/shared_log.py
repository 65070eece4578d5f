"""One request budget for all processes of a machine that use one key: a small file under `flock`.

Omni counts requests by key, so two runs that each keep to the budget break it together. The file
holds no secret. The lock is held for the moment of one turn, and dies with its holder.
"""

import fcntl
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from reconcile.model.diagnostic import Diagnostic, Severity
from reconcile.omni.credential import Credential
from reconcile.omni.sends import LARGEST_BYTES, Moment, Send, Sends, decode_sends, encode_sends
from reconcile.planning.budget import WINDOW_S, Closure, Turn

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
    return Diagnostic(
        code="budget-not-shared",
        summary="The request budget is not shared with other runs on this machine",
        detail="The file in which runs with one key tell each other of their requests cannot be "
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
