"""Edits files for a person: gives them their canonical form, starts them, adds models to them."""

import re
from dataclasses import dataclass
from pathlib import Path

import tomli

from reconcile.config.editing.files import replace_content
from reconcile.config.editing.layout import format_text
from reconcile.config.loading import load
from reconcile.config.places.lexicon import COMMENT, STRING
from reconcile.config.reading import (
    Locations,
    decode_text,
    list_files,
    once,
    paths_of,
    read_bounded,
)
from reconcile.model.diagnostic import Diagnostic, Place, ReconcileError

_MARK = b"\xef\xbb\xbf"
_STRING_OR_COMMENT = re.compile(rf"(?P<string>{STRING})|(?P<comment>{COMMENT})")


@dataclass(frozen=True, slots=True)
class Edited:
    """One file: its text as it is and as it would be, with LF line ends, and its new bytes."""

    path: Path
    before: str
    after: str
    content: bytes
    changed: bool

    def save(self) -> None:
        """Put the new content in place, whole. Raises ReconcileError."""
        try:
            replace_content(self.path, self.content)
        except OSError as error:
            raise not_written(self.path, error) from None


def formatted(locations: Locations) -> tuple[Edited, ...]:
    """Return every file of a desired state in canonical form; nothing is written.

    Raises ReconcileError: a desired state with errors is not touched.
    """
    load(locations)
    files = (path for location in paths_of(locations) for path in list_files(location))
    return tuple(_formatted(path) for path in once(files))


def _formatted(path: Path) -> Edited:
    content = read_bounded(path)
    before = decode_text(content)
    after = format_text(before)
    if not (_same(before, after) and format_text(after) == after):
        raise ReconcileError(
            Diagnostic(
                code="format-unsafe",
                summary="The file was left as it is",
                detail="Its canonical form would not say the same, or lose a comment.",
                hint="reconcile explain format-unsafe",
                places=(Place(str(path)),),
            )
        )
    return edited(path, content, after)


def edited(path: Path, content: bytes, after: str) -> Edited:
    """Spell a new text as the file's old content is: with its BOM, and its first line end."""
    first, _, _ = content.partition(b"\n")
    line_end = "\r\n" if first.endswith(b"\r") else "\n"
    mark = _MARK if content.startswith(_MARK) else b""
    new = mark + after.replace("\n", line_end).encode()
    return Edited(path, decode_text(content), after, new, changed=new != content)


def comments_of(text: str) -> list[str]:
    """List the comments of valid TOML in a stable order."""
    found = _STRING_OR_COMMENT.finditer(text)
    return sorted(m.group().rstrip() for m in found if m.lastgroup == "comment")


def not_written(path: Path, error: OSError) -> ReconcileError:
    """Say that a file is as it was."""
    return ReconcileError(
        Diagnostic(
            code="file-not-written",
            summary="The file could not be written",
            detail=f"{error.strerror or error}. The file is as it was.",
            hint="reconcile explain file-not-written",
            places=(Place(str(path)),),
        )
    )


def _same(before: str, after: str) -> bool:
    try:
        same = tomli.loads(before) == tomli.loads(after)
    except ValueError:
        return False
    return same and comments_of(before) == comments_of(after)
