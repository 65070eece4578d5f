"""Every item, what is recorded of it and what happened: tables for people, lists for programs."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from reconcile.model import journal
from reconcile.model.struct import rfc3339
from reconcile.render import layout, records
from reconcile.render.layout import escape_terminal
from reconcile.render.reasons import spec_text
from reconcile.render.words import (
    Vantage,
    address_text,
    counted,
    duration_text,
    id_text,
    words_text,
)

# The table of items for a comment or a page.


def items_told(told: records.ItemsOutline, *, width: int, verbose: bool = False) -> layout.Told:
    """Return what `items_text` says, its first line as the headline."""
    head, as_of = _heading(told, elsewhere=True)
    lines = list(_rows(told, width=width, colour=False, verbose=verbose))
    passage = layout.Passage("Where every item stands", lines)
    return layout.Told(subject="items", headline=f"{head} {as_of}", passages=(passage,))


_HEADINGS = ("address", "status", "last success", "stamp", "next")
_GAP = 2
_INDENT = "    "


def items_text(
    told: records.ItemsOutline,
    *,
    width: int,
    colour: bool,
    verbose: bool = False,
    elsewhere: bool = False,
) -> str:
    """Return a table of every declared item, then of what is only recorded; ends with a break.

    Instants are in each item's zone. Where the table would not fit, each item takes two lines.
    Unless `verbose`, the first `MOST_LISTED` items are told, and how many more there are.
    `elsewhere`: it may be read on another day.
    """
    width = max(width, layout.LEAST_WIDTH)
    heads = layout.both_ends(*_heading(told, elsewhere=elsewhere), width)
    rows = _rows(told, width=width, colour=colour, verbose=verbose)
    return "\n".join([*heads, *rows]) + "\n"


def _heading(told: records.ItemsOutline, *, elsewhere: bool) -> tuple[str, str]:
    now = told.document.now
    as_of = told.view.in_full(now) if elsewhere else told.view.both(now)
    return counted(len(told.lines), "item"), f"as of {as_of}"


def _rows(told: records.ItemsOutline, *, width: int, colour: bool, verbose: bool) -> Iterator[str]:
    width = max(width, layout.LEAST_WIDTH)
    shown = list(told.lines if verbose else told.lines[: layout.MOST_LISTED])
    texts = [(line.name, line.status.text, *_instants(line)) for line in shown]
    entries = list(zip(texts, (line.status.ink for line in shown), strict=True))
    columns = [max(map(layout.cells, column)) for column in zip(_HEADINGS, *texts, strict=True)]
    if sum(columns) + _GAP * (len(columns) - 1) <= width:
        yield from _table(entries, columns, colour=colour)
    else:
        yield from _stacked(entries, width, colour=colour)
    if left := len(told.lines) - len(shown):
        yield from layout.wrap(f"... and {left:,} more: --verbose lists all of them.", width)


def _instants(line: records.StandingLine) -> Iterator[str]:
    known = (line.last_success, line.stamp, line.coming)
    return ("-" if instant is None else line.view.local(instant) for instant in known)


_Entry = tuple[tuple[str, ...], layout.Ink]
"""The texts of an item, one a heading, and the ink of its status."""


def _table(entries: Iterable[_Entry], columns: list[int], *, colour: bool) -> Iterator[str]:
    gap = " " * _GAP
    headings = map(layout.pad, _HEADINGS, columns)
    yield layout.paint(gap.join(headings).rstrip(), layout.Ink.DIM, colour=colour)
    for texts, ink in entries:
        name, status, *instants = map(layout.pad, texts, columns)
        yield gap.join([name, layout.paint(status, ink, colour=colour), *instants]).rstrip()


def _stacked(entries: Iterable[_Entry], width: int, *, colour: bool) -> Iterator[str]:
    for (name, status, *instants), ink in entries:
        yield name
        known = zip(_HEADINGS[2:], instants, strict=True)
        told = [f"{heading} {instant}" for heading, instant in known if instant != "-"]
        first, *rest = layout.wrap(layout.DOT.join([status, *told]), width - 4, layout.DOT)
        yield _INDENT + layout.paint(status, ink, colour=colour) + first.removeprefix(status)
        yield from (_INDENT + line for line in rest)


# What happened, entry by entry.

_OPERATION_LENGTH = 8
_COMMIT_LENGTH = 12


def history_text(entries: Iterable[journal.Numbered], *, serial: int = 0) -> str:
    """Return one line an entry: sequence, instant, what happened, to what.

    `serial`: of the state, where it is known that something happened and no entry tells of it.
    """
    lines = [
        f"{one.sequence:>6}  {rfc3339(one.entry.at):<27}  {_told(one.entry)}" for one in entries
    ]
    nothing = f"No history is kept here; the state is at serial {serial}."
    return "\n".join(lines or [nothing if serial else "Nothing has happened yet."]) + "\n"


def _told(entry: journal.Entry) -> str:
    match entry:
        case journal.Intent():
            names = ", ".join(address_text(coverage.address) for coverage in entry.covers)
            return f"intent    {_short(entry.operation)}  {entry.kind} {names}"
        case (
            journal.Noted()
            | journal.Missed()
            | journal.Forgotten()
            | journal.Marked()
            | journal.Moved()
        ):
            return f"{records.word_of(type(entry)):<8}  {address_text(entry.address)}"
        case journal.ScheduleIntent():
            name = address_text(entry.address)
            return f"intent    {_short(entry.operation)}  {entry.act} {name}"
        case journal.ScheduleKept() | journal.ScheduleGone():
            how = "adopted" if entry.operation is None else _short(entry.operation)
            if isinstance(entry, journal.ScheduleGone):
                return f"gone      {_short(entry.operation or '')}  {address_text(entry.address)}"
            return f"kept      {how}  {address_text(entry.address)}"
        case journal.Looked() | journal.EndUnseen():
            told = f"{records.word_of(type(entry)):<8}  {_short(entry.operation)}"
            return f"{told}  {words_text(entry.answer)}"
        case journal.Blamed():
            names = ", ".join(map(address_text, entry.addresses))
            return f"blamed    {names}  {words_text(entry.message)}"
        case journal.Renamed():
            moves = (f"{address_text(old)} -> {address_text(new)}" for old, new in entry.moves)
            return f"renamed   {', '.join(moves)}"
        case journal.Waived(limit=limit, value=value):
            return f"waived    {limit} up to {value:g}"
        case journal.Redated():
            behind = "ahead" if entry.ahead_s > 0 else "behind"
            calls = ", ".join(map(_short, entry.operations))
            return f"redated   {calls}  the clock was {abs(entry.ahead_s):g} s {behind}"
        case journal.Began() | journal.Signalled():
            told = _signal(entry) if isinstance(entry, journal.Signalled) else _origin(entry)
            return f"{records.word_of(type(entry)):<9} {told}"
        case _:
            operation = _short(getattr(entry, "operation", ""))
            message = getattr(entry, "message", "")
            told = f"{records.word_of(type(entry)):<8}  {operation}".rstrip()
            return f"{told}  {words_text(message)}" if message else told


def _origin(entry: journal.Began) -> str:
    """Say what was run, by whom, where, and from what, as far as it is known."""
    parts = (
        (" by ", entry.who),
        (" on ", entry.machine),
        (", commit ", entry.commit and entry.commit[:_COMMIT_LENGTH]),
        (", run ", entry.run),
    )
    told = "".join(f"{before}{escape_terminal(part)}" for before, part in parts if part)
    return f"{escape_terminal(entry.command)}{told}"


def _signal(entry: journal.Signalled) -> str:
    signal = entry.signal
    sender = "" if signal.by is None else f" by {escape_terminal(signal.by)}"
    said = "" if signal.note is None else f" ({words_text(signal.note)})"
    return f"{escape_terminal(entry.name)} at {rfc3339(signal.at)}{sender}{said}"


def _short(operation: str) -> str:
    return escape_terminal(operation[:_OPERATION_LENGTH])


# What is recorded of native schedules.


def schedule_text(record: records.RecordedSchedule, now: datetime) -> str:
    """Return everything that is known of one schedule, a fact a line; ends with a line break."""
    known = record.schedule_id
    lines = [
        address_text(record.address),
        f"  connection    {id_text(record.connection_id)}",
        f"  schedule      {id_text(known) if known else 'not known'}",
        f"  applied       {spec_text(record.spec)}",
    ]
    if record.in_doubt_since is not None:
        since = Vantage(record.timezone, now).both(record.in_doubt_since)
        lines.append(f"  in doubt      since {since}")
    return "\n".join(lines) + "\n"


# All that is recorded of one address.

_LABEL = 14
_VALUE_LIMIT = 400


def record_text(record: records.RecordedItem, view: Vantage, *, width: int) -> str:
    """Return everything that is known of one address, a fact a line; ends with a line break."""
    room = max(width, layout.LEAST_WIDTH) - _LABEL - 2
    lines = [address_text(record.address)]
    for label, value in _record_facts(record, view):
        first, *rest = layout.wrap(value, room)
        lines.append(f"  {label:<{_LABEL}}{first}")
        lines.extend(" " * (_LABEL + 2) + line for line in rest)
    return "\n".join(lines) + "\n"


def _record_facts(record: records.RecordedItem, view: Vantage) -> Iterator[tuple[str, str]]:
    instants = {
        "last success": record.last_success,
        "completed": record.completed_at,
        "covered slot": record.covered_slot,
        "stamp": record.stamp,
        "missed slot": record.missed_slot,
        "timing since": record.since,
        "marked due": record.marked_at,
    }
    for label, instant in instants.items():
        if instant is not None:
            yield label, f"{view.both(instant)}, {view.distance(instant)}"
    if record.carrier is not None:
        model = escape_terminal(record.carrier.model_id, _VALUE_LIMIT)
        yield "carried by", f"model {model}, on the same connection"
    if record.content is not None:
        yield "content", escape_terminal(record.content, _VALUE_LIMIT)
    if record.durations_s:
        yield "durations", ", ".join(duration_text(seconds) for seconds in record.durations_s)
    yield from _troubles(record, view)
    for key, value in sorted((record.declared or {}).items()):
        yield escape_terminal(key, _LABEL - 1), _declared_value(value)


def _troubles(record: records.RecordedItem, view: Vantage) -> Iterator[tuple[str, str]]:
    if record.failures:
        yield "failures", f"{record.failures:,} in a row"
    if record.last_failure is not None:
        failure = record.last_failure
        yield "last failure", f"{view.both(failure.at)}: {words_text(failure.message)}"
    if record.doubts:
        yield "doubts", f"{counted(record.doubts, 'outcome')} in a row unknown"
    if record.last_doubt is not None:
        doubt = record.last_doubt
        yield "last doubt", f"{view.both(doubt.at)}: {words_text(doubt.message)}"
    if record.pending is not None:
        yield "pending", _pending_text(record.pending, view)
    if record.pending is not None and record.pending.look is not None:
        yield "last look", _look_text(record.pending.look, view)
    if record.unseen is not None:
        yield "end not seen", _unseen_text(record.unseen, view)


def _declared_value(value: object) -> str:
    """Leave out what says nothing, so that what was declared stands out."""
    if not isinstance(value, Mapping):
        return escape_terminal(json.dumps(value, ensure_ascii=False), _VALUE_LIMIT)
    told = (f"{key} {json.dumps(part, ensure_ascii=False)}" for key, part in value.items() if part)
    return escape_terminal(", ".join(told), _VALUE_LIMIT) or "-"


def _look_text(look: records.LookDocument, view: Vantage) -> str:
    told = f"{view.with_distance(look.at)}: {words_text(look.answer)}"
    if look.absent:
        told += f"; Omni did not know the job at {counted(look.absent, 'look')}"
    if look.forbidden:
        told += f"; it could not be read at {counted(look.forbidden, 'look')}"
    return told


def _unseen_text(unseen: records.UnseenDocument, view: Vantage) -> str:
    call = unseen.call
    job = "" if call.job_id is None else f", job {escape_terminal(call.job_id, _VALUE_LIMIT)}"
    why = " (it may not be read)" if unseen.forbidden else ""
    given_up = f"awaited until {view.with_distance(unseen.at)}: {words_text(unseen.answer)}"
    return f"{call.kind} of {view.with_distance(call.since)}{job}, {given_up}{why}"


def _pending_text(pending: records.PendingDocument, view: Vantage) -> str:
    since = view.with_distance(pending.since)
    operation = escape_terminal(pending.operation, _VALUE_LIMIT)
    if pending.job_id is not None:
        job = escape_terminal(pending.job_id, _VALUE_LIMIT)
        return f"{pending.kind} since {since}, job {job} (operation {operation})"
    doubt = "accepted, end unknown" if pending.accepted else "it may or may not have been sent"
    return f"{pending.kind} since {since}, {doubt} (operation {operation})"
