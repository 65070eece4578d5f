"""From resolved tables to when an item is due, when it is held back, and the files it watches."""

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TypeVar

from reconcile.config import values
from reconcile.config.merge import FORMS, Resolved, Said
from reconcile.config.tables import AllSignals, CacheTable, FreezeTable, TimedTable
from reconcile.config.toml import Source, read_bounded
from reconcile.errors import LeafError, Problems, Severity, Where
from reconcile.model import desired
from reconcile.model.address import Address, parse_address

# Reads the files of `when_changed`, each once in a load, into one hash.
#
# Whoever can change a file of the configuration decides what is read here, and plans show the hash.
# So paths stay within the repository that the file is part of.


@dataclass(slots=True)
class WatchedFiles:
    """Digests of files read so far; None is a file that does not exist."""

    _digest: Callable[[Path], bytes | None] = field(default_factory=lambda: cache(_read_digest))
    _ground: Callable[[Path], tuple[Path, str]] = field(default_factory=lambda: cache(_ground_of))

    def watch(self, paths: tuple[str, ...], directory: Path, *, wait: bool) -> desired.WhenChanged:
        """Hash names and content of all files, in the order they are given.

        The names are as written, so that the hash is the same in every checkout. Raise `LeafError`
        for a file that lies outside, that cannot be read, or that does not exist unless told to
        wait for it.
        """
        if not paths:
            raise LeafError("empty-list", "`when_changed` names no file, so nothing could change.")
        ground = self._ground(directory)
        for path in paths:
            _require_within(*ground, path, directory)
        missing = tuple(path for path in paths if self._digest(directory / path) is None)
        if missing and not wait:
            raise LeafError(
                "watched-file-missing",
                f'"{missing[0]}" does not exist in {directory}, so nothing can tell whether it '
                "changed.",
                'Write missing = "wait" if the item is to wait until it exists.',
            )
        if missing:
            return desired.WhenChanged(paths, None, missing)
        together = hashlib.sha256()
        for path in paths:
            name = path.encode()
            together.update(len(name).to_bytes(8) + name)
            together.update(self._digest(directory / path) or b"")
        return desired.WhenChanged(paths, together.hexdigest())


def _ground_of(directory: Path) -> tuple[Path, str]:
    """Return the folder that paths stay within, and what it is to the file that names them."""
    for folder in (directory, *directory.parents):
        if (folder / ".git").exists():
            return folder, "the repository of this file"
    return directory, "the folder of this file"


def _require_within(folder: Path, name: str, path: str, directory: Path) -> None:
    """Refuse a path that leads out, also by way of `..` or a symbolic link."""
    if "\0" in path:
        raise LeafError("watched-file-unreadable", "A path cannot hold a zero byte.")
    root, real = os.path.realpath(folder), os.path.realpath(directory / path)
    if os.path.commonpath((real, root)) != root:
        raise LeafError(
            "watched-file-outside",
            f'"{path}" leads out of {folder}, {name}, and what is outside is not read.',
            f"Name a file below {folder}.",
        )


class UnreadFiles(WatchedFiles):
    """Stands in for files that are not to be looked at: their content is unknown."""

    def watch(self, paths: tuple[str, ...], directory: Path, *, wait: bool) -> desired.WhenChanged:
        """Return the paths without any content."""
        del directory, wait
        return desired.WhenChanged(paths, None)


def _read_digest(path: Path) -> bytes | None:
    try:
        return hashlib.sha256(read_bounded(path)).digest()
    except LeafError as error:
        if error.code == "file-not-found":
            return None
        raise LeafError(
            "watched-file-unreadable", f'"{path.name}" cannot be watched. {error.detail}'
        ) from None


V = TypeVar("V")
R = TypeVar("R")


@dataclass(slots=True)
class TableReader:
    """Reads the values of one table after another, keeping what cannot be understood."""

    sources: tuple[Source, ...]
    problems: Problems
    watched: WatchedFiles = field(default_factory=WatchedFiles)

    def read(self, parse: Callable[[V], R], value: V | None, where: Where) -> R | None:
        """Return the parsed value; None if there is none, or after keeping why it is none.

        `parse` may also be a check that returns nothing.
        """
        if value is None or self.problems.is_full:
            return None
        try:
            return parse(value)
        except LeafError as error:
            self.problems.refuse(error, where)
            return None

    def read_instant(self, value: datetime | str | None, where: Where) -> datetime | None:
        """Return an instant in UTC, as `read` does."""
        return (
            None if value is None else self.read(lambda _: values.parse_instant(value), "", where)
        )


