"""The shape of a table of commands."""

from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Mapping

Add = Callable[[ArgumentParser], None]
"""Adds options to the parser of a command."""

Table = Mapping[str, tuple[str, tuple[Add, ...]]]
"""Name of a command -> one line of help, and what adds its options."""

Verbs = Mapping[str, tuple[str, Add]]
"""Name of a verb of a command -> one line of help, and what adds its options."""


def add_verbs(parser: ArgumentParser, verbs: Verbs, shared: Iterable[Add]) -> None:
    """Give a command its verbs, each with its own options and those that all of them share."""
    parsers = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, (summary, add) in verbs.items():
        verb = parsers.add_parser(
            name,
            help=summary,
            description=summary,
            allow_abbrev=False,
            formatter_class=parser.formatter_class,
        )
        for part in (add, *shared):
            part(verb)
