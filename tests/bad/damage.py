"""Ways to spoil what was good: byte by byte, and value by value."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

FREE_FORM = frozenset({"declared", "body"})
"""Keys below which anything may stand that is plain JSON."""


def wrongly_typed(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the value again and again, each time with one part of it gone or of another type."""
    for wrong in _other_types(value):
        yield f"{path or 'all'} is {json.dumps(wrong)[:12]}", wrong
    if isinstance(value, dict):
        yield f"{path} has an unknown key", {**value, "__class__": "object"}
        for key, part in value.items():
            yield f"{path} is without {key}", {k: v for k, v in value.items() if k != key}
            if key not in FREE_FORM:
                for name, spoiled in wrongly_typed(part, f"{path}/{key}"):
                    yield name, {**value, key: spoiled}
    if isinstance(value, list) and value:
        for name, spoiled in wrongly_typed(value[0], f"{path}[0]"):
            yield name, [spoiled, *value[1:]]


def _other_types(value: Any) -> tuple[Any, ...]:
    match value:
        case bool():
            return 7, "yes"
        case int():
            return "x", True, -(2**70)
        case float():
            return "x", True
        case str():
            return 7, True
        case list():
            return 7, {}
        case dict():
            return 7, "x"
        case _:
            return 7, []


def damaged(whole: bytes, random: Random) -> Iterator[tuple[str, bytes]]:
    """Yield bytes as bad disks, editors, merges and attackers leave them."""
    yield "nothing", b""
    yield "zeros", b"\0" * len(whole)
    yield "half zeros", whole[: len(whole) // 2] + b"\0" * (len(whole) - len(whole) // 2)
    yield "UTF-16", whole.decode().encode("utf-16")
    yield "a BOM", b"\xef\xbb\xbf" + whole
    yield "twice", whole + whole
    yield "Latin-1", whole + "é".encode("latin-1") + b"\n"
    yield "a merge", b"<<<<<<< HEAD\n" + whole + b"=======\n" + whole + b">>>>>>> other\n"
    yield "an archive", b"PK\x03\x04" + bytes(range(256)) * 4
    yield "a pickle", b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x05posix\x94."
    yield "noise", random.randbytes(4096)
    yield "deep arrays", b"[" * 100_000
    yield "deep objects", b'{"a":' * 100_000
    yield "deep and closed", b"[" * 50_000 + b"]" * 50_000
    yield "a long number", b'{"a": ' + b"9" * 500_000 + b"}\n"
    yield "a repeated key", b'{"a": 1, "a": 2}\n'
    yield "half a pair", b'{"a": "\\ud800"}\n'
    yield "NaN", b'{"a": NaN}\n'
    for part in range(1, 12):
        yield f"cut at {part}/12", whole[: len(whole) * part // 12]
    for _ in range(20):
        place, bit = random.randrange(len(whole)), random.randrange(8)
        flipped = bytes([whole[place] ^ 1 << bit])
        yield f"bit {bit} of byte {place} flipped", whole[:place] + flipped + whole[place + 1 :]
