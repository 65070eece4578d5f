"""Every item and what is recorded of it: a table for people, a list for programs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice

from reconcile.model.address import Address
from reconcile.model.plan import Standing
from reconcile.model.recorded import Record, Recorded
from reconcile.render.instants import Vantage
from reconcile.render.json_text import encode, instant_json
from reconcile.render.layout import (
    DOT,
    LEAST_WIDTH,
    MOST_LISTED,
    Cell,
    Ink,
    both_ends,
    cells,
    pad,
    paint,
    wrap,
)
from reconcile.render.names import address_text, counted
from reconcile.render.reader import home_zone
from reconcile.render.records import RECORDS_FORMAT_VERSION, record_document
from reconcile.render.schedules.records import schedule_documents
from reconcile.render.standings import STATUS_INKS, next_moment, status_word

_HEADINGS = ("address", "status", "last success", "stamp", "next")
_NO_RECORD = Record()
_GAP = 2
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    status: Cell
    instants: tuple[str, str, str]


def items_text(  # noqa: PLR0913 -- what is told, and how
    standings: Sequence[Standing],
    recorded: Recorded,
    now: datetime,
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
    width = max(width, LEAST_WIDTH)
    home = Vantage(home_zone(standings), now)
    orphans = _orphans(standings, recorded)
    found = len(standings) + len(orphans)
    told = chain(
        (_declared(standing, recorded, now) for standing in standings),
        (_undeclared(address, record, home) for address, record in orphans),
    )
    entries = list(told if verbose else islice(told, MOST_LISTED))
    as_of = home.in_full(now) if elsewhere else home.both(now)
    heads = both_ends(counted(found, "item"), f"as of {as_of}", width)
    columns = _column_widths(entries)
    if sum(columns) + _GAP * (len(columns) - 1) <= width:
        rows = _table(entries, columns, colour=colour)
    else:
        rows = _stacked(entries, width, colour=colour)
    left = found - len(entries)
    foot = wrap(f"... and {left:,} more: --verbose lists all of them.", width) if left else ()
    return "\n".join([*heads, *rows, *foot]) + "\n"


def records_json(recorded: Recorded) -> str:
    """Return all that is recorded as one JSON object, sorted by address."""
    return encode(
        {
            "format_version": RECORDS_FORMAT_VERSION,
            "lineage": recorded.lineage,
            "serial": recorded.serial,
            "host": recorded.host,
            "items": [
                record_document(address, record)
                for address, record in sorted(recorded.items.items())
            ],
            "schedules": schedule_documents(recorded.schedules),
        }
    )


def items_json(standings: Sequence[Standing], recorded: Recorded, now: datetime) -> str:
    """Return what `items_text` shows as one JSON object, in the same order."""
    orphans = sorted(recorded.items.keys() - {standing.address for standing in standings})
    return encode(
        {
            "format_version": RECORDS_FORMAT_VERSION,
            "now": instant_json(now),
            "items": [
                *(_document(standing, recorded) for standing in standings),
                *(_orphan(address, recorded.items[address]) for address in orphans),
            ],
            "schedules": schedule_documents(recorded.schedules),
        }
    )


def _orphans(standings: Iterable[Standing], recorded: Recorded) -> list[tuple[Address, Record]]:
    """Return what is recorded and not declared; native schedules last."""
    declared = {standing.address for standing in standings}
    items, schedules = recorded.items.keys() - declared, recorded.schedules.keys() - declared
    return [
        *((address, recorded.items[address]) for address in sorted(items)),
        *((address, _NO_RECORD) for address in sorted(schedules)),
    ]


def _declared(standing: Standing, recorded: Recorded, now: datetime) -> _Entry:
    view = Vantage(standing.zone, now)
    record = recorded.items.get(standing.address, _NO_RECORD)
    status = Cell(status_word(standing), STATUS_INKS[standing.status])
    coming = next_moment(standing)
    return _Entry(address_text(standing.address), status, _instants(record, coming, view))


def _undeclared(address: Address, record: Record, view: Vantage) -> _Entry:
    status = Cell("not declared", Ink.DIM)
    return _Entry(address_text(address), status, _instants(record, None, view))


def _instants(record: Record, coming: datetime | None, view: Vantage) -> tuple[str, str, str]:
    known = (record.last_success, record.stamp, coming)
    first, second, third = ("-" if instant is None else view.local(instant) for instant in known)
    return first, second, third


def _column_widths(entries: Iterable[_Entry]) -> list[int]:
    rows = [_HEADINGS, *((entry.name, entry.status.text, *entry.instants) for entry in entries)]
    return [max(cells(row[column]) for row in rows) for column in range(len(_HEADINGS))]


def _table(entries: Iterable[_Entry], columns: list[int], *, colour: bool) -> Iterator[str]:
    gap = " " * _GAP
    headings = map(pad, _HEADINGS, columns)
    yield paint(gap.join(headings).rstrip(), Ink.DIM, colour=colour)
    for entry in entries:
        status = paint(pad(entry.status.text, columns[1]), entry.status.ink, colour=colour)
        instants = map(pad, entry.instants, columns[2:])
        yield gap.join([pad(entry.name, columns[0]), status, *instants]).rstrip()


def _stacked(entries: Iterable[_Entry], width: int, *, colour: bool) -> Iterator[str]:
    for entry in entries:
        yield entry.name
        status = paint(entry.status.text, entry.status.ink, colour=colour)
        known = zip(_HEADINGS[2:], entry.instants, strict=True)
        told = DOT.join(f"{heading} {instant}" for heading, instant in known if instant != "-")
        first, *rest = wrap(DOT.join(filter(None, [entry.status.text, told])), width - 4, DOT)
        yield _INDENT + status + first.removeprefix(entry.status.text)
        yield from (_INDENT + line for line in rest)


def _document(standing: Standing, recorded: Recorded) -> dict[str, object]:
    record = recorded.items.get(standing.address, _NO_RECORD)
    return {
        "address": standing.address,
        "status": standing.status.value,
        "zone": standing.zone,
        "newest_slot": instant_json(standing.newest_slot),
        "next_slot": instant_json(standing.next_slot),
        "until": instant_json(standing.until),
        "recorded": record_document(standing.address, record),
    }


def _orphan(address: Address, record: Record) -> dict[str, object]:
    return {
        "address": address,
        "status": "not_declared",
        "zone": None,
        "newest_slot": None,
        "next_slot": None,
        "until": None,
        "recorded": record_document(address, record),
    }
