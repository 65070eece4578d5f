"""What an item has of its own table, apart from the model that holds it."""

from dataclasses import replace
from datetime import timedelta

from reconcile.config.durations import parse_duration, parse_positive_duration
from reconcile.config.inheritance import Resolved
from reconcile.config.names import check_name, check_uuid
from reconcile.config.problems import LeafError
from reconcile.config.reader import Reader
from reconcile.config.shape.items import CacheTable, RefreshTable
from reconcile.config.timings import parse_after, read_timing
from reconcile.model.address import Address
from reconcile.model.desired import AfterRefresh, Mode, Timing
from reconcile.model.noun import noun

_DEFAULT_TIMEOUT = timedelta(minutes=15)
_NO_TIME = timedelta()


@noun(frozen=True, slots=True)
class RefreshParts:
    """What a refresh has of its own table."""

    timing: Timing
    mode: Mode
    schemas: tuple[str, ...]
    tables: tuple[str, ...]
    branch_id: str | None
    timeout: timedelta
    coalesce_within: timedelta


@noun(frozen=True, slots=True)
class ResetParts:
    """What a reset has of its own table."""

    timing: Timing
    after: Address | None

    def timing_behind(self, refresh: Address | None) -> Timing:
        """Return the timing behind another refresh: where there is no time, that is the cadence."""
        cadence = self.timing.cadence
        if refresh is None or not isinstance(cadence, AfterRefresh) or refresh == cadence.refresh:
            return self.timing
        return replace(self.timing, cadence=AfterRefresh(refresh))


def read_refresh(reader: Reader, resolved: Resolved[RefreshTable]) -> RefreshParts | None:
    """Return the parts, or None after keeping why there is no timing."""
    table, where = resolved.table, resolved.where
    timing = read_timing(reader, resolved)
    timeout = reader.read(parse_positive_duration, table.timeout, where("timeout"))
    within = reader.read(parse_duration, table.coalesce_within, where("coalesce_within"))
    branch_id = reader.read(check_uuid, table.branch_id, where("branch_id"))
    _check_filters(reader, resolved)
    if timing is None:
        return None
    return RefreshParts(
        timing=timing,
        mode=Mode(table.mode or "hard"),
        schemas=table.schemas or (),
        tables=table.tables or (),
        branch_id=branch_id,
        timeout=timeout or _DEFAULT_TIMEOUT,
        coalesce_within=within or _NO_TIME,
    )


def read_reset(reader: Reader, resolved: Resolved[CacheTable]) -> ResetParts | None:
    """Return the parts, or None after keeping why there is no timing."""
    timing = read_timing(reader, resolved)
    after = reader.read(parse_after, resolved.table.after, resolved.where("after"))
    return ResetParts(timing, after) if timing else None


def _check_filters(reader: Reader, resolved: Resolved[RefreshTable]) -> None:
    table, where, problems = resolved.table, resolved.where, reader.problems
    for name, filters in (("schemas", table.schemas), ("tables", table.tables)):
        if filters is None:
            continue
        if table.mode != "soft" and resolved.said.whole:
            problems.add(
                "filters-need-soft",
                where(name).key(),
                f"`{name}` narrows a refresh down, which Omni only does softly, and this one is "
                "hard.",
                'Add mode = "soft", or leave the filter out.',
            )
        if not filters:
            detail = f"`{name}` is empty, so it would refresh nothing. Leave it out for everything."
            problems.add("empty-list", where(name), detail)
        for number, text in enumerate(filters):
            reader.check(_check_filter, text, where(name).value(number))


def _check_filter(text: str) -> None:
    check_name(text)
    if "," in text:
        # Omni takes the list as one text with commas between, and knows no quoting in it.
        raise LeafError("bad-name", f'"{text}" holds a comma, which would be read as two names.')
