"""Names people give: of models, policies and connections. Whatever is shown must be seen."""

import re
import unicodedata
from collections.abc import Iterable

from reconcile.config.problems import LeafError

LONGEST_NAME = 200

_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""Unicode categories that are not seen or turn the text around them: control, format, breaks."""

_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
UUID_PATTERN = r"^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"


def check_name(name: str) -> None:
    """Raise `LeafError` unless the name is 1 to 200 characters that can all be seen."""
    seen = name.isprintable() and name.strip() and name not in (".", "..")
    if seen and len(name) <= LONGEST_NAME:
        return
    if not name.strip():
        raise LeafError("bad-name", "The name is empty, so nothing could be called by it.")
    if len(name) > LONGEST_NAME:
        raise LeafError(
            "bad-name", f"The name has {len(name)} characters; {LONGEST_NAME} is the most."
        )
    if name in (".", ".."):
        # As a path segment these mean another endpoint, and percent-encoding leaves them alone.
        raise LeafError("bad-name", f'"{name}" would be a step through the path of a request.')
    for character in name:
        if unicodedata.category(character) in _UNSEEN:
            raise LeafError(
                "bad-name",
                f"The name holds U+{ord(character):04X}, a character that is not seen or turns "
                "the text around it. Two names could then look the same.",
                "Write the name again by hand.",
            )


def check_uuid(text: str) -> str:
    """Return the UUID in lower case; raise `LeafError` if the text is none."""
    if _UUID.fullmatch(text):
        return text.lower()
    raise LeafError(
        "not-a-uuid",
        f'"{text[:60]}" is not a UUID. Omni names models and branches by UUID, and the id becomes '
        "part of the path that is called.",
        "Copy the id from the model's address in Omni, or from `GET /api/v1/models`.",
    )


def fold_name(name: str) -> str:
    """Spell alike what people and Omni could take for the same name."""
    if name.isascii():
        return name.lower().rstrip(".")
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()).rstrip(".")


def did_you_mean(wrong: str, known: Iterable[str]) -> str | None:
    """Word the nearest of the known names as a question; None if none is near."""
    from difflib import get_close_matches  # noqa: PLC0415 -- most files are right

    wanted = wrong[:LONGEST_NAME]
    near = get_close_matches(wanted, list(known), n=1, cutoff=0.6)
    return f"Did you mean `{near[0]}`?" if near else None
