"""What went wrong, as values: diagnostics, mistakes in files by their key path, and mishaps.

Never a traceback, never an unknown text. Only the terminal prints them.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from pathlib import Path

from msgspec import Struct

from reconcile.messages import MESSAGES, ExitCode

# Diagnostics are values. Only `cli` prints them.


class Severity(StrEnum):
    """Errors stop; warnings do not."""

    ERROR = "error"
    WARNING = "warning"


class Place(Struct, frozen=True):
    """A spot in a file. `line` and `column` count from 1; `text` is that line; `width` >= 1."""

    file: str
    line: int | None = None
    column: int | None = None
    text: str | None = None
    width: int = 1


class Diagnostic(Struct, frozen=True, kw_only=True):
    """One thing to tell a person, in four parts.

    `code`: stable, kebab-case. `summary`: fixed words. `places`: where, most important first.
    `detail`: full sentences, what then why. `hint`: one thing to do, with a command to copy.
    """

    code: str
    summary: str
    detail: str
    hint: str | None = None
    places: tuple[Place, ...] = ()
    severity: Severity = Severity.ERROR


class ReconcileError(Exception):
    """Carries diagnostics to the one place that prints them. `exit_code`: the first one's."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(f"{d.code}: {d.summary}" for d in diagnostics))
        self.diagnostics = diagnostics

    @property
    def exit_code(self) -> ExitCode:
        """Return how the process ends for it."""
        return next((MESSAGES[d.code].exit_code for d in self.diagnostics), ExitCode.ERROR)


def diagnose(
    code: str,
    detail: str,
    *,
    hint: str | None = None,
    places: tuple[Place, ...] = (),
    severity: Severity = Severity.ERROR,
    headline: str | None = None,
) -> Diagnostic:
    """Make a diagnostic; `headline` names the culprit where the table's own words do not."""
    summary = MESSAGES[code].headline if headline is None else headline
    return Diagnostic(
        code=code, summary=summary, detail=detail, hint=hint, places=places, severity=severity
    )


def fail(
    code: str,
    detail: str,
    *,
    hint: str | None = None,
    places: tuple[Place, ...] = (),
    headline: str | None = None,
) -> ReconcileError:
    """Make the error of one diagnostic; the table of messages knows the exit code."""
    return ReconcileError(diagnose(code, detail, hint=hint, places=places, headline=headline))


# What went wrong, as something to tell a person: never a traceback, never an unknown text.
#
# Cheap to import: the command line needs it before it knows what it will do.


def mishap(error: Exception) -> tuple[Diagnostic, ...]:
    """Describe whatever ended a command or a cycle."""
    match error:
        case ReconcileError(diagnostics=diagnostics):
            return tuple(diagnostics)
        case MemoryError():
            why = "This process may have no more of it. What was written down until then is kept."
            return (diagnose("out-of-memory", why, hint="reconcile validate"),)
        case OSError():
            place = f" ({error.filename})" if error.filename else ""
            why = f"{error.strerror or type(error).__name__}{place}."
            return (diagnose("system-error", why, hint="reconcile validate"),)
        case _:
            return (_internal(error),)


def _internal(error: Exception) -> Diagnostic:
    """Describe a bug by where it happened. Never by its text, which may hold anything."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "unknown place"
    if trace is not None:
        code = trace.tb_frame.f_code
        where = f"{Path(code.co_filename).name}:{trace.tb_lineno} in {code.co_name}"
    return diagnose(
        "internal-error",
        f"{type(error).__name__} at {where}. The state on disk is whole: it is only replaced once "
        "its successor is complete.",
        hint="reconcile plan",
    )


# Mistakes as they are found: by key path. Lines and columns are looked up only to report them.

KeyPath = tuple[str | int, ...]
"""Keys from the top of a file; an integer counts into an array, from 0."""


class Spot(Enum):
    """What a place points at."""

    KEY = auto()
    VALUE = auto()
    TABLE = auto()


class Where(Struct, frozen=True):
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


class Problem(Struct, frozen=True):
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
        exactly = Where(where.source, where.path, where.spot, error.offset)
        self.add(error.code, exactly, error.detail, error.hint)

    def __len__(self) -> int:
        return len(self._found)

    def is_full(self) -> bool:
        """Tell whether another error would only be counted. Asked of every value that is read."""
        return self._full

    def found(self) -> tuple[Problem, ...]:
        """Return everything kept, in the order it was found."""
        return tuple(self._found)
