"""Every item in one table, with a filter for where there is a script to run it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial

from reconcile.model.address import Address
from reconcile.model.forecast import Timeline, Track
from reconcile.model.plan import Standing, Status
from reconcile.render.cadences import cadence_text
from reconcile.render.instants import Vantage
from reconcile.render.names import address_text
from reconcile.render.outline import Outline
from reconcile.render.page.cutting import Room, fitting, left_out_row
from reconcile.render.page.markup import Markup, address_code, breakable, element, joined
from reconcile.render.standings import STANDING_STILL, STATUS_WORDS, next_moment, status_word

_ROOM = Room(800_000, 3_000, "item")
_HEADINGS = ("Item", "Status", "Cadence", "Next", "Why")
_ORDER = (Status.DUE, *STANDING_STILL, Status.COVERED)


def items_section(outline: Outline, timeline: Timeline | None) -> Markup:
    """Return the table of all items, sorted by address."""
    tracks = {} if timeline is None else {track.address: track for track in timeline.tracks}
    shown = partial(_row, tracks=tracks, outline=outline)
    rows = fitting(outline.plan.standings, shown, left_out_row, _ROOM)
    heads = tuple(element("th", heading, scope="col", role="columnheader") for heading in _HEADINGS)
    head = element("tr", heads, role="row")
    table = element(
        "table",
        (
            element("thead", (head,), role="rowgroup"),
            element("tbody", rows, role="rowgroup"),
        ),
        id="items-table",
        role="table",
        aria_labelledby="items",
    )
    parts = [element("h2", "All items", id="items"), items_filter(outline), table]
    return element("section", joined(parts), aria_labelledby="items")


def items_filter(outline: Outline) -> Markup:
    """Return the form that narrows the table down; hidden where no script shows it."""
    counts = Counter(standing.status for standing in outline.plan.standings)
    return filter_form(
        (status.value, STATUS_WORDS[status], counts[status]) for status in _ORDER if counts[status]
    )


def filter_form(statuses: Iterable[tuple[str, str, int]]) -> Markup:
    """Return the form that narrows a table down by text and by status: value, words and count."""
    choices = [element("option", "any status", value="")]
    choices += [
        element("option", f"{words} ({count:,})", value=value) for value, words, count in statuses
    ]
    label = element("label", "Filter", for_="filter-text")
    text = element("input", id="filter-text", type="search", autocomplete="off", spellcheck="false")
    status_label = element("label", "Status", for_="filter-status")
    status = element("select", joined(choices), id="filter-status")
    shown = element("output", id="filter-shown", for_="filter-text filter-status")
    return element(
        "form",
        joined(
            [
                element("div", (label, text), class_="field"),
                element("div", (status_label, status), class_="field"),
                shown,
            ]
        ),
        id="filter",
        hidden=True,
    )


def _row(standing: Standing, tracks: Mapping[Address, Track], outline: Outline) -> Markup:
    return element(
        "tr",
        tuple(_cells(standing, tracks, outline)),
        role="row",
        data_status=standing.status.value,
    )


def _cells(
    standing: Standing, tracks: Mapping[Address, Track], outline: Outline
) -> Iterator[Markup]:
    address = standing.address
    view, account = outline.reader.vantage(address), outline.reader.account(address)
    track, moment = tracks.get(address), next_moment(standing)
    status = element("span", status_word(standing), class_=f"status {standing.status.value}")
    yield element("th", (address_code(address_text(address)),), scope="row", role="rowheader")
    yield _cell("Status", (status,))
    yield _cell("Cadence", breakable(cadence_text(track.cadence, view)) if track else "-")
    yield _cell("Next", _when(moment, view) if moment else "-")
    yield _cell("Why", breakable(account.tell(standing.reason)))


def _when(moment: datetime, view: Vantage) -> tuple[Markup, ...]:
    distance = element("span", view.distance(moment), class_="distance")
    return element("span", view.local(moment)), Markup(" "), distance


def _cell(heading: str, content: str | tuple[Markup, ...]) -> Markup:
    # In one box, since a narrow screen lays the heading beside it.
    return element("td", (element("div", content),), role="cell", data_label=heading)
