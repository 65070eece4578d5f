"""From the file's words to the desired state."""

import os.path
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from operator import attrgetter
from pathlib import Path

from msgspec import Struct

from reconcile.config import merge, tables, values
from reconcile.config.timings import (
    TableReader,
    as_tuple,
    parse_after,
    read_freeze,
    read_timing,
)
from reconcile.errors import LeafError, Problems, Where
from reconcile.model import address
from reconcile.model import desired as declared
from reconcile.model.struct import replace
from reconcile.planning.time.cron import CronError
from reconcile.planning.time.eventbridge import canonical, from_wall_times

MOST_MODELS = 100_000
STATE_NAME = "reconcile.state.json"
SHORTEST_LOCK_TTL, LONGEST_LOCK_TTL = timedelta(seconds=3), timedelta(hours=1)


def lower(
    reader: TableReader,
    gathered: merge.Gathered,
    lock: declared.LockFile | None,
    known: Mapping[str, Sequence[declared.Item]],
) -> declared.Desired:
    """Return the desired state that was gathered. It is only sound if no problem was kept.

    The models that the lock has are added to `gathered`. `known`: the items of some models.
    """
    selections = merge.selections_of(gathered)
    by_hand = tuple(merge.declared_by_hand(gathered)) if selections else ()
    locked = merge.expand(gathered, selections, lock, reader.problems)
    items = _read_items(reader, gathered, known)
    omni = gathered.omni.table if gathered.omni else tables.OmniTable()
    limits = gathered.limits.table if gathered.limits else tables.LimitsTable()
    zone = (gathered.defaults.table if gathered.defaults else tables.DefaultsTable()).timezone
    freezes = [read_freeze(reader, said, zone) for said in gathered.freezes]
    desired = declared.Desired(
        items=tuple(items),
        state_url=_state_url(reader, gathered),
        lock_ttl_s=_lock_ttl_s(reader, gathered),
        base_url=_base_url(reader, gathered),
        generation=declared.Generation(omni.api),
        requests_per_minute=omni.requests_per_minute,
        freezes=tuple(filter(None, freezes)),
        limits=declared.Limits(limits.calls, limits.hard_refreshes, limits.share),
        selections=selections,
        locked=locked,
        by_hand=by_hand,
        webhooks=tuple(read_webhook(reader, *signal) for signal in gathered.signals.items()),
    )
    return with_connections(desired, reader, gathered, zone) if gathered.connections else desired


def _read_items(
    reader: TableReader, gathered: merge.Gathered, known: Mapping[str, Sequence[declared.Item]]
) -> Iterable[declared.Item]:
    if len(gathered.models) > MOST_MODELS:
        where = next(reversed(gathered.models.values())).first
        detail = f"{len(gathered.models):,} models are declared; {MOST_MODELS:,} is the most."
        reader.problems.add("too-many-models", where.table(), detail)
        return ()
    defaults = gathered.defaults
    if defaults:
        reader.read(values.check_zone, defaults.table.timezone, defaults.where.value("timezone"))
    makes = ItemReader(
        reader, merge.fallback(defaults, "refresh"), merge.fallback(defaults, "cache")
    )
    for name, model in gathered.models.items():
        if name in known:
            makes.items += known[name]
        else:
            makes.add_model(name, model)
    return sorted(makes.items, key=attrgetter("address"))


def _base_url(reader: TableReader, gathered: merge.Gathered) -> str | None:
    if gathered.omni is None:
        return None
    where = gathered.omni.where.value("base_url")
    return reader.read(values.parse_origin, gathered.omni.table.base_url, where)


