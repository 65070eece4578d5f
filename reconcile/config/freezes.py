"""From the tables of freezes to stretches and windows of time."""

from reconcile.config.gathering import Said
from reconcile.config.names import check_name
from reconcile.config.problems import Where
from reconcile.config.reader import Reader
from reconcile.config.shape.file import FreezeTable
from reconcile.config.timings import as_tuple
from reconcile.config.wall_times import parse_days, parse_windows
from reconcile.config.zones import check_zone
from reconcile.model.desired import ALL_DAYS, Freeze, FrozenSpan, OpenHours

_ONE_OF_TWO = 'Write either from and until, or allow = ["22:00-06:00"].'


def read_freeze(reader: Reader, said: Said[FreezeTable], default_zone: str) -> Freeze | None:
    """Return the freeze, or None after keeping what cannot be understood of it."""
    table, where = said.table, said.where
    reader.check(check_name, table.name, where.value("name"))
    if table.match == ():
        detail = "`match` is empty, so it would freeze nothing. Leave it out to freeze everything."
        reader.problems.add("empty-list", where.value("match"), detail)
    window: FrozenSpan | OpenHours | None
    if table.allow is not None:
        window = _read_hours(reader, table, where, default_zone)
    else:
        window = _read_span(reader, table, where)
    return Freeze(table.name, table.match or ("*",), window) if window else None


def _read_span(reader: Reader, table: FreezeTable, where: Where) -> FrozenSpan | None:
    unclear = [key for key in ("days", "timezone") if getattr(table, key) is not None]
    if table.start is None or table.until is None or unclear:
        place = where.key(unclear[0]) if unclear else where.table()
        detail = (
            f"`{unclear[0]}` belongs to `allow`, and this freeze has none."
            if unclear
            else "This freeze does not say both when it begins and when it ends."
        )
        reader.problems.add("bad-freeze", place, detail, _ONE_OF_TWO)
        return None
    start = reader.read_instant(table.start, where.value("from"))
    until = reader.read_instant(table.until, where.value("until"))
    if start is None or until is None:
        return None
    if until <= start:
        detail = "`until` is not after `from`, so this would freeze nothing."
        reader.problems.add("bad-freeze", (where.value("until"), where.value("from")), detail)
        return None
    return FrozenSpan(start, until)


def _read_hours(
    reader: Reader, table: FreezeTable, where: Where, default_zone: str
) -> OpenHours | None:
    if table.start is not None or table.until is not None:
        key = "from" if table.start is not None else "until"
        detail = f"`{key}` and `allow` are two kinds of freeze; this one has both."
        reader.problems.add("bad-freeze", where.key(key), detail, _ONE_OF_TWO)
        return None
    allow = reader.read(parse_windows, as_tuple(table.allow), where.value("allow"))
    days = reader.read(parse_days, as_tuple(table.days), where.value("days"))
    zone = reader.read(check_zone, table.timezone, where.value("timezone"))
    return (
        OpenHours(allow, zone or default_zone, ALL_DAYS if days is None else days)
        if allow
        else None
    )
