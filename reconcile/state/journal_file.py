"""Appending to the journal: every line is on the disk before anything is done on its strength."""

import errno
import os
from contextlib import suppress
from pathlib import Path

from reconcile.model.diagnostic import ReconcileError
from reconcile.state.files import create, flush, flush_directory, temporary_beside, write_all
from reconcile.state.refusals import refusal, told_plainly

RESERVE_BYTES = 64 << 10
_FULL = {errno.ENOSPC, errno.EDQUOT}


class JournalFile:
    """A new, empty journal in the old one's place, that this process alone appends to.

    After a write or an fsync that failed it takes no more: what of it is on the disk is not
    known any more, and an fsync that is tried again may say yes to data that is gone.
    """

    def __init__(self, path: Path, reserve: Path) -> None:
        self.length = 0
        self._path = path
        self._reserve = reserve
        self._sound = True
        with told_plainly(path, "created"):
            temporary = temporary_beside(path)
            self._descriptor = create(temporary, os.O_WRONLY | os.O_APPEND)
            try:
                # In one step, so that there is always a journal an outcome can go to.
                temporary.replace(path)
                flush_directory(path.parent)
            except BaseException:
                self.close()
                temporary.unlink(missing_ok=True)
                raise

    @property
    def sound(self) -> bool:
        """Whether all that was appended is known to be on the disk."""
        return self._sound

    def append(self, data: bytes, *, may_use_reserve: bool) -> None:
        """Append lines and wait until they are on the disk, once for all of them.

        On a full disk the reserve is given up for them if they may have it; if not, nothing is
        left behind and smaller lines may be tried. Raises OSError, ReconcileError.
        """
        self._check()
        self._sound = False
        try:
            write_all(self._descriptor, data)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            os.ftruncate(self._descriptor, self.length)
            if not may_use_reserve:
                self._sound = True
                raise
            self._reserve.unlink(missing_ok=True)
            write_all(self._descriptor, data)
        flush(self._descriptor)
        self.length += len(data)
        self._sound = True

    def give_up(self) -> None:
        """Take no more lines."""
        self._sound = False

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _check(self) -> None:
        if not self._sound:
            raise self._unusable("an earlier line could not be written to it")
        held = os.fstat(self._descriptor)
        if not held.st_nlink:
            raise self._unusable("it was removed while this run was using it")
        if held.st_size != self.length:
            raise self._unusable("somebody else has written to it")

    def _unusable(self, why: str) -> ReconcileError:
        return refusal(
            "journal-lost",
            "The journal cannot be written any more",
            f"{self._path} takes no more lines from this run: {why}.",
            path=self._path,
        )


def make_reserve(path: Path) -> None:
    """Take room that an outcome can have when the disk is full. Raises ReconcileError.

    It also shows, before anything is sent, that the directory can be written to.
    """
    with told_plainly(path, "written"):
        path.unlink(missing_ok=True)
        descriptor = create(path)
        try:
            # Random, because file systems that compress would make nothing of zeros.
            write_all(descriptor, os.urandom(RESERVE_BYTES))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)


def drop_reserve(path: Path) -> None:
    """Give the room back. One that stays costs 64 KiB, and the next session takes it over."""
    with suppress(OSError):
        path.unlink(missing_ok=True)