def _state_url(reader: TableReader, gathered: merge.Gathered) -> str:
    """Make a path absolute, from the folder of the file that says it; keep any other URL as is."""
    sources, problems = reader.sources, reader.problems
    directory, url = sources[0].directory, STATE_NAME
    if gathered.state:
        where: Where = gathered.state.where.value("url")
        directory, url = sources[where.source].directory, gathered.state.table.url
        if not url or not url.isprintable():
            detail = "`url` is empty or holds characters that are not seen."
            problems.add("bad-name", where, detail)
        elif wrong := address.misplaced(url):
            problems.add("state-url", where, wrong.detail(url), wrong.meant)
        # At once and without its line: the other mistakes are shown with theirs.
        address.require_no_secret(url, sources[where.source].name)
    return url if "://" in url else os.path.abspath(Path(directory, url))  # noqa: PTH100


def _lock_ttl_s(reader: TableReader, gathered: merge.Gathered) -> float:
    if gathered.state is None:
        return declared.DEFAULT_LOCK_TTL_S
    where = gathered.state.where.value("lock_ttl")
    lock_ttl = reader.read(_parse_lock_ttl, gathered.state.table.lock_ttl, where)
    return declared.DEFAULT_LOCK_TTL_S if lock_ttl is None else lock_ttl.total_seconds()


def _parse_lock_ttl(text: str) -> timedelta:
    lock_ttl = values.parse_duration(text)
    if SHORTEST_LOCK_TTL <= lock_ttl <= LONGEST_LOCK_TTL:
        return lock_ttl
    raise LeafError(
        "bad-duration",
        f'"{text}" is not between 3s and 1h: a lock that ends sooner is lost to a slow answer, '
        "and one that lasts longer keeps others out for as long after its holder has died.",
    )


# What an item has of its own table, apart from the model that holds it.

_NO_TIME = timedelta()


def read_refresh(
    reader: TableReader, resolved: merge.Resolved[tables.RefreshTable]
) -> partial[declared.RefreshItem] | None:
    """Return the item but for its model, or None after keeping why there is no timing."""
    table, where = resolved.table, resolved.where
    timing = read_timing(reader, resolved)
    timeout = reader.read(values.parse_positive_duration, table.timeout, where("timeout"))
    within = reader.read(values.parse_duration, table.coalesce_within, where("coalesce_within"))
    branch_id = reader.read(values.check_uuid, table.branch_id, where("branch_id"))
    _check_filters(reader, resolved)
    if timing is None:
        return None
    return partial(
        declared.RefreshItem,
        timing=timing,
        mode=declared.Mode(table.mode),
        schemas=table.schemas or (),
        tables=table.tables or (),
        branch_id=branch_id,
        timeout=timeout or _NO_TIME,
        coalesce_within=within or _NO_TIME,
    )


def _behind(timing: declared.Timing, refresh: address.Address | None) -> declared.Timing:
    """Return the timing behind another refresh: where there is no time, that is the cadence."""
    cadence = timing.cadence
    if (
        refresh is None
        or not isinstance(cadence, declared.AfterRefresh)
        or refresh == cadence.refresh
    ):
        return timing
    return replace(timing, cadence=declared.AfterRefresh(refresh))


def _check_filters(reader: TableReader, resolved: merge.Resolved[tables.RefreshTable]) -> None:
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
            reader.read(_check_filter, text, where(name).value(number))


def _check_filter(text: str) -> None:
    values.check_name(text)
    if "," in text:
        # Omni takes the list as one text with commas between, and knows no quoting in it.
        raise LeafError("bad-name", f'"{text}" holds a comma, which would be read as two names.')


