"""Puts a file in place that others read too: the old content or the new, never half of one."""

import os
from pathlib import Path
from uuid import uuid4

_NEW_FILE = 0o666


def replace_content(path: Path, content: bytes) -> None:
    """Replace a file's content; it keeps its mode, and a link to it still leads to it.

    A new file gets the mode that the umask leaves. Raises OSError, and then nothing has changed.
    """
    place = path.resolve()
    # Hidden and with another ending: collectors and loaders of the directory must not see it.
    aside = place.with_name(f".{place.name}.tmp-{uuid4().hex}")
    try:
        mode = place.stat().st_mode & 0o7777
    except FileNotFoundError:
        mode = None
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _NEW_FILE)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if mode is not None:
                os.fchmod(stream.fileno(), mode)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(place)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def create_file(path: Path, content: bytes) -> None:
    """Create a file that is not there yet. Raises OSError, FileExistsError if it is there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _NEW_FILE)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
