"""Declared values in words: as a file spells them, never as a program stores them."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from reconcile.model.comparison import FieldChange, Value
from reconcile.render.escape import escape_terminal
from reconcile.render.words import (
    WEEK,
    Vantage,
    counted,
    days_text,
    interval_text,
    rfc3339,
    words_text,
)

ARROW = " -> "
NONE = "none"
A_DAY = " a day"

CADENCE = ("every", "cron", "at", "days", "when_changed", "on_signal", "reset_at")
"""The fields that say when an item is due; those of one item are told as one."""

_HEADLINE = (*CADENCE, "after", "mode", "connection", "pause.until", "pause.reason")
_WALL_CLOCK = frozenset({"cron", "at"})
_LONGEST_SHOWN = 80
_FEW = 3
_MOST_PARTS = 8


def value_json(value: Value) -> str | float | list[str] | None:
    """Return a value as JSON: durations as files spell them, instants in RFC 3339."""
    match value:
        case timedelta():
            return interval_text(value)
        case datetime():
            return rfc3339(value)
        case frozenset():
            return sorted(value)
        case tuple():
            return list(value)
        case _:
            return value


def value_text(value: Value, vantage: Vantage) -> str:
    """Return a value in words, safe for a terminal, without a line break."""
    if value is None or (isinstance(value, frozenset | tuple) and not value):
        return NONE
    match value:
        case timedelta():
            return interval_text(value)
        case datetime():
            return vantage.both(value)
        case frozenset():
            return few(sorted(value))
        case tuple():
            return days_text(map(WEEK.index, value)) if set(value) <= set(WEEK) else few(value)
        case str():
            return escape_terminal(value, _LONGEST_SHOWN)
        case _:
            return f"{value:,}"


def file_words(value: Value) -> str:
    """Return a value as a file spells it, safe for a terminal: `"06:00"`, `"6h"`, `["a", "b"]`."""
    match value:
        case None:
            return NONE
        case timedelta():
            return f'"{interval_text(value)}"'
        case datetime():
            return rfc3339(value)
        case str():
            return words_text(value, _LONGEST_SHOWN)
        case frozenset() | tuple():
            parts = sorted(value) if isinstance(value, frozenset) else list(value)
            shown = [words_text(part, _LONGEST_SHOWN) for part in parts[:_MOST_PARTS]]
            if len(parts) > _MOST_PARTS:
                shown.append(f"and {len(parts) - _MOST_PARTS:,} more")
            return shown[0] if len(parts) == 1 else f"[{', '.join(shown)}]"
        case _:
            return str(value)


def field_lines(fields: Sequence[FieldChange], vantage: Vantage) -> Iterator[str]:
    """Yield one line a changed field; a cadence of another form is one change."""
    timed = [field for field in fields if field.field in CADENCE]
    if timed and any(field.before is None or field.after is None for field in timed):
        was = [f"{f.field} {value_text(f.before, vantage)}" for f in timed if f.before is not None]
        now = [f"{f.field} {value_text(f.after, vantage)}" for f in timed if f.after is not None]
        yield f"{', '.join(was) or NONE}{ARROW}{', '.join(now) or NONE}"
        fields = [field for field in fields if field not in timed]
    for field in fields:
        yield f"{escape_terminal(field.field)} {_change(field, vantage)}"


def headline(fields: Sequence[FieldChange], vantage: Vantage, *, after: bool) -> str:
    """Return what matters most of an item that is only in one version, as one line."""
    said = {field.field: field.after if after else field.before for field in fields}
    shown = [name for name in _HEADLINE if said.get(name) is not None]
    if said.keys() & _WALL_CLOCK:
        shown.append("timezone")
    return ", ".join(f"{name} {value_text(said[name], vantage)}" for name in shown)


def whole(fields: Sequence[FieldChange], vantage: Vantage, *, after: bool) -> str:
    """Return everything that is said in one version, of what the other does not have."""
    said = ((field.field, field.after if after else field.before) for field in fields)
    return ", ".join(
        f"{escape_terminal(name)} {value_text(value, vantage)}"
        for name, value in said
        if value is not None
    )


def few(words: Sequence[str]) -> str:
    """Return the first few words of others, and how many more there are."""
    shown = ", ".join(escape_terminal(word, _LONGEST_SHOWN) for word in words[:_FEW])
    more = len(words) - _FEW
    return f"{shown} and {more:,} more" if more > 0 else shown


def rate_text(per_day: Sequence[int]) -> str:
    """Return `4 a day` or `0 to 2 a day`, and plain counts where there are too few whole days.

    The first day and the last are left out: each may have lost a run at its edge.
    """
    inner = per_day[1:-1]
    if not inner:
        return counted(sum(per_day), "run")
    low, high = min(inner), max(inner)
    return f"{low:,}{A_DAY}" if low == high else f"{low:,} to {high:,}{A_DAY}"


def rates_text(before: Sequence[int], after: Sequence[int]) -> str:
    """Return two rates as one change, `4 -> 24 a day`."""
    was, now = rate_text(before), rate_text(after)
    return f"{was.removesuffix(A_DAY) if now.endswith(A_DAY) else was}{ARROW}{now}"


def _change(field: FieldChange, vantage: Vantage) -> str:
    before, after = field.before, field.after
    sets = [part for part in (before, after) if isinstance(part, frozenset) and part]
    if sum(map(len, sets)) > _FEW and len(sets) > 1 and (field.gained or field.lost):
        signs = (("+", field.gained), ("-", field.lost))
        return "; ".join(f"{sign}{few(words)}" for sign, words in signs if words)
    return f"{value_text(before, vantage)}{ARROW}{value_text(after, vantage)}"
