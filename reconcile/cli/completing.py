"""What can be typed after each command, read from the same tables that parse it."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

Files = Literal["files"]
Addresses = Literal["addresses"]
Values = tuple[str, ...] | Files | Addresses | None
"""What may follow: words of a list, a path, an address, or something nobody can guess."""


class Typed(NamedTuple):
    """One option. `values` is None also where it takes none: see `takes_value`."""

    spellings: tuple[str, ...]
    summary: str
    takes_value: bool
    values: Values


class Level(NamedTuple):
    """A command or a verb of one; the first level is the program itself, with no `path`."""

    path: tuple[str, ...]
    below: Mapping[str, str]
    options: tuple[Typed, ...]
    arguments: Values


def levels(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[Level]:
    """Yield a parser's own level, then those of its commands."""
    # argparse keeps its tables under private names, and has no others to read them by.
    actions = parser._actions  # noqa: SLF001
    below: dict[str, str] = {}
    parsers: dict[str, argparse.ArgumentParser] = {}
    arguments: Values = None
    for action in actions:
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            parsers = dict(action.choices)
            below = {str(a.dest): a.help or "" for a in action._choices_actions}  # noqa: SLF001
        elif not action.option_strings:
            arguments = _values(action)
    options = tuple(_typed(action) for action in actions if action.option_strings)
    yield Level(path, below, options, arguments)
    for name, child in parsers.items():
        yield from levels(child, (*path, name))


def _typed(action: argparse.Action) -> Typed:
    takes_value = action.nargs != 0
    summary = (action.help or "").replace("%%", "%")
    values = _values(action) if takes_value else None
    return Typed(tuple(action.option_strings), summary, takes_value, values)


def _values(action: argparse.Action) -> Values:
    if action.choices is not None:
        return tuple(str(choice) for choice in action.choices)
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    if "ADDRESS" in metavar or metavar == "PATTERN":
        return "addresses"
    words = ("FILE", "DIR", "PLAN", "URL", ".json")
    return "files" if any(word in metavar for word in words) else None
