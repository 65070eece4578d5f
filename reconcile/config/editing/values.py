"""Keys and values of TOML in their canonical spelling. What spans lines is left as it is."""

import re

from reconcile.config.places.lexicon import STRING
from reconcile.config.places.segments import split_key
from reconcile.model.address import quote_key

_PIECES = re.compile(rf"(?P<string>{STRING})|(?P<sign>[\[\]{{}},=])|(?P<bare>[^\[\]{{}},=\"']++)")
_PLAIN_CONTENT = re.compile(r"[^\\\"\x00-\x1f\x7f]*+")


def format_key(written: str) -> str:
    """Spell a dotted key without spaces, and with quotes only where it needs them."""
    return ".".join(quote_key(part) for part in split_key(written))


def format_value(written: str) -> str:
    """Spell a value with double quotes and even spacing."""
    if "\n" in written:
        return written
    pieces = [(match.lastgroup, match.group()) for match in _PIECES.finditer(written)]
    told = ""
    for kind, piece in pieces:
        match kind:
            case "string":
                told += _double_quoted(piece)
            case "bare":
                told += piece.strip()
            case _:
                told = _with_sign(told, piece)
    return told


def _with_sign(told: str, sign: str) -> str:
    match sign:
        case ",":
            return f"{told}, "
        case "=":
            return f"{told} = "
        case "{":
            return f"{told}{{ "
        case "}":
            inner = told.removesuffix(", ")
            return f"{inner}}}".replace("{ }", "{}") if inner.endswith("{ ") else f"{inner} }}"
        case "]":
            return f"{told.removesuffix(', ')}]"
        case _:
            return f"{told}{sign}"


def _double_quoted(string: str) -> str:
    plain = string.startswith("'") and not string.startswith("'''")
    if plain and _PLAIN_CONTENT.fullmatch(string, 1, len(string) - 1):
        return f'"{string[1:-1]}"'
    return string
