"""Every item: how it stands, how late it is, what became of its last call, what comes next."""

from collections.abc import Iterator
from datetime import datetime

from reconcile.model.plan import Standing
from reconcile.model.recorded import Record
from reconcile.render.dashboard.situation import Situation
from reconcile.render.instants import duration_text
from reconcile.render.names import address_text, words_text
from reconcile.render.outline import Outline
from reconcile.render.page.cutting import Room, fitting
from reconcile.render.page.items import items_filter
from reconcile.render.page.markup import Markup, address_code, breakable, element, joined
from reconcile.render.standings import next_moment, status_word

_ROOM = Room(1_200_000, 3_000, "item")
_HEADINGS = ("Item", "Status", "Late", "Last", "Next", "Why")
_NO_RECORD = Record()


def items_part(situation: Situation, outline: Outline, now: datetime) -> Markup:
    """Return the heading, the filter and the table."""
    heads = tuple(element("th", heading, scope="col", role="columnheader") for heading in _HEADINGS)
    head = element("thead", (element("tr", heads, role="row"),), role="rowgroup")
    table = element(
        "table",
        (head, items_rows(situation, outline, now)),
        id="items-table",
        role="table",
        aria_labelledby="items",
    )
    parts = [element("h2", "All items", id="items"), items_filter(outline), table]
    return element("section", joined(parts), aria_labelledby="items")


def items_rows(situation: Situation, outline: Outline, now: datetime) -> Markup:
    """Return the body of the table, sorted by address."""

    def shown(standing: Standing) -> Markup:
        cells = tuple(_cells(standing, situation, outline, now))
        return element("tr", cells, role="row", data_status=standing.status.value)

    rows = fitting(outline.plan.standings, shown, _left_out, _ROOM)
    return element("tbody", rows, id="items-rows", role="rowgroup")


def _cells(
    standing: Standing, situation: Situation, outline: Outline, now: datetime
) -> Iterator[Markup]:
    address = standing.address
    view, account = outline.reader.vantage(address), outline.reader.account(address)
    late, moment = situation.late.get(address), next_moment(standing)
    status = element("span", status_word(standing), class_=f"status {standing.status.value}")
    yield element("th", (address_code(address_text(address)),), scope="row", role="rowheader")
    yield _cell("Status", (status,))
    waits = "-" if late is None else duration_text((now - late).total_seconds())
    yield _cell("Late", waits)
    records = situation.recorded.items if situation.recorded else {}
    record = records.get(address, _NO_RECORD)
    last = "-" if record.last_success is None else view.local(record.last_success)
    yield _cell("Last", last)
    yield _cell("Next", view.local(moment) if moment else "-")
    why = account.tell(standing.reason)
    if record.last_failure is not None:
        why += f"; last failure: {words_text(record.last_failure.message)}"
    yield _cell("Why", breakable(why))


def _left_out(words: str) -> Markup:
    cell = element("td", words, role="cell", class_="left-out", colspan=len(_HEADINGS))
    return element("tr", (cell,), role="row")


def _cell(heading: str, content: str | tuple[Markup, ...]) -> Markup:
    # In one box, since a narrow screen lays the heading beside it.
    return element("td", (element("div", content),), role="cell", data_label=heading)
