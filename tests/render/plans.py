"""Plans, applies, items and the like as they are read: the document of each, laid out."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from reconcile.forecast import text as forecast
from reconcile.forecast.why import Explanation, explained
from reconcile.model.address import Address
from reconcile.model.forecast import Timeline
from reconcile.model.plan import Plan, Standing
from reconcile.model.progress import Summary
from reconcile.model.recorded import Record, Recorded, ScheduleRecord
from reconcile.model.struct import replace
from reconcile.render import apply, items
from reconcile.render import plan as text
from reconcile.render.documents import encode, summed
from reconcile.render.layout import Told
from reconcile.render.outline import outlined
from reconcile.render.records import RecordedItem, RecordedSchedule, listed
from reconcile.render.words import Vantage
from reconcile.review import markdown, page


def without_assets(page_html: str) -> str:
    """Leave style and script out: they have no say in what a page says, and change oftener."""
    parts = r"(?s)<style>.*</style>|<script>.*</script>|sha256-[^&]*(?=&)"
    return re.sub(parts, "...", page_html)


def plan_text(planned: Plan, **how: Any) -> str:
    return text.plan_text(outlined(planned), **how)


def plan_markdown(
    planned: Plan, timeline: Timeline | None = None, *, host: str | None = None, **how: Any
) -> str:
    return markdown.plan_markdown(outlined(planned, host=host, dated=True), timeline, **how)


def plan_html(
    planned: Plan, timeline: Timeline | None = None, *, host: str | None = None, **how: Any
) -> str:
    return page.plan_html(outlined(planned, host=host, dated=True), timeline, **how)


def summary_text(summary: Summary, **how: Any) -> str:
    return apply.summary_text(summed(summary), **how)


def summary_json(summary: Summary) -> str:
    return encode(summed(summary).document)


def why_text(told: Explanation, **how: Any) -> str:
    return forecast.why_text(explained(told), **how)


def why_json(told: Explanation) -> str:
    return encode(explained(told).document)


def items_text(standings: Sequence[Standing], recorded: Recorded, now: datetime, **how: Any) -> str:
    return items.items_text(listed(standings, recorded, now), **how)


def items_told(
    standings: Sequence[Standing], recorded: Recorded, now: datetime, **how: Any
) -> Told:
    return items.items_told(listed(standings, recorded, now), **how)


def items_json(standings: Sequence[Standing], recorded: Recorded, now: datetime) -> str:
    return encode(listed(standings, recorded, now).document)


def record_text(address: Address, record: Record, now: datetime, zone: str, *, width: int) -> str:
    return items.record_text(RecordedItem.of(address, record), Vantage(zone, now), width=width)


def record_json(address: Address, record: Record | ScheduleRecord) -> str:
    if isinstance(record, Record):
        return encode(replace(RecordedItem.of(address, record), format_version=1))
    return encode(replace(RecordedSchedule.of(address, record), format_version=1))
