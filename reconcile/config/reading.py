"""Brings files into memory: bounded, regular files only, once each."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from reconcile.config.problems import LeafError
from reconcile.model.noun import noun

LARGEST = 64 * 1024 * 1024
"""Bytes of configuration read at most, over all files of one desired state."""

Locations = str | Path | tuple[str | Path, ...]
"""Where a desired state is: a file, a directory, or several of them that are one together."""

_BYTE_ORDER_MARKS_16 = (b"\xff\xfe", b"\xfe\xff")


@noun(frozen=True, slots=True)
class Source:
    """One text of TOML: the name it is shown by, and the folder its relative paths start from.

    Line ends are LF, whatever the file has, so that what is derived from the text is the same.
    """

    name: str
    text: str
    directory: Path


def paths_of(locations: Locations) -> tuple[Path, ...]:
    """Return the files and directories that are named, as they are named."""
    return tuple(map(Path, locations if isinstance(locations, tuple) else (locations,)))


def once(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Return each file once, by whichever of its names came first."""
    met: dict[str, Path] = {}
    for path in paths:
        met.setdefault(os.path.realpath(path), path)
    return tuple(met.values())


def list_files(location: Path) -> tuple[Path, ...]:
    """Return the files of one desired state: the file itself, or a directory's `*.toml`, sorted.

    Raise `LeafError` if there are none.
    """
    try:
        if not location.is_dir():
            return (location,)
        found = sorted(p for p in location.glob("*.toml") if not p.name.startswith("."))
    except (OSError, ValueError) as error:
        raise _unreadable(error) from None
    if not found:
        raise LeafError(
            "no-files",
            "The directory holds no file that ends in .toml, so nothing is declared by it.",
            "Name the directory that holds the declarations, or start some with `reconcile init`.",
        )
    return tuple(found)


def read_bounded(path: Path, most: int = LARGEST) -> bytes:
    """Read a regular file of at most `most` bytes, once; raise `LeafError` otherwise.

    Opened without blocking: a FIFO that nobody writes to would hold the program for ever.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise _unreadable(error) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _not_a_file()
        if status.st_size > most:
            raise _too_large(most)
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            content = stream.read(most + 1)
    except OSError as error:
        raise _unreadable(error) from None
    finally:
        os.close(descriptor)
    if len(content) > most:
        raise _too_large(most)
    return content


def decode_text(content: bytes) -> str:
    """Return UTF-8 as text with LF line ends, without a BOM; raise `LeafError` if it is not."""
    if content.startswith(_BYTE_ORDER_MARKS_16) or b"\0" in content[:2]:
        raise LeafError(
            "not-utf8",
            "The file is saved as UTF-16. TOML is UTF-8 by definition.",
            "Save it as UTF-8: `iconv -f UTF-16 -t UTF-8 OLD > NEW`.",
        )
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise LeafError(
            "not-utf8",
            f"Byte {error.start} of the file, 0x{content[error.start]:02X} on line {line}, does "
            "not belong to any UTF-8 character. TOML is UTF-8 by definition.",
            "Save it as UTF-8: `iconv -f LATIN1 -t UTF-8 OLD > NEW`.",
        ) from None
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def _unreadable(error: Exception) -> LeafError:
    if isinstance(error, FileNotFoundError):
        return LeafError("file-not-found", "There is no such file or directory.")
    if isinstance(error, IsADirectoryError):
        return _not_a_file()
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "bad file name"
    return LeafError("file-unreadable", f"The system does not let it be read: {reason}.")


def _not_a_file() -> LeafError:
    return LeafError(
        "not-a-file",
        "It is not a regular file. Pipes, devices, sockets and directories are not read, since "
        "they may never end or give something else each time.",
    )


def _too_large(most: int) -> LeafError:
    return LeafError(
        "file-too-large", f"It holds more than {most // (1024 * 1024)} MiB, the most that is read."
    )
