"""A token that must never be seen again once the tool was given it, in whatever disguise."""

import base64
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from urllib.parse import quote

from reconcile.sandbox.instance import Role, Token

CANARY = "omni_CANARY_q7Zr2Vx9Lk4Tn8Wp3Yd6Hs1Bf5Mc0Jg"
"""Long and without repetition, so that any part of it is its own."""

SLICE = 12
LARGEST_SCANNED = 1 << 20

_SECRET = CANARY.removeprefix("omni_")


def canary_tokens(role: Role = Role.CONNECTION_ADMIN) -> Mapping[str, Token]:
    """Return the tokens of a sandbox that knows the canary alone."""
    return {CANARY: Token("canary", role)}


@cache
def needles() -> tuple[bytes, ...]:
    """Return what to look for: each slice of the token raw and reversed, and four encodings.

    In base64 a text has three spellings, by where in a group of three bytes it begins.
    """
    encoded = [_SECRET.encode().hex(), _SECRET.encode().hex().upper()]
    encoded += ["".join(f"%{byte:02X}" for byte in _SECRET.encode())]
    encoded += ["".join(f"\\u{byte:04x}" for byte in _SECRET.encode())]
    for shift in range(3):
        spelled = base64.b64encode(b"\0" * shift + _SECRET.encode()).decode()
        encoded.append(spelled[4:-4])
    encoded += [quote(_SECRET), json.dumps(_SECRET)[1:-1]]
    slices = {text[i : i + SLICE] for text in (_SECRET, _SECRET[::-1]) for i in _starts(text)}
    wide = {text[i : i + 4 * SLICE] for text in encoded for i in range(0, len(text), SLICE)}
    return tuple(sorted(part.encode() for part in slices | {w for w in wide if len(w) >= SLICE}))


def _starts(text: str) -> range:
    return range(len(text) - SLICE + 1)


def traces(data: bytes) -> tuple[bytes, ...]:
    """Return the disguises of the canary that are in some bytes."""
    return tuple(needle for needle in needles() if needle in data)


def traces_below(folder: Path) -> Iterable[str]:
    """Name the files below a folder that hold the canary in any disguise."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                found = traces(file.read(LARGEST_SCANNED))
            if found:
                yield f"{path}: {found[0]!r}"
