"""From a resolved table to a `Timing`: when an item is due."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from reconcile.config.durations import parse_duration, parse_positive_duration
from reconcile.config.inheritance import FORMS, Resolved
from reconcile.config.problems import LeafError, Problems
from reconcile.config.reader import Reader
from reconcile.config.schedules import check_cron
from reconcile.config.shape.items import CacheTable, TimedTable
from reconcile.config.wall_times import parse_days, parse_times
from reconcile.config.zones import check_zone
from reconcile.model.address import Address, parse_address
from reconcile.model.desired import (
    ALL_DAYS,
    DEFAULT_HOLD_AFTER,
    AfterRefresh,
    At,
    Cadence,
    Cron,
    Every,
    OnChange,
    Pause,
    ResetAt,
    Timing,
    WhenChanged,
)

LONGEST_ADDRESS = 1_000

V = TypeVar("V")
R = TypeVar("R")


def read_timing(reader: Reader, resolved: Resolved[TimedTable]) -> Timing | None:
    """Return the timing, or None after keeping every problem that stands in its way."""
    table, where = resolved.table, resolved.where
    known = len(reader.problems)
    cadence = _read_cadence(reader, resolved)
    zone = reader.read(check_zone, table.timezone, where("timezone"))
    spread = reader.read(parse_duration, table.spread, where("spread"))
    deadline = reader.read(parse_positive_duration, table.deadline, where("deadline"))
    pause = _read_pause(reader, resolved)
    _check_companions(reader.problems, cadence, resolved)
    if cadence is None or len(reader.problems) > known:
        return None
    return Timing(
        cadence=cadence,
        zone=zone or "UTC",
        spread=spread or timedelta(),
        deadline=deadline,
        on_change=OnChange(table.on_change or "now"),
        pause=pause,
        hold_after=table.hold_after or DEFAULT_HOLD_AFTER,
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


def _read_cadence(reader: Reader, resolved: Resolved[TimedTable]) -> Cadence | None:
    table, where = resolved.table, resolved.where
    forms = [form for form in FORMS if getattr(table, form, None) is not None]
    if len(forms) > 1:
        named = " and ".join(f"`{form}`" for form in forms)
        detail = f"This item has {named}. Each of them alone says when it is due."
        places = tuple(where(form).key() for form in reversed(forms))
        reader.problems.add("two-cadences", places, detail, "Keep one, or declare two items.")
        return None
    match forms:
        case ["every"]:
            return _wrap(Every, reader.read(parse_positive_duration, table.every, where("every")))
        case ["cron"]:
            return _wrap(Cron, reader.read(check_cron, table.cron, where("cron")))
        case ["at"]:
            return _read_at(reader, resolved)
        case ["when_changed"]:
            return _read_files(reader, resolved)
        case _:
            return _read_reset_cadence(reader, resolved)


def _read_reset_cadence(reader: Reader, resolved: Resolved[TimedTable]) -> Cadence | None:
    table, where = resolved.table, resolved.where
    if isinstance(table, CacheTable):
        if table.reset_at is not None:
            return _wrap(ResetAt, reader.read_instant(table.reset_at, where("reset_at")))
        if table.after is not None:
            # What may be wrong with it is kept where `after` itself is read.
            return _wrap(AfterRefresh, parse_address(table.after))
    if resolved.said.whole:
        also = ", `reset_at` or `after`" if isinstance(table, CacheTable) else ""
        reader.problems.add(
            "no-cadence",
            resolved.said.where.table(),
            f"Nothing says when this item is due. It needs one of `every`, `cron`, `at` or "
            f"`when_changed`{also}, here or in [defaults].",
            'Add, for instance, every = "6h".',
        )
    return None


def _read_at(reader: Reader, resolved: Resolved[TimedTable]) -> At | None:
    table = resolved.table
    times = reader.read(parse_times, as_tuple(table.at), resolved.where("at"))
    days = reader.read(parse_days, as_tuple(table.days), resolved.where("days"))
    return At(times, ALL_DAYS if days is None else days) if times else None


def _read_files(reader: Reader, resolved: Resolved[TimedTable]) -> WhenChanged | None:
    where = resolved.where("when_changed")
    directory = reader.sources[where.source].directory

    def watch(paths: tuple[str, ...]) -> WhenChanged:
        return reader.watched.watch(paths, directory, wait=resolved.table.missing == "wait")

    return reader.read(watch, resolved.table.when_changed, where)


def _read_pause(reader: Reader, resolved: Resolved[TimedTable]) -> Pause | None:
    pause = resolved.table.pause
    if pause is None:
        return None
    where = resolved.where("pause")
    return Pause(reader.read_instant(pause.until, where.value("until")), pause.reason)


def _check_companions(
    problems: Problems, cadence: Cadence | None, resolved: Resolved[TimedTable]
) -> None:
    table, where = resolved.table, resolved.where
    if cadence is None or not resolved.said.whole:
        return
    if table.days is not None and table.at is None:
        detail = "`days` says when the times in `at` hold, and this item has no `at`."
        problems.add("days-need-at", where("days").key(), detail)
    if table.missing is not None and table.when_changed is None:
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
