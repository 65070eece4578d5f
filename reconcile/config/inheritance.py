"""Defaults, merged key by key. Inheritance never gives an item two cadences."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar

from reconcile.config.gathering import Said
from reconcile.config.problems import Where
from reconcile.config.shape.file import DefaultsTable
from reconcile.config.shape.items import CacheTable, RefreshTable, TimedTable
from reconcile.model.noun import noun

TableT_co = TypeVar("TableT_co", bound=TimedTable, covariant=True)

FORMS: Mapping[str, frozenset[str]] = {
    "every": frozenset(),
    "cron": frozenset(),
    "at": frozenset(("days",)),
    "when_changed": frozenset(("missing",)),
    "reset_at": frozenset(),
}
"""The cadences with a time of their own, and the keys that only mean something beside each."""

_FORM_KEYS = frozenset(FORMS).union(*FORMS.values())
_OF_BOTH = ("deadline", "on_change", "spread", "hold_after")
_OF_REFRESHES = ("coalesce_within", "timeout")


@noun(frozen=True, slots=True)
class Resolved(Generic[TableT_co]):
    """A table with its defaults filled in, and where the keys stand that are not its own."""

    table: TableT_co
    said: Said[TableT_co]
    inherited: Mapping[str, Where]

    def where(self, key: str) -> Where:
        """Point at the value of a key, in the defaults if it stands there."""
        return self.inherited.get(key) or self.said.where.value(key)


@noun(frozen=True, slots=True)
class Fallback:
    """What items of one kind inherit, and where each key of it stands."""

    values: Mapping[str, Any]
    places: Mapping[str, Where]

    def over(self, key: str, value: object, where: Where) -> "Fallback":
        """Return a fallback in which one key has another value."""
        return Fallback({**self.values, key: value}, {**self.places, key: where})

    def resolve(self, said: Said[TableT_co]) -> Resolved[TableT_co]:
        """Fill in what a table does not say itself."""
        own = _present(said.table)
        dropped = self._given_up(own)
        inherited = [key for key in self.values if key not in own and key not in dropped]
        table = replace(said.table, **{key: self.values[key] for key in inherited})
        return Resolved(table, said, {key: self.places[key] for key in inherited})

    def _given_up(self, own: Mapping[str, object]) -> set[str]:
        """Choose what an item's own words push aside.

        `after` alone is a cadence, and as such pushes an inherited time aside; beside an inherited
        time it is inherited as an order, without one it was a cadence and gives way itself.
        """
        dropped = set[str]()
        own_forms = own.keys() & FORMS.keys()
        if own_forms or "after" in own:
            kept = set[str]().union(own_forms, *(FORMS[form] for form in own_forms))
            dropped |= _FORM_KEYS - kept
        if own_forms and not self.values.keys() & FORMS.keys():
            dropped.add("after")
        if own.get("mode") == "hard":
            dropped |= {"schemas", "tables"}
        clock = {"cron", "at"} & (own.keys() | (self.values.keys() - dropped))
        return dropped if clock else dropped | {"spread"}


def refresh_fallback(defaults: Said[DefaultsTable] | None) -> Fallback:
    """Return what refreshes inherit."""
    table = defaults.table.refresh if defaults else None
    return _fallback(defaults, table, "refresh", (*_OF_BOTH, *_OF_REFRESHES))


def reset_fallback(defaults: Said[DefaultsTable] | None) -> Fallback:
    """Return what cache resets inherit."""
    table = defaults.table.cache if defaults else None
    return _fallback(defaults, table, "cache", _OF_BOTH)


def _fallback(
    defaults: Said[DefaultsTable] | None,
    table: RefreshTable | CacheTable | None,
    kind: str,
    general: Iterable[str],
) -> Fallback:
    if defaults is None:
        return Fallback({}, {})
    said = _present(defaults.table)
    keys = [key for key in ("timezone", *general) if key in said]
    values = {key: said[key] for key in keys}
    places = {key: defaults.where.value(key) for key in keys}
    for key, value in (_present(table) if table else {}).items():
        values[key] = value
        places[key] = defaults.where.value(kind, key)
    return Fallback(values, places)


def _present(table: DefaultsTable | TimedTable) -> dict[str, object]:
    return {key: value for key, value in vars(table).items() if value is not None}