@dataclass(slots=True)
class ItemReader:
    """Makes the items of model after model; equal tables are understood once."""

    reader: TableReader
    refreshes: merge.Fallback
    resets: merge.Fallback
    items: list[declared.Item] = field(default_factory=list)
    _refreshes: dict[object, partial[declared.RefreshItem]] = field(default_factory=dict)
    _resets: dict[object, tuple[declared.Timing, address.Address | None]] = field(
        default_factory=dict
    )

    def add_model(self, name: str, model: merge.GatheredModel) -> None:
        """Make every item of one model; keep what stands in the way of any of them."""
        own = model.own
        model_id = self._check_model(name, model)
        refresh = address.refresh_address(name)
        if own and own.table.refresh and (make := self._refresh(own, own.table.refresh)):
            said = own.table.connection
            connection = None if said is None else address.fold_id(said)
            self.items.append(
                make(address=refresh, model=name, model_id=model_id, connection=connection)
            )
        for policy, reset in model.policies.items():
            self.reader.read(values.check_name, policy, reset.where.key())
            if known := self._reset(reset, own):
                timing, inherited = known
                after = self._read_after(reset, refresh) or inherited
                self.items.append(
                    declared.ResetItem(
                        address=address.reset_address(name, policy),
                        model=name,
                        model_id=model_id,
                        policy=policy,
                        timing=_behind(timing, after),
                        after=after,
                    )
                )

    def _check_model(self, name: str, model: merge.GatheredModel) -> str:
        problems = self.reader.problems
        self.reader.read(values.check_name, name, model.first.key())
        own = model.own
        if own is None or own.table.id is None:
            if model.whole:
                where = own.where if own else model.first
                detail = f'No file gives the id of model "{name}", so there is nothing to call.'
                hint = 'Add id = "...", the model\'s UUID in Omni.'
                problems.add("model-without-id", where.table(), detail, hint)
            return ""
        if own.table.connection is not None:
            where = own.where.value("connection")
            self.reader.read(values.check_name, own.table.connection, where)
        if own.table.timezone is not None:
            self.reader.read(values.check_zone, own.table.timezone, own.where.value("timezone"))
        return self.reader.read(values.check_uuid, own.table.id, own.where.value("id")) or ""

    def _refresh(
        self, model: merge.Said[tables.ModelTable], table: tables.RefreshTable
    ) -> partial[declared.RefreshItem] | None:
        zone = model.table.timezone
        alike = (model.file.source, zone, *vars(table).values(), frozenset(table.model_fields_set))
        if alike not in self._refreshes:
            resolved = self.refreshes.below(model).resolve(model.below(table, "refresh"))
            made = read_refresh(self.reader, resolved)
            if made is None:
                return None
            self._refreshes[alike] = made
        return self._refreshes[alike]

    def _reset(
        self, said: merge.Said[tables.CacheTable], model: merge.Said[tables.ModelTable] | None
    ) -> tuple[declared.Timing, address.Address | None] | None:
        """Return when it is due and after what, or None after keeping why there is no timing."""
        # `after`, the last key, differs from model to model where everything else is the same.
        *timed, _ = vars(said.table).values()
        zone = model.table.timezone if model else None
        alike = (said.file.source, zone, *timed, frozenset(said.table.model_fields_set))
        if alike not in self._resets:
            resolved = self.resets.below(model).resolve(said)
            timing = read_timing(self.reader, resolved)
            after = self.reader.read(parse_after, resolved.table.after, resolved.where("after"))
            if timing is None:
                return None
            self._resets[alike] = timing, after
        return self._resets[alike]

    def _read_after(
        self, said: merge.Said[tables.CacheTable], own_refresh: address.Address
    ) -> address.Address | None:
        """Return the address a reset follows by its own words; most follow their own model."""
        after = said.table.after
        if after == own_refresh:
            return own_refresh
        return self.reader.read(parse_after, after, said.where.value("after"))


# From connection tables to Omni's own schedules, as they should be there.


def with_connections(
    desired: declared.Desired, reader: TableReader, gathered: merge.Gathered, zone: str
) -> declared.Desired:
    """Return the desired state with its connections, and with models naming them in one way."""
    connections: list[declared.Connection] = []
    schedules: list[declared.ScheduleItem] = []
    for name, said in gathered.connections.items():
        connection = _read_connection(reader, name, said)
        connections.append(connection)
        schedules.extend(_read_schedules(reader, connection, said, zone))
    _check_ids(connections, gathered, reader.problems)
    _check_equal(schedules, gathered, reader.problems)
    names = {connection.id: connection.name for connection in connections}
    apart = {connection.name for connection in connections if not connection.merge}
    return replace(
        desired,
        items=tuple(_named(item, names, apart) for item in desired.items),
        connections=tuple(sorted(connections, key=lambda connection: connection.name)),
        schedules=tuple(sorted(schedules, key=lambda schedule: schedule.address)),
    )


