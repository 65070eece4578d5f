"""The filter of a merged soft refresh: it narrows no member's own, however Omni reads it.

No source says whether `schemas` beside `tables` means "both" or "either" (omni-api.md 9.5). So
filters are only united with filters of the same shape; where shapes differ, what is sent names
schemas alone, of which there is but one reading.
"""

from collections.abc import Sequence

from reconcile.model.noun import noun
from reconcile.model.plan import Member

_QUOTES = frozenset("\"'`[]")


@noun(frozen=True, slots=True)
class Filter:
    """What a refresh is narrowed to; without either it is of everything."""

    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()


EVERYTHING = Filter()


def covering_filter(members: Sequence[Member]) -> Filter:
    """Return a filter that covers each member's own, under either reading.

    Members without a filter want everything. One with schemas and tables is a shape of its own:
    two such filters united cover both, read either way; beside another shape it may mean any of
    its schemas and any of its tables.
    """
    if not all(member.schemas or member.tables for member in members):
        return EVERYTHING
    schemas = {name for member in members for name in member.schemas}
    tables = {name for member in members for name in member.tables}
    shapes = {(bool(member.schemas), bool(member.tables)) for member in members}
    if len(shapes) == 1:
        return Filter(tuple(sorted(schemas)), tuple(sorted(tables)))
    for table in tables:
        schema = _schema_of(table)
        if schema is None:
            return EVERYTHING
        schemas.add(schema)
    return Filter(tuple(sorted(schemas)))


def _schema_of(table: str) -> str | None:
    """Return the schema of a table as the file spells it, with its catalog; None if it is not told.

    A wildcard in the last part leaves the schema known; one before it may stand for any. Where a
    name is quoted, its dots are not known to divide it.
    """
    schema, _, name = table.rpartition(".")
    untold = not name or "*" in schema or not all(schema.split("."))
    return None if untold or _QUOTES & set(table) else schema
