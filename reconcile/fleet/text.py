"""The instances of a fleet: for people, for programs, as a live page and as metrics."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

from reconcile.config.fleet import Seat
from reconcile.controller.page import live_script, page_head
from reconcile.metrics import Metric, Sample, label, metric_lines
from reconcile.model.progress import Summary
from reconcile.render.documents import encode, instant_json
from reconcile.render.escape import escape_terminal
from reconcile.render.layout import DOT, LEAST_WIDTH, Cell, Ink, both_ends, cells, pad, paint, wrap
from reconcile.render.page import Markup, Room, breakable, element, filter_form, fitting, joined
from reconcile.render.words import Vantage, counted, duration_text, rfc3339, words_text

# The gauges of a fleet, in the text format of Prometheus.


def fleet_metrics(seats: Sequence[Seat], now: datetime) -> str:
    """Return the exposition as of `now`, UTC; ends with a line break."""
    return "".join(f"{line}\n" for metric in _metrics(seats, now) for line in metric_lines(metric))


def _metrics(seats: Sequence[Seat], now: datetime) -> Iterator[Metric]:
    outcomes = Counter(seat.outcome or "never run" for seat in seats)
    counts = tuple((label("outcome", word), float(n)) for word, n in sorted(outcomes.items()))
    yield Metric("fleet_instances", "Instances by what their last run came to.", counts)
    due = sum(waits(seat, now) for seat in seats)
    yield Metric("fleet_instances_due", "Instances that wait for a worker.", (("", float(due)),))
    paused = sum(held(seat, now) for seat in seats)
    yield Metric("fleet_instances_paused", "Instances left alone.", (("", float(paused)),))
    late = tuple(_each(seat, _late_s(seat, now)) for seat in seats)
    yield Metric("fleet_instance_lateness_seconds", "How long it has waited for a worker.", late)
    failures = tuple(_each(seat, seat.failures) for seat in seats)
    yield Metric("fleet_instance_failures", "Runs in a row that did not end well.", failures)
    ran = tuple(_each(it, it.ran_at.timestamp()) for it in seats if it.ran_at is not None)
    yield Metric("fleet_instance_last_run_timestamp_seconds", "When its last run ended.", ran)


def _late_s(seat: Seat, now: datetime) -> float:
    since = due_since(seat, now)
    return 0.0 if since is None else (now - since).total_seconds()


def _each(seat: Seat, value: float) -> Sample:
    return label("instance", seat.instance), float(value)


# The instances of a fleet, for people and for programs.

FLEET_FORMAT_VERSION = 1

_LONGEST_NAME = 60
_TROUBLE_LIMIT = 400
_INDENT = "    "
_GAP = "  "
WELL = frozenset({"idle", "done"})


def fleet_text(seats: Sequence[Seat], now: datetime, *, width: int, colour: bool) -> str:
    """Return where every instance stands; ends with a line break. Instants are UTC."""
    width = max(width, LEAST_WIDTH)
    view = Vantage("UTC", now)
    lines = both_ends(counted(len(seats), "instance"), f"as of {view.local(now)}", width)
    names = [escape_terminal(seat.instance, _LONGEST_NAME) for seat in seats]
    standings = [_standing(seat, now) for seat in seats]
    name_cells = max(map(cells, names), default=0)
    standing_cells = max((cells(standing.text) for standing in standings), default=0)
    for seat, name, standing in zip(seats, names, standings, strict=True):
        shown = paint(pad(standing.text, standing_cells), standing.ink, colour=colour)
        line = _GAP.join([pad(name, name_cells), shown])
        told = DOT.join(_seat_facts(seat, view))
        if name_cells + standing_cells + cells(told) + 2 * len(_GAP) <= width:
            lines.append(f"{line}{_GAP}{told}".rstrip())
        else:
            lines.append(line.rstrip())
            lines += [_INDENT + part for part in wrap(told, width - len(_INDENT), DOT)]
        lines += [_INDENT + part for part in _notes(seat, view, width - len(_INDENT))]
    return "\n".join(lines) + "\n"


def fleet_json(seats: Sequence[Seat], now: datetime) -> str:
    """Return what `fleet_text` shows as one JSON object, in the same order."""
    return encode(
        {
            "format_version": FLEET_FORMAT_VERSION,
            "now": instant_json(now),
            "instances": [_document(seat, now) for seat in seats],
        }
    )


def run_line(seat: Seat, summary: Summary | None) -> str:
    """Return one run as a line of a worker's log."""
    at = "" if seat.ran_at is None else rfc3339(seat.ran_at.replace(microsecond=0))
    parts = [f"{at} {escape_terminal(seat.instance, _LONGEST_NAME)}: {seat.outcome}"]
    if summary is not None:
        parts.append(counted(summary.calls, "call"))
    if seat.took_s is not None:
        parts.append(f"{seat.took_s:.1f} s")
    if seat.trouble is not None:
        parts.append(escape_terminal(seat.trouble, _TROUBLE_LIMIT))
    return DOT.join(parts)


