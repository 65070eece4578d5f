"""Diagnostics are values. Only `cli` prints them."""

from enum import StrEnum

from reconcile.model.noun import noun


class Severity(StrEnum):
    """Errors stop; warnings do not."""

    ERROR = "error"
    WARNING = "warning"


@noun(frozen=True, slots=True)
class Place:
    """A spot in a file. `line` and `column` count from 1; `text` is that line; `width` >= 1."""

    file: str
    line: int | None = None
    column: int | None = None
    text: str | None = None
    width: int = 1


@noun(frozen=True, slots=True, kw_only=True)
class Diagnostic:
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
    """Carries diagnostics to the one place that prints them. `exit_code` is DESIGN's table."""

    def __init__(self, *diagnostics: Diagnostic, exit_code: int = 1) -> None:
        super().__init__("; ".join(f"{d.code}: {d.summary}" for d in diagnostics))
        self.diagnostics = diagnostics
        self.exit_code = exit_code
