"""Declared values in words: as a file spells them, never as a program stores them."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from reconcile.model.comparison import FieldChange, Value
from reconcile.model.struct import rfc3339
from reconcile.render.escape import escape_terminal
from reconcile.render.words import WEEK, Vantage, counted, days_text, interval_text, words_text

ARROW = " -> "
NONE = "none"
A_DAY = " a day"

CADENCE = ("every", "cron", "at", "days", "when_changed", "on_signal", "reset_at")
"""The fields that say when an item is due; those of one item are told as one."""

_HEADLINE = (*CADENCE, "after", "mode", "connection", "pause.until", "pause.reason")
_WALL_CLOCK = frozenset({"cron", "at"})
_LONGEST_SHOWN = 80
_FEW = 3
_BOTH = 2
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


def sides(fields: Sequence[FieldChange], vantage: Vantage) -> tuple[str, str]:
    """Return what the changed fields said before and what they say after, beside each other.

    Of long lists each side has only what the other has not.
    """
    both: tuple[list[str], list[str]] = ([], [])
    for field in fields:
        name = escape_terminal(field.field)
        if signs := _gained_and_lost(field):
            told = {sign: few(words) for sign, words in signs}
            values = [told.get("-"), told.get("+")]
        else:
            pair = (field.before, field.after)
            values = [None if value is None else value_text(value, vantage) for value in pair]
        for side, value in zip(both, values, strict=True):
            if value is not None:
                side.append(f"{name} {value}")
    was, now = (", ".join(side) or NONE for side in both)
    return was, now


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
    if signs := _gained_and_lost(field):
        return "; ".join(f"{sign}{few(words)}" for sign, words in signs)
    return f"{value_text(field.before, vantage)}{ARROW}{value_text(field.after, vantage)}"


def _gained_and_lost(field: FieldChange) -> list[tuple[str, tuple[str, ...]]]:
    """Return what two sets do not share, by its sign; nothing where both can be shown whole."""
    sets = [part for part in (field.before, field.after) if isinstance(part, frozenset) and part]
    if len(sets) < _BOTH or sum(map(len, sets)) <= _FEW:
        return []
    return [(sign, words) for sign, words in (("+", field.gained), ("-", field.lost)) if words]