def _standing(seat: Seat, now: datetime) -> Cell:
    if held(seat, now):
        return Cell("paused", Ink.DIM)
    if seat.ran_at is None:
        return Cell("never run", Ink.DIM)
    ink = Ink.PLAIN if seat.outcome in WELL else Ink.BAD
    return Cell(seat.outcome or "unknown", ink)


def held(seat: Seat, now: datetime) -> bool:
    """Tell whether an operator paused the instance."""
    return seat.hold is not None and (seat.hold.until is None or now < seat.hold.until)


def waits(seat: Seat, now: datetime) -> bool:
    """Tell whether an instance waits for a worker: it is due, or has never been looked at."""
    if held(seat, now):
        return False
    return seat.ran_at is None or due_since(seat, now) is not None


def due_since(seat: Seat, now: datetime) -> datetime | None:
    """Return since when an instance waits for a worker; None if it does not, or is paused."""
    if seat.wake_at is None or held(seat, now):
        return None
    return seat.wake_at if seat.wake_at <= now else None


def _seat_facts(seat: Seat, view: Vantage) -> Iterator[str]:
    if seat.ran_at is not None:
        yield f"last run {view.distance(seat.ran_at)}"
    if seat.wake_at is not None and not held(seat, view.now):
        late = seat.wake_at <= view.now
        yield (
            f"due since {view.local(seat.wake_at)}" if late else f"next {view.local(seat.wake_at)}"
        )
    if seat.failures:
        yield f"{counted(seat.failures, 'failure')} in a row"


def _notes(seat: Seat, view: Vantage, width: int) -> Iterator[str]:
    if seat.hold is not None and held(seat, view.now):
        until = (
            "until resumed" if seat.hold.until is None else f"until {view.local(seat.hold.until)}"
        )
        yield from wrap(f"{until}: {words_text(seat.hold.reason)}", width)
    if seat.trouble is not None and seat.outcome not in WELL:
        yield from wrap(escape_terminal(seat.trouble, _TROUBLE_LIMIT), width)


def _document(seat: Seat, now: datetime) -> dict[str, object]:
    hold = seat.hold if held(seat, now) else None
    return {
        "instance": seat.instance,
        "outcome": seat.outcome,
        "trouble": seat.trouble,
        "ran_at": instant_json(seat.ran_at),
        "took_s": seat.took_s,
        "wake_at": instant_json(seat.wake_at),
        "failures": seat.failures,
        "worker": seat.worker,
        "paused": hold is not None,
        "paused_until": None if hold is None else instant_json(hold.until),
        "paused_reason": None if hold is None else hold.reason,
    }


# The live page of a fleet: every instance in one table, whole and in parts.

_ROOM = Room(1_200_000, 3_000, "instance")
_HEADINGS = ("Instance", "Status", "Late", "Last run", "Next", "Worker", "Why")
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
        for name, value in _fleet_facts(seats, now)
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


def _fleet_facts(seats: Sequence[Seat], now: datetime) -> Iterator[tuple[str, str]]:
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
