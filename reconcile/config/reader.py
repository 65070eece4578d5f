"""Reads single values, keeping what cannot be understood and where it stands."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from reconcile.config.instants import parse_instant
from reconcile.config.problems import LeafError, Problems, Where
from reconcile.config.reading import Source
from reconcile.config.watched import WatchedFiles

V = TypeVar("V")
R = TypeVar("R")


class Placed(Protocol):
    """Whatever can say where it stands, once there is something to report."""

    def value(self, *keys: str | int) -> Where:
        """Point at the value below it."""

    def key(self, *keys: str | int) -> Where:
        """Point at the key itself."""


@dataclass(slots=True)
class Reader:
    """Reads the values of one table after another, keeping what cannot be understood."""

    sources: tuple[Source, ...]
    problems: Problems
    watched: WatchedFiles = field(default_factory=WatchedFiles)

    def read(self, parse: Callable[[V], R], value: V | None, where: Placed, *keys: str) -> R | None:
        """Return the parsed value; None if there is none, or after keeping why it is none.

        The value stands at `keys` below `where`.
        """
        if value is None or self.problems.is_full():
            return None
        try:
            return parse(value)
        except LeafError as error:
            self.problems.refuse(error, where.value(*keys))
            return None

    def check(
        self, rule: Callable[[str], None], text: str, where: Placed, *keys: str | int
    ) -> None:
        """Keep why a text at `keys` below `where` breaks a rule, if it does."""
        try:
            rule(text)
        except LeafError as error:
            self.problems.refuse(error, where.value(*keys))

    def check_key(self, rule: Callable[[str], None], key: str, where: Placed) -> None:
        """Keep why a key breaks a rule, if it does."""
        try:
            rule(key)
        except LeafError as error:
            self.problems.refuse(error, where.key())

    def read_instant(self, value: datetime | str | None, where: Where) -> datetime | None:
        """Return an instant in UTC, as `read` does."""
        return None if value is None else self.read(lambda _: parse_instant(value), "", where)