def _named(item: declared.Item, names: Mapping[str, str], apart: Collection[str]) -> declared.Item:
    """Call a connection by its name where the model has its id, so that both are one.

    `apart`: the connections whose refreshes share no calls.
    """
    if isinstance(item, declared.RefreshItem) and item.connection:
        name = names.get(item.connection, item.connection)
        if name != item.connection or name in apart:
            return replace(item, connection=name, merges=name not in apart)
    return item


def _read_connection(
    reader: TableReader, name: str, said: merge.Said[tables.ConnectionTable]
) -> declared.Connection:
    reader.read(values.check_name, name, said.where.key())
    if said.table.id is None and said.whole:
        detail = f'Nothing gives the id of connection "{name}", so there is nothing to call.'
        hint = 'Add id = "...", as `reconcile discover` or `GET /api/v1/connections` lists it.'
        reader.problems.add("connection-without-id", said.where.table(), detail, hint)
    connection_id = reader.read(values.check_uuid, said.table.id, said.where.value("id"))
    return declared.Connection(
        name, connection_id or "", declared.Manage(said.table.manage), said.table.merge
    )


def _read_schedules(
    reader: TableReader,
    connection: declared.Connection,
    said: merge.Said[tables.ConnectionTable],
    zone: str,
) -> Iterator[declared.ScheduleItem]:
    for name, table in (said.table.schedules or {}).items():
        where = said.where.value("schedules", name)
        reader.read(values.check_name, name, where.key())
        cron = _read_cron(reader, table, where)
        own_zone = reader.read(values.check_zone, table.timezone, where.value("timezone"))
        if cron is not None:
            yield declared.ScheduleItem(
                address=address.schedule_address(connection.name, name),
                connection=connection.name,
                connection_id=connection.id,
                spec=declared.ScheduleSpec(cron, own_zone or zone, table.hard),
            )


def _read_cron(reader: TableReader, table: tables.ScheduleTable, where: Where) -> str | None:
    problems = reader.problems
    if table.cron is not None and table.at is not None:
        detail = "This schedule has `cron` and `at`. Use only one of them."
        places = (where.key("at"), where.key("cron"))
        problems.add("two-cadences", places, detail, "Keep one, or declare two schedules.")
        return None
    if table.days is not None and table.at is None:
        detail = "`days` stands without `at`; cron has a field of its own for days."
        problems.add("days-need-at", where.key("days"), detail)
    if table.cron is not None:
        return reader.read(_canonical, table.cron, where.value("cron"))
    if table.at is None:
        detail = "Nothing says when this schedule runs."
        hint = 'Add, for instance, cron = "0 2 * * ? *" or at = "02:00".'
        problems.add("schedule-without-time", where.table(), detail, hint)
        return None
    return _read_times(reader, table, where)


def _read_times(reader: TableReader, table: tables.ScheduleTable, where: Where) -> str | None:
    times = reader.read(values.parse_times, as_tuple(table.at), where.value("at"))
    days = reader.read(values.parse_days, as_tuple(table.days), where.value("days"))
    if times is None:
        return None
    expressions = from_wall_times(times, declared.ALL_DAYS if days is None else days)
    if len(expressions) == 1:
        return expressions[0]
    *above, name = map(str, where.path)
    zone = f', timezone = "{table.timezone}"' if table.timezone is not None else ""
    hard = ", hard = true" if table.hard else ""
    several = (
        f'{address.quote_key(f"{name}-{number}")} = {{ cron = "{expression}"{zone}{hard} }}'
        for number, expression in enumerate(expressions, 1)
    )
    header = f"[{'.'.join(map(address.quote_key, above))}]"
    reader.problems.add(
        "several-expressions",
        where.value("at"),
        f"These times take {len(expressions)} cron expressions, and a native schedule has one.",
        f"Declare each of them instead, in {header}, on lines of their own: {', '.join(several)}",
    )
    return None


