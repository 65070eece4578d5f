"""What somebody meant by a line that is no TOML, as far as the line tells."""

import re

from msgspec import Struct

_KEY = r"[\w.\"'-]+"
_CURLY = str.maketrans({"\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'"})
_COLON = re.compile(rf"\s*({_KEY})\s*:\s*=?\s*(.*?)\s*\Z")
_SEMICOLON = re.compile(rf"\s*({_KEY}\s*=.*?)\s*;\s*")
_UNOPENED = re.compile(rf"\s*({_KEY})\s*\]+\s*")
_UNQUOTED = re.compile(rf"\s*({_KEY})\s*=\s*([^\s\"'\[{{#=][^#\"]*?)\s*(?:#.*)?\Z")
_TWO = re.compile(rf"\s*{_KEY}\s*=\s*[^,]+,\s*{_KEY}\s*=.*")
_NOTHING = re.compile(rf"\s*({_KEY})\s*=\s*(?:#.*)?")
_HALF_QUOTED = re.compile(rf"\s*({_KEY})\s*=\s*([^\s\"]+)\"\s*")
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]*?)\s*(\]{0,2})\s*(?:#.*)?\Z")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LEAP_SECOND = re.compile(r"(?<=[\s=\[,])\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:60\S*?(?=[\s,}\]#]|\Z)")
_PART = re.compile(r"\"[^\"]*\"|'[^']*'|[^.]+")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_NAMES = re.compile(rf"\s*\[{{0,2}}((?:{_QUOTED.pattern}|[^=\[\]#])*+)")

_KEY_REFUSED = ("Invalid initial character for a key part", "Invalid statement")
"""What the parser says where a key or header is wrong, so that no value is to blame."""


class SyntaxMistake(Struct, frozen=True):
    """What is wrong with a line, what to write instead, and the column where it begins."""

    headline: str
    hint: str | None = None
    column: int | None = None


def syntax_mistake(line: str, parser: str) -> SyntaxMistake | None:
    """Name the mistake that a line shows by itself; None where it may be anything.

    `parser`: what it says of the place. The line holds no secret: the hint repeats it.
    """
    if found := _LEAP_SECOND.search(line):
        instant = f"{found[0]} is no instant: the last second of a minute is 59"
        return SyntaxMistake(instant, column=found.start() + 1)
    if parser.startswith("Unclosed "):
        return SyntaxMistake(f"an {parser.removeprefix('Unclosed ')} is not closed")
    if (straight := line.translate(_CURLY)) != line:
        first = next(n for n, sign in enumerate(line) if ord(sign) in _CURLY)
        return SyntaxMistake("quotation marks that are curly", straight.strip(), first + 1)
    if parser.startswith(_KEY_REFUSED) and _lacks_name(line):
        return SyntaxMistake("a name is missing beside a dot")
    if line.lstrip().startswith("["):
        return _header(line)
    if line.lstrip().startswith("{"):
        return SyntaxMistake("this is JSON, and not TOML")
    if found := _UNOPENED.fullmatch(line):
        return SyntaxMistake("the header of a table is not opened", f"[{found[1]}]")
    if parser.startswith(_KEY_REFUSED):
        return _signs(line)
    return _unclosed(line) or _signs(line) or _value(line)


def _lacks_name(line: str) -> bool:
    """Say whether a dot of the key or header has no name before or behind it."""
    found = _NAMES.match(line)
    names = _QUOTED.sub("name", found[1]) if found else ""
    return "." in names and not all(map(str.strip, names.split(".")))


def _signs(line: str) -> SyntaxMistake | None:
    """Find signs that are of another language."""
    if line.lstrip().startswith("//"):
        return SyntaxMistake('"//", where TOML has "#"', line.replace("//", "#", 1).strip())
    if found := _SEMICOLON.fullmatch(line):
        return SyntaxMistake('";" at the end of a line', found[1])
    if _TWO.fullmatch(line):
        return SyntaxMistake("two keys on one line", "Write each key on a line of its own.")
    return None


def _value(line: str) -> SyntaxMistake | None:
    """Find a key whose value is missing, stands behind a colon or has no quotes."""
    if found := _NOTHING.fullmatch(line):
        return SyntaxMistake(f"{found[1]} has no value")
    if found := _COLON.fullmatch(line):
        key, value = found.groups()
        if not value:
            return SyntaxMistake("this is YAML, and not TOML", f"Write a table: [{key}]")
        quoted = value if value[0] in "\"'[{" else f'"{value}"'
        return SyntaxMistake(f'":" after {key}, where TOML has "="', f"{key} = {quoted}")
    if found := _UNQUOTED.fullmatch(line):
        key, value = found.groups()
        if value in {"True", "False"}:
            return SyntaxMistake(f"{value} is spelled {value.lower()}", f"{key} = {value.lower()}")
        value = f"0{value}" if re.fullmatch(r"\d:\d\d", value) else value
        return SyntaxMistake(f"the value of {key} needs quotes", f'{key} = "{value}"')
    return None


def _header(line: str) -> SyntaxMistake | None:
    found = _HEADER.fullmatch(line)
    if found is None:
        return None
    opened, name, closed = found.groups()
    parts = [part.strip() for part in _PART.findall(name) if part.strip()]
    proper = ".".join(map(_part, parts))
    meant = f"{opened}{proper}{']' * len(opened)}"
    if len(closed) < len(opened):
        return SyntaxMistake("the header of a table is not closed", meant)
    odd = next((part for part in parts if not _BARE.fullmatch(part)), None)
    if odd is not None and '"' not in name:
        return SyntaxMistake(f'the name "{odd}" needs quotes', meant, line.index(odd) + 1)
    return None


def _part(part: str) -> str:
    return part if _BARE.fullmatch(part) or part[0] in "\"'" else f'"{part}"'


def _unclosed(line: str) -> SyntaxMistake | None:
    """Find a string that is opened on a line, and goes on to its end."""
    opened: int | None = None
    skip = False
    for n, sign in enumerate(line):
        if skip:
            skip = False
        elif opened is None and sign == "#":
            return None
        elif opened is None and (
            sign == '"' or (sign == "'" and line[:n].rstrip().endswith(("=", "[", ",", "{")))
        ):  # Elsewhere a single quote is an apostrophe.
            opened = n
        elif opened is not None and sign == line[opened]:
            opened = None
        elif opened is not None and sign == "\\":
            skip = line[opened] == '"'
    if opened is None or line[opened] * 3 in line:
        return None
    if half := _HALF_QUOTED.fullmatch(line):
        return SyntaxMistake(f"the value of {half[1]} needs quotes", f'{half[1]} = "{half[2]}"')
    text = f"the text that begins at column {opened + 1} is not closed"
    return SyntaxMistake(text, f"{line.strip()}{line[opened]}", opened + 1)
