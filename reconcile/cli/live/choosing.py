"""Asking which models to import: a numbered list, and one line for the answer."""

import re
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase

from reconcile.cli.console import Console
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.observed import Observed, ObservedModel
from reconcile.planning.observed import Seen
from reconcile.render.escape import escape_terminal

_RANGE = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))?")
_TITLE_LIMIT = 60


def require_terminal(console: Console) -> None:
    """Refuse to ask where nobody can answer. Raises ReconcileError `nothing-chosen`."""
    if sys.stdin is not None and sys.stdin.isatty() and console.format == "text":
        return
    raise ReconcileError(
        Diagnostic(
            code="nothing-chosen",
            summary="Nothing says what to import",
            detail="Models are named on the command line, or chosen from a list at a terminal, "
            "and standard input is not one. Nothing was written.",
            hint="reconcile import 'Sales*'",
        )
    )


def choose_models(
    models: Sequence[ObservedModel], lists: Observed, console: Console
) -> Sequence[ObservedModel]:
    """Show the models and return those that are named; none for an empty answer.

    Raises ReconcileError where the answer names something else.
    """
    if not models:
        return ()
    seen = Seen.of(lists)
    for number, model in enumerate(models, 1):
        place = model.connection_id or ""
        shown = escape_terminal(seen.connection_name(place) or place, _TITLE_LIMIT)
        title = escape_terminal(model.name or model.model_id, _TITLE_LIMIT)
        console.say(f"{number:>4}  {title}  on {shown or 'no connection'}")
    console.ask("Which? Numbers, ranges such as 2-5, globs, or * for all: ")
    try:
        answer = input()
    except EOFError:
        return ()
    return chosen(answer, models)


def chosen(answer: str, models: Sequence[ObservedModel]) -> Sequence[ObservedModel]:
    """Read an answer. Raises ReconcileError `bad-choice`."""
    picked: set[int] = set()
    for word in answer.replace(",", " ").split():
        found = _numbers(word, len(models))
        if found is None:
            globbed = [n for n, model in enumerate(models) if fnmatchcase(model.name or "", word)]
            found = range(0)
            picked.update(globbed)
            if not globbed:
                raise _bad_choice(word)
        picked.update(found)
    return [model for number, model in enumerate(models) if number in picked]


def _numbers(word: str, most: int) -> range | None:
    """Return the positions a number or a range names; None if the word is neither."""
    match = _RANGE.fullmatch(word)
    if match is None:
        return None
    first = int(match[1])
    last = int(match[2] or match[1])
    if not 1 <= first <= last <= most:
        raise _bad_choice(word)
    return range(first - 1, last)


def _bad_choice(word: str) -> ReconcileError:
    return ReconcileError(
        Diagnostic(
            code="bad-choice",
            summary="The answer names no model of the list",
            detail=f'"{word[:80]}" is neither a number of the list, nor a range, nor a glob that '
            "matches one of its names. Nothing was written.",
            hint="reconcile import",
        )
    )
