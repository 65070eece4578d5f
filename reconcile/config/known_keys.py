"""Which keys a table can hold, for suggestions."""

import re

from reconcile.config.problems import KeyPath
from reconcile.config.shape.connections import ConnectionTable, ScheduleTable
from reconcile.config.shape.file import (
    DefaultsTable,
    Document,
    FreezeTable,
    LimitsTable,
    OmniTable,
    StateTable,
)
from reconcile.config.shape.items import CacheTable, ModelTable, PauseTable, RefreshTable
from reconcile.config.shape.select import SelectTable
from reconcile.config.shape.table import Table, key_names

_CREDENTIAL = re.compile(r"api[_-]?key|token|secret|password|authorization|bearer", re.IGNORECASE)
_SECTIONS: dict[str | int, type[Table]] = {
    "omni": OmniTable,
    "state": StateTable,
    "defaults": DefaultsTable,
    "limits": LimitsTable,
    "freeze": FreezeTable,
    "select": SelectTable,
}


def known_keys(table: KeyPath) -> tuple[str, ...]:
    """Return the keys of the table at that path, as they are spelled in a file."""
    return key_names(_shape_of(table))


def names_credential(key: str) -> bool:
    """Tell whether a key seems meant for a credential."""
    return _CREDENTIAL.search(key[:200]) is not None


def _shape_of(table: KeyPath) -> type[Table]:
    match table:
        case ("models", _):
            return ModelTable
        case ("connections", _):
            return ConnectionTable
        case ("connections", _, "schedules", _):
            return ScheduleTable
        case ("defaults", "refresh") | ("models" | "select", _, "refresh"):
            return RefreshTable
        case ("defaults", "cache") | ("models" | "select", _, "cache", _):
            return CacheTable
        case (*_, "pause"):
            return PauseTable
        case (section, *_):
            return _SECTIONS.get(section, Document)
        case _:
            return Document
