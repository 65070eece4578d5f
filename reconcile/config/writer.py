"""Puts a file in place that others read too: the old content or the new, never half of one."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

_TO_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_NEW_FILE = 0o666


def replace_content(
    path: Path, content: bytes, last_look: Callable[[], None] = lambda: None
) -> None:
    """Replace a file's content; it keeps its mode, and a link to it still leads to it.

    What is no regular file is not replaced. A new file gets the mode that the umask leaves.
    `last_look` is called as late as can be, and raises where the file is to stay. Raises OSError,
    and then nothing has changed.
    """
    place = path.resolve()
    # Hidden and with another ending: collectors and loaders of the directory must not see it.
    aside = place.with_name(f".{place.name}.tmp-{uuid4().hex}")
    try:
        mode = place.stat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):
        raise OSError("it is not a regular file")
    descriptor = os.open(aside, _TO_CREATE, _NEW_FILE)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if mode is not None:
                os.fchmod(stream.fileno(), stat.S_IMODE(mode))
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        last_look()
        aside.replace(place)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
