"""JSON as every machine-readable output spells it."""

import json
from datetime import datetime

from reconcile.render.instants import rfc3339


def encode(document: object) -> str:
    """Return indented JSON, ASCII only, ending with a line break.

    ASCII because bidi and zero-width characters are as harmful here as anywhere.
    """
    text = json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
    return unheeded(text)


def unheeded(text: str) -> str:
    """Return the same JSON without `##`, by which CI runners find commands anywhere in a log."""
    # Only in a string can one stand next to another, and there it has a second spelling.
    return text.replace("##", "\\u0023\\u0023")


def instant_json(instant: datetime | None) -> str | None:
    """Return an instant as RFC 3339 in UTC; None stays None."""
    return None if instant is None else rfc3339(instant)
