"""Text that others wrote, made safe for the place it is shown in.

Model names, policy names, file names and Omni's words are data. Nothing in them may move a cursor,
open a link, reverse a line, forge a line of ours, or command a CI runner.
"""

import re
import unicodedata

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls, formats (bidi, zero width), surrogates, private, unassigned, line separators."""

_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Letters and marks that draw nothing: two addresses that differ by one would look alike."""

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_BYTE = 0x100
_BASIC_PLANE = 0x10000

_RUNNER_COMMAND = re.compile(r"((?:^|[\r\n])[^\S\r\n]*):(?=:)")
"""GitHub's runner trims a line before it looks for `::`."""

_RUNNER_COMMAND_ANYWHERE = re.compile(r"#(?=#(?:\[|vso\[|teamcity\[))")
"""GitHub's older form, Azure's and TeamCity's are found anywhere in a line."""

_BACKTICKS = re.compile(r"`+")

_SHELL_INERT = re.compile(r"[A-Za-z0-9_.,:/@%+=-]+")
_SHELL_QUOTABLE = re.compile(r"[\w .,:/@%+=\"-]+")

_PLAIN_FORMS = {
    "·": "-",
    "×": "x",  # noqa: RUF001 (the sign itself is what is replaced)
    "–": "-",  # noqa: RUF001 (as above)
    "—": "-",
    "…": "~",
    "→": ">",
    "←": "<",
    "─": "-",
    "│": "|",
    "┌": "+",
    "┐": "+",
    "└": "+",
    "┘": "+",
    "├": "+",
    "┤": "+",
    "┼": "+",
    "▁": "1",
    "▂": "2",
    "▃": "3",
    "▄": "4",
    "▅": "5",
    "▆": "6",
    "▇": "7",
    "█": "8",
}
"""Our own signs, one character for one so that columns stay aligned."""


def escape_terminal(text: str, limit: int | None = None) -> str:
    r"""Show every character that is not a plain visible one as an escape such as `\x1b`.

    The result has no line break. With a `limit`, at most about that many characters are shown and
    the rest is counted: a name of 10 kB does not bury the line it stands in.
    """
    shown = text if limit is None or len(text) <= limit else text[:limit]
    rest = len(text) - len(shown)
    if not (shown.isascii() and shown.isprintable()):
        shown = "".join(_visible(character) for character in shown)
    return f"{shown}...(+{rest})" if rest else shown


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _UNSAFE and character not in _INVISIBLE:
        return character
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code < _BYTE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < _BASIC_PLANE else f"\\U{code:08x}"


def escape_ci_log(text: str) -> str:
    """Break what a CI runner would obey in a log: `::command::` lines, `##[command]` anywhere.

    Takes a whole output, line breaks included; its other characters are not touched.
    """
    return _RUNNER_COMMAND_ANYWHERE.sub(r"\\x23", _RUNNER_COMMAND.sub(r"\1\\x3a", text))


def markdown_code(text: str) -> str:
    """Return text as a Markdown code span, which no content can leave. Not for table cells.

    Entities would not do: forges look for mentions and issue numbers in what was rendered from
    them, everywhere but in code. The fence is longer than any run of backticks inside.
    """
    shown = escape_ci_log(escape_terminal(text)) or " "
    fence = "`" * (max(map(len, _BACKTICKS.findall(shown)), default=0) + 1)
    edges = shown[0] + shown[-1]
    pad = " " if "`" in edges or (edges == "  " and shown.strip(" ")) else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def for_encoding(text: str, encoding: str | None) -> str:
    """Return text that `encoding` can print: our signs get plain forms, others become escapes.

    An encoding that is missing or unknown counts as ASCII.
    """
    try:
        "".encode(name := encoding or "ascii")
    except LookupError:
        name = "ascii"
    try:
        text.encode(name)
    except UnicodeEncodeError:
        plain = "".join(_plain(character, name) for character in text)
        return plain.encode(name, "backslashreplace").decode(name)
    return text


def _plain(character: str, encoding: str) -> str:
    if character not in _PLAIN_FORMS:
        return character
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return _PLAIN_FORMS[character]
    return character


def shell_word(text: str) -> str | None:
    """Spell text as one POSIX shell word for a command to copy; None if that would not be safe.

    Whoever copies a command does not read every character of it, so a name from a file with
    anything unusual in it is left out of commands.
    """
    if _SHELL_INERT.fullmatch(text):
        return None if text.startswith("-") else text
    quotable = _SHELL_QUOTABLE.fullmatch(text) and escape_terminal(text) == text
    return f"'{text}'" if quotable else None