# From the tables of freezes to stretches and windows of time.

_ONE_OF_TWO = 'Write either from and until, or allow = ["22:00-06:00"].'


def read_freeze(
    reader: TableReader, said: Said[FreezeTable], default_zone: str
) -> desired.Freeze | None:
    """Return the freeze, or None after keeping what cannot be understood of it."""
    table, where = said.table, said.where
    reader.read(values.check_name, table.name, where.value("name"))
    if table.match == ():
        detail = "`match` is empty, so it would freeze nothing. Leave it out to freeze everything."
        reader.problems.add("empty-list", where.value("match"), detail)
    window: desired.FrozenSpan | desired.OpenHours | None
    if table.allow is not None:
        window = _read_hours(reader, table, where, default_zone)
    else:
        window = _read_span(reader, table, where)
    return desired.Freeze(table.name, table.match, window) if window else None


def _read_span(reader: TableReader, table: FreezeTable, where: Where) -> desired.FrozenSpan | None:
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
    return desired.FrozenSpan(start, until)


def _read_hours(
    reader: TableReader, table: FreezeTable, where: Where, default_zone: str
) -> desired.OpenHours | None:
    if table.start is not None or table.until is not None:
        key = "from" if table.start is not None else "until"
        detail = f"`{key}` and `allow` are two kinds of freeze; this one has both."
        reader.problems.add("bad-freeze", where.key(key), detail, _ONE_OF_TWO)
        return None
    allow = reader.read(values.parse_windows, as_tuple(table.allow), where.value("allow"))
    days = reader.read(values.parse_days, as_tuple(table.days), where.value("days"))
    zone = reader.read(values.check_zone, table.timezone, where.value("timezone"))
    return (
        desired.OpenHours(allow, zone or default_zone, desired.ALL_DAYS if days is None else days)
        if allow
        else None
    )


# From a resolved table to a `Timing`: when an item is due.

LONGEST_ADDRESS = 1_000


def read_timing(reader: TableReader, resolved: Resolved[TimedTable]) -> desired.Timing | None:
    """Return the timing, or None after keeping every problem that stands in its way."""
    table, where = resolved.table, resolved.where
    known = len(reader.problems)
    cadence = _read_cadence(reader, resolved)
    zone = reader.read(values.check_zone, table.timezone, where("timezone"))
    spread = reader.read(values.parse_duration, table.spread, where("spread"))
    deadline = reader.read(values.parse_positive_duration, table.deadline, where("deadline"))
    pause = _read_pause(reader, resolved)
    _check_companions(reader.problems, cadence, resolved)
    if cadence is None or len(reader.problems) > known:
        return None
    return desired.Timing(
        cadence=cadence,
        zone=zone or table.timezone,
        spread=spread or timedelta(),
        deadline=deadline,
        on_change=desired.OnChange(table.on_change),
        pause=pause,
        hold_after=table.hold_after,
    )


def parse_after(text: str) -> Address:
    """Return an address in its one spelling; raise `LeafError` if the text is none."""
    address = parse_address(text) if len(text) <= LONGEST_ADDRESS else None
    if address is not None and address.startswith("models."):
        return address
    raise LeafError(
        "after-not-declared",
        f'"{text[:200]}" is not the address of a refresh.',
        'Write, for instance, after = "models.sales.refresh".',
    )


