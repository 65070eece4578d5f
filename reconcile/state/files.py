"""Local files, opened without following links and replaced without ever being half written."""

import errno
import fcntl
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import strerror
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from reconcile.model.address import misplaced
from reconcile.state.errors import refusal

PRIVATE_FILE, PRIVATE_DIRECTORY = 0o600, 0o700
_TEMPORARY = ".tmp-"

_WORDS = {errno.ELOOP: "it is a symbolic link, and replacing it would leave two states"}
_ADVICE = {
    errno.ELOOP: "Name the file itself instead of a symbolic link to it.",
    errno.ENOSPC: "Free some space on that disk, then run the command again.",
    errno.EDQUOT: "Free some of your quota on that disk, then run the command again.",
}


@contextmanager
def told_plainly(path: Path, doing: str) -> Iterator[None]:
    """Turn an error of the operating system into one message that names the file.

    `doing` completes "could not be ...".
    """
    try:
        yield
    except OSError as error:
        why = strerror(error.errno) if error.errno else str(error)
        raise refusal(
            "state-file-error",
            f"{path} could not be {doing}: {_WORDS.get(error.errno or 0, why)}.",
            path=path,
            hint=_ADVICE.get(error.errno or 0),
        ) from error


def open_regular(path: Path, flags: int) -> int:
    """Open a regular file and nothing else, 0600 if it is created. Raises OSError."""
    # O_NONBLOCK: a FIFO put in the file's place would otherwise hold us for ever.
    safely = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, flags | safely, PRIVATE_FILE)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise refusal(
        "state-not-a-file",
        f"{path} is a directory, a pipe or a device. Only regular files are read and written.",
        path=path,
    )


def create(path: Path, flags: int = os.O_WRONLY) -> int:
    """Create a file that is not there yet, 0600 whatever the umask. Raises OSError."""
    descriptor = open_regular(path, flags | os.O_CREAT | os.O_EXCL)
    os.fchmod(descriptor, PRIVATE_FILE)
    return descriptor


def read_open(descriptor: int, path: Path, limit: int) -> bytes:
    """Read an open file to its end. Raises OSError, ReconcileError past `limit` bytes."""
    size = os.fstat(descriptor).st_size
    if size > limit:
        raise refusal(
            "state-too-large",
            f"{path} is larger than {limit >> 20} MiB, which no state of ours is.",
            path=path,
        )
    pieces = []
    # Asked for at once: one piece is joined without a copy, many would take their memory twice.
    while piece := os.read(descriptor, size + 1):
        pieces.append(piece)
    return b"".join(pieces)


