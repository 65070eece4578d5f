"""What happened, entry by entry."""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from datetime import datetime

from reconcile.model.journal import (
    Began,
    Blamed,
    ClockMended,
    EndUnseen,
    Entry,
    Forgotten,
    Intent,
    Looked,
    Marked,
    Missed,
    Moved,
    Noted,
    Numbered,
    Redated,
    Rejected,
    Renamed,
    ScheduleGone,
    ScheduleIntent,
    ScheduleKept,
)
from reconcile.render.escape import escape_terminal
from reconcile.render.instants import rfc3339
from reconcile.render.json_text import encode
from reconcile.render.names import address_text, words_text

HISTORY_FORMAT_VERSION = 1
_OPERATION_LENGTH = 8
_COMMIT_LENGTH = 12


def history_text(entries: Iterable[Numbered], *, serial: int = 0) -> str:
    """Return one line an entry: sequence, instant, what happened, to what.

    `serial`: of the state, where it is known that something happened and no entry tells of it.
    """
    lines = [
        f"{one.sequence:>6}  {rfc3339(one.entry.at):<27}  {_told(one.entry)}" for one in entries
    ]
    nothing = f"No history is kept here; the state is at serial {serial}."
    return "\n".join(lines or [nothing if serial else "Nothing has happened yet."]) + "\n"


def history_json(entries: Iterable[Numbered]) -> str:
    """Return the same as one JSON object."""
    listed = [
        {"sequence": one.sequence, "entry": _word(one.entry), **_facts(one.entry)}
        for one in entries
    ]
    return encode({"format_version": HISTORY_FORMAT_VERSION, "entries": listed})


def _told(entry: Entry) -> str:
    match entry:
        case Intent():
            names = ", ".join(address_text(coverage.address) for coverage in entry.covers)
            return f"intent    {_short(entry.operation)}  {entry.kind} {names}"
        case Noted() | Missed() | Forgotten() | Marked() | Moved():
            return f"{_word(entry):<8}  {address_text(entry.address)}"
        case ScheduleIntent():
            name = address_text(entry.address)
            return f"intent    {_short(entry.operation)}  {entry.act} {name}"
        case ScheduleKept() | ScheduleGone():
            how = "adopted" if entry.operation is None else _short(entry.operation)
            if isinstance(entry, ScheduleGone):
                return f"gone      {_short(entry.operation or '')}  {address_text(entry.address)}"
            return f"kept      {how}  {address_text(entry.address)}"
        case Looked() | EndUnseen():
            told = f"{_word(entry):<8}  {_short(entry.operation)}"
            return f"{told}  {words_text(entry.answer)}"
        case Blamed():
            names = ", ".join(map(address_text, entry.addresses))
            return f"blamed    {names}  {words_text(entry.message)}"
        case Renamed():
            moves = (f"{address_text(old)} -> {address_text(new)}" for old, new in entry.moves)
            return f"renamed   {', '.join(moves)}"
        case ClockMended():
            return "clock_mended"
        case Redated():
            behind = "ahead" if entry.ahead_s > 0 else "behind"
            calls = ", ".join(map(_short, entry.operations))
            return f"redated   {calls}  the clock was {abs(entry.ahead_s):g} s {behind}"
        case Began():
            return f"began     {_origin(entry)}"
        case _:
            operation = _short(getattr(entry, "operation", ""))
            message = getattr(entry, "message", "")
            told = f"{_word(entry):<8}  {operation}"
            return f"{told}  {words_text(message)}" if message else told


def _word(entry: Entry) -> str:
    if isinstance(entry, EndUnseen):
        return "unseen"
    name = type(entry).__name__
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).removeprefix("_")


def _origin(entry: Began) -> str:
    """Say what was run, by whom, where, and from what, as far as it is known."""
    parts = (
        (" by ", entry.who),
        (" on ", entry.machine),
        (", commit ", entry.commit and entry.commit[:_COMMIT_LENGTH]),
        (", run ", entry.run),
    )
    told = "".join(f"{before}{escape_terminal(part)}" for before, part in parts if part)
    return f"{escape_terminal(entry.command)}{told}"


def _short(operation: str) -> str:
    return escape_terminal(operation[:_OPERATION_LENGTH])


def _facts(value: object) -> dict[str, object]:
    if not is_dataclass(value):
        raise TypeError(value)
    facts = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Rejected):
        facts["blames_item"] = value.blames != ()
    if isinstance(value, Renamed):
        facts["moves"] = [{"from": old, "to": new} for old, new in value.moves]
    return facts


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if is_dataclass(value):
        return _facts(value)
    return value
