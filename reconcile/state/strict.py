"""JSON read strictly: what it does not say plainly is refused, never guessed."""

import json
from collections.abc import Iterable, Mapping
from typing import NoReturn

MAX_DEPTH = 32
"""Nesting allowed in a free-form value."""

MAX_INTEGER = 2**63 - 1

_INFINITIES = (float("inf"), float("-inf"))


class MalformedError(Exception):
    """Bytes that are not what they should be. Its text says why, to a person."""


def decode_json(data: bytes) -> object:
    """Read UTF-8 JSON without duplicate keys, NaN or lone surrogates.

    A number too large for a float is refused where a number is taken, by `number` and `free_form`.
    """
    try:
        text = data.decode("utf-8")
        value = _DECODER.decode(text)
        if "\\ud" in text or "\\uD" in text:
            # Our own files never escape what is not ASCII; whoever does may escape half a pair.
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise MalformedError("it is nested too deeply") from None
    except UnicodeError:
        raise MalformedError("it is not plain UTF-8 text") from None
    except ValueError as error:
        raise MalformedError(f"it is not strict JSON ({error})") from None
    return value


def free_form(value: object, depth: int = MAX_DEPTH) -> Mapping[str, object]:
    """Take a JSON object of any shape, as long as it is not nested beyond reason."""
    if type(value) is not dict:
        raise MalformedError("an object is expected where there is none")
    _bound(value.values(), depth)
    return value


def table(value: object) -> Mapping[str, object]:
    """Take a JSON object as it is; how deep it goes is known from where it was read."""
    if type(value) is not dict:
        raise MalformedError("an object is expected where there is none")
    return value


def fields(value: object, *names: str) -> dict[str, object]:
    """Take a JSON object with no other keys than these."""
    if type(value) is not dict:
        raise MalformedError("an object is expected where there is none")
    unknown = value.keys() - set(names)
    if unknown:
        raise MalformedError(f"it has an unknown key {min(unknown)!r}")
    return value


def text(value: object) -> str:
    """Take a string."""
    if type(value) is not str:
        raise MalformedError("a string is expected where there is none")
    return value


def count(value: object) -> int:
    """Take a whole number from 0 to 2**63 - 1; `true` is not 1."""
    if type(value) is not int or not 0 <= value <= MAX_INTEGER:
        raise MalformedError("a whole number from 0 is expected where there is none")
    return value


def number(value: object) -> float:
    """Take a number, as a float."""
    if type(value) is float and value not in _INFINITIES:
        return value
    if type(value) is int and abs(value) <= MAX_INTEGER:
        return float(value)
    raise MalformedError("a number is expected where there is none")


def flag(value: object) -> bool:
    """Take true or false."""
    if type(value) is not bool:
        raise MalformedError("true or false is expected where there is neither")
    return value


def array(value: object) -> list[object]:
    """Take a JSON array."""
    if type(value) is not list:
        raise MalformedError("an array is expected where there is none")
    return value


def _bound(value: Iterable[object], depth: int) -> None:
    for child in value:
        kind = type(child)
        if kind is dict or kind is list:
            if not depth:
                raise MalformedError("it is nested too deeply")
            _bound(child.values() if isinstance(child, dict) else array(child), depth - 1)
        elif kind is float and child in _INFINITIES:
            raise MalformedError("a number is out of range")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
