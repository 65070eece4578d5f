"""A `[[select]]` and the lock file beside it, as they are spelled."""

from typing import Annotated

from reconcile.config.shape.items import CacheTable, RefreshTable
from reconcile.config.shape.table import Table, key, publishing
from reconcile.config.shape.words import ARRAY, Checked, Name, Uuid
from reconcile.model.noun import noun


@noun(frozen=True, slots=False, kw_only=True)
class SelectTable(Table):
    """One template for every model it matches. `reconcile lock` writes down which those are."""

    __pydantic_config__ = publishing(
        {"anyOf": [{"required": ["refresh"]}, {"required": ["cache"]}]}
    )

    name: str | None = key("Glob over Omni's names of models.", "Sales*", default="*")
    kind: str | None = key("Omni's kind of model.", "SHARED_EXTENSION", default="SHARED")
    connection: str | None = key(
        "Glob over the connection: Omni's name or id of it, or your own name. Any if not given.",
        "warehouse",
    )
    timezone: str | None = key("IANA time zone of these models' items.", "America/New_York")
    refresh: RefreshTable | None = key("When the schema of each is refreshed.", {"every": "6h"})
    cache: dict[str, CacheTable] | None = key(
        'Cache policies of each, by their name in Omni. after = "refresh" is the model\'s own.',
        {"daily_cache_policy": {"at": "06:00", "after": "refresh"}},
    )


@noun(frozen=True, slots=False, kw_only=True)
class LockedTable(Table):
    """One model in the lock file."""

    id: Uuid
    title: str | None = None
    connection: Name | None = None
    select: Annotated[int, Checked(ge=1, le=1_000_000)]


@noun(frozen=True, slots=False, kw_only=True)
class LockDocument(Table):
    """The lock file."""

    made_for: Annotated[tuple[str, ...], ARRAY]
    models: dict[str, LockedTable] | None = None
