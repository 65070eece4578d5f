"""Reads the fields of a decoded reply under whichever name they come (omni-api.md 4, row 3)."""

from collections.abc import Iterable, Mapping

from reconcile.omni.decoding import UnusableReplyError

LONGEST_ID = 200


def text_field(fields: Mapping[str, object], *names: str) -> str | None:
    """Return the first of these fields that has a value; null and absent are the same.

    Raises UnusableReplyError if it is not text.
    """
    for name in names:
        value = fields.get(name)
        if isinstance(value, str):
            return value
        if value is not None:
            raise UnusableReplyError(f"{name} in the reply is not text")
    return None


def id_field(fields: Mapping[str, object], *names: str) -> str:
    """Return an id. Raises UnusableReplyError if there is none, or none of a sane length."""
    found = text_field(fields, *names)
    if not found or len(found) > LONGEST_ID:
        raise UnusableReplyError(f"{names[0]} in the reply is missing, empty or absurdly long")
    return found


def records_field(body: object, *names: str) -> list[Mapping[str, object]]:
    """Return the objects of a list: a bare array, or the first of these fields that is one.

    Sources disagree on the envelope (omni-api.md 4, rows 14 and 18). Raises UnusableReplyError.
    """
    found = body
    if isinstance(body, dict):
        found = next((body[name] for name in names if isinstance(body.get(name), list)), None)
    if not isinstance(found, list):
        raise UnusableReplyError(f"the reply has no list named {names[0]}")
    return list(_objects(found, names[0]))


def require_echo(name: str, echoed: str | None, expected: str) -> None:
    """Check that a reply speaks of what was asked; a field left out proves nothing either way.

    Raises UnusableReplyError.
    """
    if echoed is not None and echoed.casefold() != expected.casefold():
        raise UnusableReplyError(
            f"the reply speaks of {name} {echoed[:LONGEST_ID]!r}, not of {expected!r}: "
            "it may belong to another call"
        )


def _objects(values: list[object], name: str) -> Iterable[Mapping[str, object]]:
    for value in values:
        if not isinstance(value, dict):
            raise UnusableReplyError(f"an element of {name} is not an object")
        yield value
