"""From the file's words to the desired state."""

import os.path
from collections.abc import Iterable
from pathlib import Path

from reconcile.config.checks import check_items
from reconcile.config.freezes import read_freeze
from reconcile.config.gathering import Gathered, gather
from reconcile.config.inheritance import refresh_fallback, reset_fallback
from reconcile.config.items import ItemReader
from reconcile.config.names_once import check_names
from reconcile.config.origins import parse_origin
from reconcile.config.problems import Problems, Where
from reconcile.config.reader import Reader
from reconcile.config.reading import Source
from reconcile.config.refusals import Shaped
from reconcile.config.selecting.expanding import expand, selections_of
from reconcile.config.watched import WatchedFiles
from reconcile.config.zones import check_zone
from reconcile.model.desired import Desired, Freeze, Generation, Item, Limits
from reconcile.model.selection import Lock

MOST_MODELS = 100_000
STATE_NAME = "reconcile.state.json"


def lower(
    sources: tuple[Source, ...],
    files: tuple[Shaped, ...],
    problems: Problems,
    watched: WatchedFiles,
    lock: Lock | None = None,
) -> Desired:
    """Return the desired state these files declare. It is only sound if no problem was kept."""
    gathered = gather(files, problems)
    selections = selections_of(gathered)
    locked = expand(gathered, selections, lock, problems)
    reader = Reader(sources, problems, watched)
    items = _read_items(reader, gathered)
    omni = gathered.omni.table if gathered.omni else None
    desired = Desired(
        items=tuple(items),
        state_url=_state_url(sources, gathered, problems),
        base_url=_base_url(reader, gathered),
        generation=Generation((omni and omni.api) or "v1"),
        requests_per_minute=(omni and omni.requests_per_minute) or 60,
        freezes=_read_freezes(reader, gathered),
        limits=_limits(gathered),
        selections=selections,
        locked=locked,
    )
    check_names(gathered.models, problems)
    if all(file.complete for file in files):
        check_items(desired, gathered, files, problems)
    return desired


def _read_items(reader: Reader, gathered: Gathered) -> Iterable[Item]:
    if len(gathered.models) > MOST_MODELS:
        where = next(reversed(gathered.models.values())).first
        detail = f"{len(gathered.models):,} models are declared; {MOST_MODELS:,} is the most."
        reader.problems.add("too-many-models", where.table(), detail)
        return ()
    _check_default_zone(reader, gathered)
    makes = ItemReader(
        reader, refresh_fallback(gathered.defaults), reset_fallback(gathered.defaults)
    )
    for name, model in gathered.models.items():
        makes.add_model(name, model)
    return sorted(makes.items, key=lambda item: item.address)


def _check_default_zone(reader: Reader, gathered: Gathered) -> None:
    if defaults := gathered.defaults:
        reader.read(check_zone, defaults.table.timezone, defaults.where.value("timezone"))


def _read_freezes(reader: Reader, gathered: Gathered) -> tuple[Freeze, ...]:
    defaults = gathered.defaults
    zone = (defaults and defaults.table.timezone) or "UTC"
    read = (read_freeze(reader, said, zone) for said in gathered.freezes)
    return tuple(freeze for freeze in read if freeze)


def _base_url(reader: Reader, gathered: Gathered) -> str | None:
    if gathered.omni is None:
        return None
    where = gathered.omni.where.value("base_url")
    return reader.read(parse_origin, gathered.omni.table.base_url, where)


def _state_url(sources: tuple[Source, ...], gathered: Gathered, problems: Problems) -> str:
    """Make a path absolute, from the folder of the file that says it; keep any other URL as is."""
    directory, url = sources[0].directory, STATE_NAME
    if gathered.state:
        where: Where = gathered.state.where.value("url")
        directory, url = sources[where.source].directory, gathered.state.table.url
        if not url or not url.isprintable():
            detail = "`url` is empty or holds characters that are not seen."
            problems.add("bad-name", where, detail)
    return url if "://" in url else os.path.abspath(Path(directory, url))  # noqa: PTH100


def _limits(gathered: Gathered) -> Limits:
    if gathered.limits is None:
        return Limits()
    table = gathered.limits.table
    return Limits(table.calls, table.hard_refreshes, table.share)
