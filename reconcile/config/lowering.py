"""From the file's words to the desired state."""

import os.path
from collections.abc import Iterable
from datetime import timedelta
from operator import attrgetter
from pathlib import Path

from reconcile.config.checks import check_items
from reconcile.config.durations import parse_duration
from reconcile.config.freezes import read_freeze
from reconcile.config.gathering import Gathered, gather
from reconcile.config.inheritance import refresh_fallback, reset_fallback
from reconcile.config.items import ItemReader
from reconcile.config.names_once import check_names
from reconcile.config.origins import parse_origin
from reconcile.config.problems import LeafError, Problems, Where
from reconcile.config.reader import Reader
from reconcile.config.reading import Source
from reconcile.config.refusals import Shaped
from reconcile.config.selecting.expanding import (
    UNLOCKED,
    declared_by_hand,
    expand,
    selections_of,
)
from reconcile.config.watched import WatchedFiles
from reconcile.config.zones import check_zone
from reconcile.model.address import misplaced, require_no_secret
from reconcile.model.desired import (
    DEFAULT_LOCK_TTL_S,
    Desired,
    Freeze,
    Generation,
    Item,
    Limits,
    Lock,
)

MOST_MODELS = 100_000
STATE_NAME = "reconcile.state.json"
SHORTEST_LOCK_TTL, LONGEST_LOCK_TTL = timedelta(seconds=3), timedelta(hours=1)


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
    by_hand = tuple(declared_by_hand(gathered)) if selections else ()
    locked = expand(gathered, selections, lock, problems)
    reader = Reader(sources, problems, watched)
    items = _read_items(reader, gathered)
    omni = gathered.omni.table if gathered.omni else None
    desired = Desired(
        items=tuple(items),
        state_url=_state_url(sources, gathered, problems),
        lock_ttl_s=_lock_ttl_s(reader, gathered),
        base_url=_base_url(reader, gathered),
        generation=Generation((omni and omni.api) or "v1"),
        requests_per_minute=(omni and omni.requests_per_minute) or 60,
        freezes=_read_freezes(reader, gathered),
        limits=_limits(gathered),
        selections=selections,
        locked=locked,
        by_hand=by_hand,
    )
    if gathered.connections:
        from reconcile.config.connections import with_connections  # noqa: PLC0415 -- most have none

        desired = with_connections(desired, reader, gathered)
    check_names(gathered.models, problems)
    if all(file.complete for file in files):
        check_items(desired, gathered, files, problems, may_be_empty=lock is UNLOCKED)
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
    return sorted(makes.items, key=attrgetter("address"))


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
        elif wrong := misplaced(url):
            problems.add("state-url", where, wrong.detail(url), wrong.meant)
        # At once and without its line: the other mistakes are shown with theirs.
        require_no_secret(url, sources[where.source].name)
    return url if "://" in url else os.path.abspath(Path(directory, url))  # noqa: PTH100


def _lock_ttl_s(reader: Reader, gathered: Gathered) -> float:
    if gathered.state is None:
        return DEFAULT_LOCK_TTL_S
    where = gathered.state.where.value("lock_ttl")
    lock_ttl = reader.read(_parse_lock_ttl, gathered.state.table.lock_ttl, where)
    return DEFAULT_LOCK_TTL_S if lock_ttl is None else lock_ttl.total_seconds()


def _parse_lock_ttl(text: str) -> timedelta:
    lock_ttl = parse_duration(text)
    if SHORTEST_LOCK_TTL <= lock_ttl <= LONGEST_LOCK_TTL:
        return lock_ttl
    raise LeafError(
        "bad-duration",
        f'"{text}" is not between 3s and 1h: a lock that ends sooner is lost to a slow answer, '
        "and one that lasts longer keeps others out for as long after its holder has died.",
    )


def _limits(gathered: Gathered) -> Limits:
    if gathered.limits is None:
        return Limits()
    table = gathered.limits.table
    return Limits(table.calls, table.hard_refreshes, table.share)
