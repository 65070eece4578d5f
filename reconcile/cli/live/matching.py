"""Refuses to end well where what was asked for matches nothing."""

from collections.abc import Sequence

from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.planning.discovery import Unmatched
from reconcile.render.escape import escape_terminal

_LIMIT = 80


def require_matches(command: str, unmatched: Sequence[Unmatched], nothing: str) -> None:
    """Raise ReconcileError `no-match` for everything that matches nothing.

    `command` completes the hint; `nothing` says what was not done because of it.
    """
    if unmatched:
        raise ReconcileError(*(_no_match(command, one, nothing) for one in unmatched))


def near_text(near: Sequence[str]) -> str:
    """Return `, did you mean "Sales"?`, or a full stop where nothing is near."""
    if not near:
        return "."
    first, *rest = (f'"{escape_terminal(name, _LIMIT)}"' for name in near)
    return f"; near are {', '.join((first, *rest))}." if rest else f"; did you mean {first}?"


def _no_match(command: str, one: Unmatched, nothing: str) -> Diagnostic:
    shown = escape_terminal(one.pattern, _LIMIT)
    detail = f'No {one.what} of the instance matches "{shown}"'
    ending = near_text(one.near)
    if one.elsewhere:
        does = "does" if one.elsewhere == 1 else "do"
        ending = f", but {one.elsewhere} of another kind or connection, or deleted, {does}."
    return Diagnostic(
        code="no-match",
        summary=f"No {one.what} matches",
        detail=f"{detail}{ending} {nothing}",
        hint=_hint(command, one),
    )


def _hint(command: str, one: Unmatched) -> str:
    if one.elsewhere:
        return "reconcile discover --kind all --deleted --brief"
    if one.what == "model" and one.near:
        return f"reconcile {command} {_quoted(one.near[0])}"
    return "reconcile discover --brief"


def _quoted(name: str) -> str:
    from shlex import quote

    return quote(escape_terminal(name, _LIMIT))