def _read_cadence(reader: TableReader, resolved: Resolved[TimedTable]) -> desired.Cadence | None:
    table, where = resolved.table, resolved.where
    forms = [form for form in FORMS if getattr(table, form, None) is not None]
    if len(forms) > 1:
        named = " and ".join(f"`{form}`" for form in forms)
        detail = f"This item has {named}. Use only one of them."
        places = tuple(where(form).key() for form in reversed(forms))
        reader.problems.add("two-cadences", places, detail, "Keep one, or declare two items.")
        return None
    match forms:
        case ["every"]:
            every = reader.read(values.parse_positive_duration, table.every, where("every"))
            return _wrap(desired.Every, every)
        case ["cron"]:
            return _wrap(desired.Cron, reader.read(values.check_cron, table.cron, where("cron")))
        case ["at"]:
            return _read_at(reader, resolved)
        case ["when_changed"]:
            return _read_files(reader, resolved)
        case ["on_signal"]:
            return _read_signals(reader, resolved)
        case ["reset_at"] if isinstance(table, CacheTable):
            instant = reader.read_instant(table.reset_at, where("reset_at"))
            return _wrap(desired.ResetAt, instant)
        case _ if isinstance(table, CacheTable) and table.after is not None:
            # What may be wrong with it is kept where `after` itself is read.
            return _wrap(desired.AfterRefresh, parse_address(table.after))
    if resolved.said.whole:
        also = ", `reset_at` or `after`" if isinstance(table, CacheTable) else ""
        reader.problems.add(
            "no-cadence",
            resolved.said.where.table(),
            f"Nothing says when this item is due. It needs one of `every`, `cron`, `at`, "
            f"`when_changed` or `on_signal`{also}, here or in [defaults].",
            'Add, for instance, every = "6h".',
        )
    return None


def _read_at(reader: TableReader, resolved: Resolved[TimedTable]) -> desired.At | None:
    table = resolved.table
    times = reader.read(values.parse_times, as_tuple(table.at), resolved.where("at"))
    days = reader.read(values.parse_days, as_tuple(table.days), resolved.where("days"))
    return desired.At(times, desired.ALL_DAYS if days is None else days) if times else None


_GLOB = re.compile(r"[*?\[]")


def _read_files(reader: TableReader, resolved: Resolved[TimedTable]) -> desired.WhenChanged | None:
    where = resolved.where("when_changed")
    directory = reader.sources[where.source].directory

    def watch(paths: tuple[str, ...]) -> desired.WhenChanged:
        return reader.watched.watch(paths, directory, wait=resolved.table.missing == "wait")

    watched = reader.read(watch, resolved.table.when_changed, where)
    for path in watched.missing if watched else ():
        if _GLOB.search(path):
            detail = f'No pattern is expanded here: the item waits for a file of the name "{path}".'
            hint = "Name the files one by one."
            reader.problems.add("watched-file-missing", where, detail, hint, Severity.WARNING)
    return watched


def _read_signals(reader: TableReader, resolved: Resolved[TimedTable]) -> desired.OnSignal | None:
    said, where = resolved.table.on_signal, resolved.where("on_signal")
    every, listed = (True, said.all) if isinstance(said, AllSignals) else (False, as_tuple(said))
    names = reader.read(values.parse_signals, listed, where)
    return None if names is None else desired.OnSignal(names, every and len(names) > 1)


def _read_pause(reader: TableReader, resolved: Resolved[TimedTable]) -> desired.Pause | None:
    pause = resolved.table.pause
    if pause is None:
        return None
    where = resolved.where("pause")
    return desired.Pause(reader.read_instant(pause.until, where.value("until")), pause.reason)


def _check_companions(
    problems: Problems, cadence: desired.Cadence | None, resolved: Resolved[TimedTable]
) -> None:
    table, where = resolved.table, resolved.where
    if cadence is None or not resolved.said.whole:
        return
    if table.days is not None and table.at is None:
        detail = "`days` says when the times in `at` hold, and this item has no `at`."
        problems.add("days-need-at", where("days").key(), detail)
    if "missing" in table.model_fields_set and table.when_changed is None:
        detail = "`missing` is about the files in `when_changed`, and this item watches none."
        problems.add("missing-needs-files", where("missing").key(), detail)
    if table.spread is not None and table.cron is None and table.at is None:
        detail = "`spread` shifts wall-clock times, and this item has neither `cron` nor `at`."
        problems.add("spread-needs-a-clock", where("spread").key(), detail)


def as_tuple(words: str | tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return one word as a list of one."""
    return (words,) if isinstance(words, str) else words


def _wrap(form: Callable[[V], R], value: V | None) -> R | None:
    return None if value is None else form(value)
