"""From connection tables to Omni's own schedules, as they should be there."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconcile.config.gathering import Gathered, Said
from reconcile.config.names import check_name, check_uuid
from reconcile.config.problems import LeafError, Problems, Where
from reconcile.config.reader import Reader
from reconcile.config.shape.connections import ConnectionTable, ScheduleTable
from reconcile.config.timings import as_tuple
from reconcile.config.wall_times import parse_days, parse_times
from reconcile.config.zones import check_zone
from reconcile.model.address import quote_key, schedule_address
from reconcile.model.desired import (
    ALL_DAYS,
    Connection,
    Desired,
    Item,
    Manage,
    RefreshItem,
    ScheduleItem,
    ScheduleSpec,
)
from reconcile.planning.time.cron import CronError
from reconcile.planning.time.eventbridge import canonical, from_wall_times


def with_connections(desired: Desired, reader: Reader, gathered: Gathered) -> Desired:
    """Return the desired state with its connections, and with models naming them in one way."""
    defaults = gathered.defaults
    zone = (defaults and defaults.table.timezone) or "UTC"
    connections: list[Connection] = []
    schedules: list[ScheduleItem] = []
    for name, said in gathered.connections.items():
        connection = _read_connection(reader, name, said)
        connections.append(connection)
        schedules.extend(_read_schedules(reader, connection, said, zone))
    _check_ids(connections, gathered, reader.problems)
    _check_equal(schedules, gathered, reader.problems)
    names = {connection.id: connection.name for connection in connections}
    return replace(
        desired,
        items=tuple(_named(item, names) for item in desired.items),
        connections=tuple(sorted(connections, key=lambda connection: connection.name)),
        schedules=tuple(sorted(schedules, key=lambda schedule: schedule.address)),
    )


def _named(item: Item, names: Mapping[str, str]) -> Item:
    """Call a connection by its name where the model has its id, so that both are one."""
    if isinstance(item, RefreshItem) and item.connection:
        name = names.get(item.connection.lower())
        return item if name in {None, item.connection} else replace(item, connection=name)
    return item


def _read_connection(reader: Reader, name: str, said: Said[ConnectionTable]) -> Connection:
    reader.check_key(check_name, name, said.where)
    if said.table.id is None and said.whole:
        detail = f'Nothing gives the id of connection "{name}", so there is nothing to call.'
        hint = 'Add id = "...", as `reconcile discover` or `GET /api/v1/connections` lists it.'
        reader.problems.add("connection-without-id", said.where.table(), detail, hint)
    connection_id = reader.read(check_uuid, said.table.id, said.where, "id")
    return Connection(name, connection_id or "", Manage(said.table.manage or "declared"))


def _read_schedules(
    reader: Reader, connection: Connection, said: Said[ConnectionTable], zone: str
) -> Iterator[ScheduleItem]:
    for name, table in (said.table.schedules or {}).items():
        where = said.where.value("schedules", name)
        reader.check_key(check_name, name, where)
        cron = _read_cron(reader, connection, name, table, where)
        own_zone = reader.read(check_zone, table.timezone, where, "timezone")
        if cron is not None:
            yield ScheduleItem(
                address=schedule_address(connection.name, name),
                connection=connection.name,
                connection_id=connection.id,
                spec=ScheduleSpec(cron, own_zone or zone, table.hard or False),
            )


def _read_cron(
    reader: Reader, connection: Connection, name: str, table: ScheduleTable, where: Where
) -> str | None:
    problems = reader.problems
    if table.cron is not None and table.at is not None:
        detail = "This schedule has `cron` and `at`. Each of them alone says when it runs."
        places = (where.key("at"), where.key("cron"))
        problems.add("two-cadences", places, detail, "Keep one, or declare two schedules.")
        return None
    if table.days is not None and table.at is None:
        detail = "`days` stands without `at`; cron has a field of its own for days."
        problems.add("days-need-at", where.key("days"), detail)
    if table.cron is not None:
        return reader.read(_canonical, table.cron, where, "cron")
    if table.at is None:
        detail = "Nothing says when this schedule runs."
        hint = 'Add, for instance, cron = "0 2 * * ? *" or at = "02:00".'
        problems.add("schedule-without-time", where.table(), detail, hint)
        return None
    return _read_times(reader, connection, name, table, where)


def _read_times(
    reader: Reader, connection: Connection, name: str, table: ScheduleTable, where: Where
) -> str | None:
    times = reader.read(parse_times, as_tuple(table.at), where, "at")
    days = reader.read(parse_days, as_tuple(table.days), where, "days")
    if times is None:
        return None
    expressions = from_wall_times(times, ALL_DAYS if days is None else days)
    if len(expressions) == 1:
        return expressions[0]
    header = f"connections.{quote_key(connection.name)}.schedules"
    lines = (
        f'[{header}.{quote_key(f"{name}-{number}")}] cron = "{expression}"'
        for number, expression in enumerate(expressions, 1)
    )
    reader.problems.add(
        "several-expressions",
        where.value("at"),
        f"These times take {len(expressions)} cron expressions, and a native schedule has one.",
        "Declare each of them instead: " + ", ".join(lines),
    )
    return None


def _canonical(text: str) -> str:
    try:
        return canonical(text)
    except CronError as error:
        raise LeafError("bad-native-cron", error.message, offset=error.position) from None


def _check_ids(connections: list[Connection], gathered: Gathered, problems: Problems) -> None:
    met: dict[str, str] = {}
    for connection in connections:
        first = met.setdefault(connection.id, connection.name)
        if first != connection.name and connection.id:
            places = (_place(gathered, connection.name), _place(gathered, first))
            detail = f"`{connection.name}` and `{first}` have the same id."
            problems.add("same-connection", places, detail, "Keep one of the two.")


def _check_equal(schedules: list[ScheduleItem], gathered: Gathered, problems: Problems) -> None:
    met: dict[tuple[str, ScheduleSpec], ScheduleItem] = {}
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


def _place(gathered: Gathered, connection: str) -> Where:
    return gathered.connections[connection].where.table()