def _canonical(text: str) -> str:
    try:
        return canonical(text)
    except CronError as error:
        raise LeafError("bad-native-cron", error.message, offset=error.position) from None


def _check_ids(
    connections: list[declared.Connection], gathered: merge.Gathered, problems: Problems
) -> None:
    met: dict[str, str] = {}
    for connection in connections:
        first = met.setdefault(connection.id, connection.name)
        if first != connection.name and connection.id:
            places = (_place(gathered, connection.name), _place(gathered, first))
            detail = f"`{connection.name}` and `{first}` have the same id."
            problems.add("same-connection", places, detail, "Keep one of the two.")


def _check_equal(
    schedules: list[declared.ScheduleItem], gathered: merge.Gathered, problems: Problems
) -> None:
    met: dict[tuple[str, declared.ScheduleSpec], declared.ScheduleItem] = {}
    for item in schedules:
        first = met.setdefault((item.connection, item.spec), item)
        if first is not item:
            problems.add(
                "same-schedule",
                _place(gathered, item.connection),
                f"`{item.address}` and `{first.address}` say the same: {item.spec.cron} "
                f"{item.spec.zone}.",
                "Keep one of the two.",
            )


def _place(gathered: merge.Gathered, connection: str) -> Where:
    return gathered.connections[connection].where.table()


# From the tables of signals to webhooks: presets of known senders, and what a file says itself.


class _Preset(Struct, frozen=True):
    """What a sender's documentation says of its webhook."""

    header: str | None
    success: Mapping[str, str]
    at: str | None


_PRESETS: Mapping[str, _Preset] = {
    "dbt": _Preset("Authorization", {"data.runStatus": "Success"}, "data.runFinishedAt"),
    "fivetran": _Preset("X-Fivetran-Signature-256", {"data.status": "SUCCESSFUL"}, "created"),
    "github": _Preset(
        "X-Hub-Signature-256", {"workflow_run.conclusion": "success"}, "workflow_run.updated_at"
    ),
    "bearer": _Preset(None, {}, None),
}
_NAMES = (
    ("secret_env", re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}"), "an environment variable"),
    ("header", re.compile(r"[A-Za-z0-9-]{1,100}"), "a header"),
)


def read_webhook(
    reader: TableReader, name: str, said: merge.Said[tables.SignalTable]
) -> declared.Webhook:
    """Return the webhook of one signal, keeping what cannot be understood of it."""
    table, preset = said.table, _PRESETS[said.table.webhook]
    reader.read(values.check_signal, name, said.where.key())
    for key, pattern, what in _NAMES:
        reader.read(partial(_check_word, pattern, what), getattr(table, key), said.where.value(key))
    header = table.header or preset.header
    secrets = [where for where in (table.secret_env, table.secret_file) if where is not None]
    if said.whole and len(secrets) != (0 if header is None else 1):
        detail = (
            "Exactly one of `secret_env` and `secret_file` says where the secret is that signs it."
            if header is not None
            else "A secret signs nothing here: `bearer` goes by the token of --signal-token-file."
        )
        reader.problems.add("bad-webhook", said.where.table(), detail)
    success = preset.success if table.success is None else table.success
    folder = reader.sources[said.where.source].directory
    return declared.Webhook(
        name=name,
        header=header,
        secret_env=table.secret_env,
        secret_file=None if table.secret_file is None else str(folder / table.secret_file),
        wanted=tuple(sorted({**success, **(table.match or {})}.items())),
        at=table.at or (preset.at if table.success is None else None),
    )


def _check_word(pattern: re.Pattern[str], what: str, name: str) -> None:
    if not pattern.fullmatch(name):
        raise LeafError("bad-webhook", f'"{name[:60]}" is not the name of {what}.')