def read_file(path: Path, limit: int) -> bytes | None:
    """Read a whole regular file; None if there is none. Raises ReconcileError."""
    with told_plainly(path, "read"):
        try:
            descriptor = open_regular(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            return read_open(descriptor, path, limit)
        finally:
            os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte, however few the system takes at a time. Raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def flush(descriptor: int) -> None:
    """Wait until what was written is on the disk. Raises OSError; never to be tried again."""
    if sys.platform == "darwin":
        # There fsync leaves the data in the drive's cache.
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def flush_directory(directory: Path) -> None:
    """Wait until the names in a directory are on the disk: a rename is lost without it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, data: bytes, *, previous: Path | None = None) -> None:
    """Put new content in a file's place: after a crash it is the old or the new, whole.

    With `previous`, what was there before stays under that name. Raises ReconcileError.
    """
    with told_plainly(path, "saved"):
        temporary = _write_aside(path, data)
        try:
            if previous is not None:
                _keep(path, previous)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        flush_directory(path.parent)


def ensure_directory(directory: Path) -> None:
    """Make sure of a directory only its owner decides about: 0700 where it is created.

    Raises ReconcileError, also where anybody may put files into it or take them away.
    """
    with told_plainly(directory, "created"):
        missing = [step for step in (directory, *directory.parents) if not step.exists()]
        for step in reversed(missing):
            step.mkdir(PRIVATE_DIRECTORY)
            step.chmod(PRIVATE_DIRECTORY)
            flush_directory(step.parent)
        mode = directory.stat().st_mode
        if not stat.S_ISDIR(mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise refusal(
            "state-directory-open",
            f"{directory} is writable by every user and has no sticky bit, so that any of them "
            "could put another state or lock in place.",
            path=directory,
            hint="Take that right away: chmod o-w on the directory.",
        )


def sweep(path: Path) -> None:
    """Remove the temporary files that writers of `path` left when they were killed."""
    with told_plainly(path.parent, "tidied"):
        for left in path.parent.iterdir():
            if left.name.startswith(f"{path.name}{_TEMPORARY}"):
                left.unlink(missing_ok=True)


def temporary_beside(path: Path) -> Path:
    """Return a name nobody can have guessed; `sweep` knows it again."""
    return path.with_name(f"{path.name}{_TEMPORARY}{os.urandom(16).hex()}")


def identity(path: Path) -> tuple[int, ...] | None:
    """Return what changes when a file is replaced or rewritten; None if there is none."""
    with told_plainly(path, "read"):
        try:
            there = path.lstat()
        except FileNotFoundError:
            return None
    return there.st_dev, there.st_ino, there.st_size, there.st_mtime_ns


def _write_aside(path: Path, data: bytes) -> Path:
    temporary = temporary_beside(path)
    descriptor = create(temporary)
    try:
        write_all(descriptor, data)
        flush(descriptor)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    return temporary


def _keep(path: Path, previous: Path) -> None:
    """Give what is there a second name: it must not be gone for even a moment."""
    link = temporary_beside(path)
    try:
        link.hardlink_to(path)
    except FileNotFoundError:
        return
    except OSError:
        # No hard links on this file system: a copy will do, it only costs more.
        data = read_file(path, sys.maxsize)
        if data is None:
            return
        link = _write_aside(path, data)
    with suppress(FileNotFoundError):
        link.replace(previous)
    # A rename onto another name of the same file does nothing, and leaves both names.
    link.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove a file, if it is there. Raises ReconcileError."""
    with told_plainly(path, "removed"):
        path.unlink(missing_ok=True)


# Where the files of one state lie.

_FORMS = "it is neither a path nor file:///path, s3://, gs://, az:// or postgresql://"
_STORES = ("s3", "gs", "az", "postgresql", "postgres")


class Location(Struct, frozen=True):
    """The files of one state: the state itself, and what lies beside it under its name."""

    state: Path

    @property
    def journal(self) -> Path:
        """Entries that are not in the state yet."""
        return self._beside("journal")

    @property
    def lock(self) -> Path:
        """Locked while an apply runs; names its holder."""
        return self._beside("lock")

    @property
    def previous(self) -> Path:
        """The state as it was saved before."""
        return self._beside("prev")

    @property
    def history(self) -> Path:
        """Entries that were folded into the state, oldest first; the oldest are let go."""
        return self._beside("history")

    @property
    def session(self) -> Path:
        """Marks a session that writes, until all that it wrote is in the state."""
        return self._beside("session")

    @property
    def reserve(self) -> Path:
        """Room given up when the disk is full, so that an outcome can still be written."""
        return self._beside("reserve")

    @property
    def inbox(self) -> Path:
        """Signals that no session has written down yet."""
        return self._beside("inbox")

    @property
    def inbox_lock(self) -> Path:
        """Locked while the inbox is replaced."""
        return self._beside("inbox.lock")

    @property
    def observed(self) -> Path:
        """The last live look at the instance."""
        return self._beside("observed")

    def _beside(self, suffix: str) -> Path:
        return self.state.with_name(f"{self.state.name}.{suffix}")


def is_remote(url: str) -> bool:
    """Tell whether a URL is of a store, and no file's."""
    return url.partition("://")[0] in _STORES and "://" in url


def locate(url: str) -> Location:
    """Find a state by its URL: a path, or `file://` and an absolute one.

    Raises ReconcileError for any other scheme, and for what cannot name a file.
    """
    if not Path(url).is_absolute() and (wrong := misplaced(url)):
        raise _unusable(url, wrong.why, wrong.meant)
    scheme, separator, _ = url.partition("://")
    path = Path(url)
    if separator:
        parts = urlsplit(url)
        path = Path(unquote(parts.path))
        if scheme != "file" or parts.netloc not in {"", "localhost"} or not path.is_absolute():
            raise _unusable(url, _FORMS)
    if "\0" in str(path) or path.name in {"", ".."}:
        raise _unusable(url, "it does not name a file")
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise _unusable(url, "it cannot be spelled in this system's encoding") from None
    return Location(path)


def _unusable(url: str, why: str, hint: str | None = None) -> Exception:
    # A URL of a kind nobody knows may hold a secret, and is not repeated.
    shown = "the URL that was given" if "@" in url or "?" in url else repr(url)
    return refusal(
        "state-url",
        f"State cannot be kept at {shown}: {why}.",
        path="[state] url" if shown != repr(url) else Path(url),
        hint=hint,
    )
