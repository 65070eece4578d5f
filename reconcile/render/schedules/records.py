"""What is recorded of native schedules."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from reconcile.model.address import Address
from reconcile.model.recorded import ScheduleRecord
from reconcile.render.escape import escape_terminal
from reconcile.render.instants import Vantage
from reconcile.render.json_text import encode, instant_json
from reconcile.render.names import address_text
from reconcile.render.records import RECORDS_FORMAT_VERSION
from reconcile.render.schedules.actions import spec_json
from reconcile.render.schedules.words import spec_text

_ID_LIMIT = 64


def schedule_text(address: Address, record: ScheduleRecord, now: datetime) -> str:
    """Return everything that is known of one schedule, a fact a line; ends with a line break."""
    known = record.schedule_id
    lines = [
        address_text(address),
        f"  connection    {escape_terminal(record.connection_id, _ID_LIMIT)}",
        f"  schedule      {escape_terminal(known, _ID_LIMIT) if known else 'not known'}",
        f"  applied       {spec_text(record.spec)}",
    ]
    if record.pending is not None:
        since = Vantage(record.spec.zone, now).both(record.pending.since)
        lines.append(f"  in doubt      since {since}")
    return "\n".join(lines) + "\n"


def schedule_json(address: Address, record: ScheduleRecord) -> str:
    """Return the same as one JSON object, ending with a line break."""
    document = schedule_document(address, record)
    return encode({"format_version": RECORDS_FORMAT_VERSION, **document})


def schedule_document(address: Address, record: ScheduleRecord) -> dict[str, object]:
    """Return what is recorded of one schedule as plain JSON values."""
    pending = record.pending
    return {
        "address": address,
        "connection_id": record.connection_id,
        "schedule_id": record.schedule_id,
        **spec_json(record.spec),
        "in_doubt_since": instant_json(pending.since if pending else None),
    }


def schedule_documents(
    schedules: Mapping[Address, ScheduleRecord], without: Iterable[Address] = ()
) -> list[dict[str, object]]:
    """Return what is recorded of all schedules, sorted by address."""
    left_out = frozenset(without)
    listed = sorted(schedules.items())
    return [schedule_document(a, record) for a, record in listed if a not in left_out]
