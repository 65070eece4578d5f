"""Mistakes as they are found: by key path. Lines and columns are looked up only to report them."""

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from reconcile.model.diagnostic import Severity
from reconcile.model.noun import noun

KeyPath = tuple[str | int, ...]
"""Keys from the top of a file; an integer counts into an array, from 0."""


class Spot(Enum):
    """What a place points at."""

    KEY = auto()
    VALUE = auto()
    TABLE = auto()


@noun(frozen=True, slots=True)
class Where:
    """A key path in one of the sources. `offset` counts characters into a string value."""

    source: int
    path: KeyPath
    spot: Spot = Spot.VALUE
    offset: int | None = None

    def value(self, *keys: str | int, offset: int | None = None) -> "Where":
        """Point at the value below this path."""
        return Where(self.source, (*self.path, *keys), Spot.VALUE, offset)

    def key(self, *keys: str | int) -> "Where":
        """Point at the key itself."""
        return Where(self.source, (*self.path, *keys), Spot.KEY)

    def table(self) -> "Where":
        """Point at the header of the table, for what is missing in it."""
        return Where(self.source, self.path, Spot.TABLE)


@noun(frozen=True, slots=True)
class Problem:
    """One mistake. `where` holds its places, the most important first."""

    code: str
    where: tuple[Where, ...]
    detail: str
    hint: str | None = None
    severity: Severity = Severity.ERROR


class LeafError(ValueError):
    """A single value cannot be understood. Knows nothing of where the value was written."""

    def __init__(
        self, code: str, detail: str, hint: str | None = None, offset: int | None = None
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.hint = hint
        self.offset = offset
        self.element: int | None = None


MOST_PROBLEMS = 1_000
"""Kept at most of errors, and of warnings: nobody reads more, and placing them takes time."""


@dataclass(slots=True)
class Problems:
    """Collects problems; the same mistake met by way of several items is kept once.

    `left_out` counts those past the most that are kept.
    """

    left_out: int = 0
    _full: bool = False
    _found: dict[Problem, None] = field(default_factory=dict)
    _kept: Counter[Severity] = field(default_factory=Counter)

    def add(
        self,
        code: str,
        where: Where | tuple[Where, ...],
        detail: str,
        hint: str | None = None,
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Keep one problem."""
        places = where if isinstance(where, tuple) else (where,)
        problem = Problem(code, places, detail, hint, severity)
        if problem in self._found:
            return
        if self._kept[severity] >= MOST_PROBLEMS:
            self.left_out += 1
            return
        self._kept[severity] += 1
        self._full = self._kept[Severity.ERROR] >= MOST_PROBLEMS
        self._found[problem] = None

    def refuse(self, error: LeafError, where: Where) -> None:
        """Keep a value that was not understood, now that its place is known."""
        if error.element is not None:
            where = where.value(error.element)
        self.add(error.code, replace(where, offset=error.offset), error.detail, error.hint)

    def __len__(self) -> int:
        return len(self._found)

    def is_full(self) -> bool:
        """Tell whether another error would only be counted. Asked of every value that is read."""
        return self._full

    def found(self) -> tuple[Problem, ...]:
        """Return everything kept, in the order it was found."""
        return tuple(self._found)
