"""The live page of a fleet: every instance in one table, whole and in parts."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

from reconcile.model.fleet import Seat
from reconcile.render.dashboard.page import live_script, page_head
from reconcile.render.escape import escape_terminal
from reconcile.render.fleet import WELL, due_since, held, waits
from reconcile.render.instants import Vantage, duration_text
from reconcile.render.names import counted, words_text
from reconcile.render.page.cutting import Room, fitting
from reconcile.render.page.items import filter_form
from reconcile.render.page.markup import Markup, breakable, element, joined

_ROOM = Room(1_200_000, 3_000, "instance")
_HEADINGS = ("Instance", "Status", "Late", "Last run", "Next", "Worker", "Why")
_TROUBLE_LIMIT = 400
_NEVER_RUN = "never run"
_PAUSED = "paused"


def fleet_html(seats: Sequence[Seat], now: datetime, worker: str) -> str:
    """Return the whole page, ASCII. `worker`: who serves it. `now`: UTC."""
    parts = fleet_parts(seats, now, worker)
    live = element("p", "", id="live", class_="quiet", role="status")
    heads = tuple(element("th", heading, scope="col", role="columnheader") for heading in _HEADINGS)
    head = element("thead", (element("tr", heads, role="row"),), role="rowgroup")
    table = element(
        "table",
        (head, Markup(parts["items-rows"])),
        id="items-table",
        class_="instances",
        role="table",
        aria_labelledby="items",
    )
    counts = Counter(standing(seat, now) for seat in seats)
    options = [(word, word, count) for word, count in sorted(counts.items())]
    listed = [element("h2", "All instances", id="items"), filter_form(options), table]
    section = element("section", joined(listed), aria_labelledby="items")
    body = [
        element("a", "Skip to the instances", href="#main", class_="skip"),
        element("header", joined([Markup(parts["head"]), live])),
        element("main", (section,), id="main"),
        live_script(),
    ]
    page = element("html", joined([page_head("Fleet"), element("body", joined(body))]), lang="en")
    return f"<!doctype html>\n{page}\n"


def fleet_parts(seats: Sequence[Seat], now: datetime, worker: str) -> Mapping[str, str]:
    """Return what may have changed, by the id of the element that it replaces."""
    facts = (
        element("div", (element("dt", name), element("dd", value)))
        for name, value in _facts(seats, now)
    )
    head = [
        element("p", f"reconcile fleet · served by {escape_terminal(worker, 100)}", class_="brand"),
        element("h1", _headline(seats, now)),
        element("dl", joined(facts), class_="facts"),
    ]
    rows = fitting(tuple(seats), lambda seat: _row(seat, now), _left_out, _ROOM)
    return {
        "head": element("div", joined(head), id="head"),
        "items-rows": element("tbody", rows, id="items-rows", role="rowgroup"),
    }


def standing(seat: Seat, now: datetime) -> str:
    """Return in a word how an instance stands."""
    if held(seat, now):
        return _PAUSED
    return _NEVER_RUN if seat.ran_at is None else seat.outcome or "unknown"


def _headline(seats: Sequence[Seat], now: datetime) -> str:
    failing = sum(bool(seat.failures) and not held(seat, now) for seat in seats)
    late = sum(waits(seat, now) for seat in seats)
    if failing:
        return f"{counted(failing, 'instance')} cannot go on"
    return f"{counted(late, 'instance')} due" if late else "All instances are as declared"


def _facts(seats: Sequence[Seat], now: datetime) -> Iterator[tuple[str, str]]:
    yield "Instances", f"{len(seats):,}"
    yield "Due", f"{sum(waits(seat, now) for seat in seats):,}"
    yield "Failing", f"{sum(bool(seat.failures) for seat in seats):,}"
    yield "Paused", f"{sum(held(seat, now) for seat in seats):,}"
    workers = {seat.worker for seat in seats if seat.worker}
    yield "Workers last seen", f"{len(workers):,}"


def _row(seat: Seat, now: datetime) -> Markup:
    word = standing(seat, now)
    return element("tr", tuple(_cells(seat, word, now)), role="row", data_status=word)


def _cells(seat: Seat, word: str, now: datetime) -> Iterator[Markup]:
    view, since = Vantage("UTC", now), due_since(seat, now)
    link = element(
        "a",
        breakable(escape_terminal(seat.instance, 100)),
        href=f"/instances/{quote(seat.instance, safe='')}/",
    )
    yield element("th", (link,), scope="row", role="rowheader")
    calm = word in WELL or word in {_PAUSED, _NEVER_RUN}
    status = element("span", word, class_="status" if calm else "status failed")
    yield _cell("Status", (status,))
    yield _cell("Late", "-" if since is None else duration_text((now - since).total_seconds()))
    yield _cell("Last run", "-" if seat.ran_at is None else view.local(seat.ran_at))
    waits = seat.wake_at is not None and not held(seat, now)
    yield _cell("Next", view.local(seat.wake_at) if waits and seat.wake_at else "-")
    yield _cell("Worker", breakable(escape_terminal(seat.worker or "-", 100)))
    yield _cell("Why", breakable("; ".join(_why(seat, view)) or "-"))


def _why(seat: Seat, view: Vantage) -> Iterator[str]:
    if seat.hold is not None and held(seat, view.now):
        until = seat.hold.until
        end = "until resumed" if until is None else f"until {view.local(until)}"
        yield f"{end}: {words_text(seat.hold.reason)}"
    if seat.failures:
        yield f"{counted(seat.failures, 'failure')} in a row"
    if seat.trouble is not None and seat.outcome not in WELL:
        yield escape_terminal(seat.trouble, _TROUBLE_LIMIT)


def _left_out(words: str) -> Markup:
    cell = element("td", words, role="cell", class_="left-out", colspan=len(_HEADINGS))
    return element("tr", (cell,), role="row")


def _cell(heading: str, content: str | tuple[Markup, ...]) -> Markup:
    return element("td", (element("div", content),), role="cell", data_label=heading)
