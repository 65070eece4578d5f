"""The live page of a controller, whole and in parts, and the same as JSON and as metrics."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from importlib.resources import files

from reconcile.controller.situation import Cycle, Recent, Situation
from reconcile.errors import Diagnostic
from reconcile.metrics import ItemGauges, Metric, gauges_of, item_lines, metric_lines
from reconcile.model.plan import Standing, Status
from reconcile.model.recorded import Record
from reconcile.render import page
from reconcile.render.apply import Board
from reconcile.render.documents import encode, instant_json
from reconcile.render.layout import DOT
from reconcile.render.page import (
    Markup,
    Room,
    address_code,
    breakable,
    due_section,
    element,
    fitting,
    items_filter,
    joined,
    tracks_section,
)
from reconcile.render.plan import Outline, next_moment, status_word
from reconcile.render.reasons import Reader
from reconcile.render.words import (
    Vantage,
    address_text,
    addresses_text,
    counted,
    duration_text,
    words_text,
)

# The live page: whole for whoever comes, and in parts for whoever stays.


def dashboard_html(situation: Situation, now: datetime) -> str:
    """Return the whole page, ASCII. `now`: as of when instants are told, UTC."""
    parts = _parts(situation, now)
    items = _EMPTY
    if situation.plan is not None:
        items = items_part(situation, Outline.of(situation.plan), now)
    main = [parts[name] for name in ("trouble", "now", "due-part", "next-part")]
    live = element("p", "", id="live", class_="quiet", role="status")
    body = element(
        "body",
        joined(
            [
                element("a", "Skip to the items", href="#main", class_="skip"),
                element("header", joined([parts["head"], live])),
                element("main", joined([*main, items]), id="main"),
                live_script(),
            ]
        ),
    )
    page = element("html", joined([page_head(situation.name), body]), lang="en")
    return f"<!doctype html>\n{page}\n"


def dashboard_parts(situation: Situation, now: datetime) -> Mapping[str, str]:
    """Return what may have changed, by the id of the element that it replaces."""
    parts: dict[str, str] = dict(_parts(situation, now))
    if situation.plan is not None:
        parts["items-rows"] = items_rows(situation, Outline.of(situation.plan), now)
    return parts


@cache
def dashboard_policy() -> str:
    """Return the content security policy: this style, this script, and requests to ourselves."""
    style, script = _hash(_style()), _hash(_script())
    return (
        f"default-src 'none'; style-src {style}; script-src {script}; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def login_html(*, refused: bool) -> str:
    """Return the page that asks for the token."""
    label = element("label", "Token", for_="token")
    field = element("input", id="token", name="token", type="password", autocomplete="off")
    button = element("button", "Show the page", type="submit")
    form = element("form", joined([label, field, button]), method="post", action="/login")
    heading = "That was not the token" if refused else "The token, please"
    where = "It stands in the file that --token-file names, on the machine that reconciles."
    parts = joined([element("h1", heading), element("p", where, class_="quiet"), form])
    body = element("body", (element("main", parts),))
    return f"<!doctype html>\n{element('html', joined([page_head(None), body]), lang='en')}\n"


_EMPTY = Markup("")


def _parts(situation: Situation, now: datetime) -> Mapping[str, Markup]:
    plan = situation.plan
    outline = None if plan is None else Outline.of(plan)
    view = Vantage("UTC" if outline is None else outline.reader.home, now)
    listed = (
        element("div", (element("dt", name), element("dd", value)))
        for name, value in facts(situation, view)
    )
    head = [
        element("p", _brand(situation), class_="brand"),
        element("h1", headline(situation)),
        element("dl", joined(listed), class_="facts"),
    ]
    due = next_days = _EMPTY
    if outline is not None and plan is not None:
        due = due_section(outline) if plan.actions else _EMPTY
        if situation.timeline is not None:
            next_days = tracks_section(outline, situation.timeline)
    return {
        "head": element("div", joined(head), id="head"),
        "trouble": trouble(situation),
        "now": under_way(situation, view),
        "due-part": element("div", (due,), id="due-part"),
        "next-part": element("div", (next_days,), id="next-part"),
    }


def _brand(situation: Situation) -> tuple[Markup, ...]:
    what = element("span", "reconcile run")
    if situation.of_fleet:
        what = element("a", "reconcile fleet", href="/")
    return what, element("span", f"{DOT}{situation.name}{DOT}{situation.host}")


def page_head(name: str | None) -> Markup:
    """Return the head of a page that is about something of this name."""
    title = "reconcile" if name is None else f"{name} - reconcile"
    return element(
        "head",
        joined(
            [
                element("meta", charset="utf-8"),
                element("meta", name="viewport", content="width=device-width, initial-scale=1"),
                element("meta", name="color-scheme", content="light dark"),
                element("title", title),
                element("style", (Markup(_style()),)),
            ]
        ),
    )


@cache
def _style() -> str:
    return page.asset("style.css") + _asset("live.css")


def live_script() -> Markup:
    """Return what keeps a page up to date."""
    return element("script", (Markup(_script()),))


def _script() -> str:
    return _asset("live.js")


@cache
def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="ascii")


def _hash(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


# Every item: how it stands, how late it is, what became of its last call, what comes next.

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


# The situation of a controller for programs.

SITUATION_FORMAT_VERSION = 1


def situation_json(situation: Situation, now: datetime) -> str:
    """Return one document; keys are only ever added within a format version."""
    plan = situation.plan
    return encode(
        {
            "format_version": SITUATION_FORMAT_VERSION,
            "now": instant_json(now),
            "name": situation.name,
            "host": situation.host,
            "ready": situation.ready,
            "started_at": instant_json(situation.started_at),
            "wake_at": instant_json(situation.wake_at),
            "planned_at": None if plan is None else instant_json(plan.now),
            "under_way": situation.board is not None,
            "last_cycle": None if situation.cycle is None else _cycle(situation.cycle),
            "cycles": dict(sorted(situation.cycles.items())),
            "requests": {
                "used": used_budget(situation, now),
                "limit": 0 if plan is None else plan.load.requests_per_minute,
            },
            "refused": [diagnostic.code for diagnostic in situation.refused],
            "problems": [diagnostic.code for diagnostic in situation.problems],
            "recent": [_recent_document(recent) for recent in situation.recent],
            "items": list(_item_documents(situation, now)),
        }
    )


def _cycle(cycle: Cycle) -> dict[str, object]:
    return {
        "at": instant_json(cycle.at),
        "verdict": cycle.verdict,
        "took_s": cycle.took_s,
        "calls": cycle.calls,
        "polls": cycle.polls,
    }


def _recent_document(recent: Recent) -> dict[str, object]:
    return {
        "at": instant_json(recent.at),
        "addresses": list(recent.addresses),
        "outcome": recent.word,
        "detail": recent.detail,
    }


def _item_documents(situation: Situation, now: datetime) -> Iterator[dict[str, object]]:
    if situation.plan is not None:
        reader = Reader.of(situation.plan)
        for standing in situation.plan.standings:
            yield _item(standing, situation, reader, now)


def _item(
    standing: Standing, situation: Situation, reader: Reader, now: datetime
) -> dict[str, object]:
    address = standing.address
    records = situation.recorded.items if situation.recorded else {}
    record, late = records.get(address, _NO_RECORD), situation.late.get(address)
    return {
        "address": address,
        "status": standing.status.value,
        "late_s": 0.0 if late is None else (now - late).total_seconds(),
        "last_success": instant_json(record.last_success),
        "failures": record.failures,
        "newest_slot": instant_json(standing.newest_slot),
        "next_slot": instant_json(standing.next_slot),
        "reason": reader.account(address).tell(standing.reason),
    }


# The gauges and counters of a controller, in the text format of Prometheus.


def controller_metrics(situation: Situation, now: datetime) -> str:
    """Return the exposition as of `now`, UTC; ends with a line break."""
    lines = (*_controller(situation, now), *item_lines(_item_gauges(situation, now)))
    return "".join(f"{line}\n" for line in lines)


def _controller(situation: Situation, now: datetime) -> Iterator[str]:
    plan, cycle = situation.plan, situation.cycle
    single = (
        ("ready", "1 if files, state and last cycle are fine.", float(situation.ready)),
        ("files_valid", "1 if the newest version of the files is used.", not situation.refused),
        ("start_timestamp_seconds", "When it started.", situation.started_at.timestamp()),
        ("cycle_under_way", "1 while calls are being made.", situation.board is not None),
        ("items_late", "Items that are due and were not made up.", len(situation.late)),
    )
    for name, words, value in single:
        yield from metric_lines(Metric(f"controller_{name}", words, (("", float(value)),)))
    counted = tuple(
        (f'{{verdict="{verdict}"}}', float(number))
        for verdict, number in sorted(situation.cycles.items())
    )
    words = "Cycles by what they came to."
    yield from metric_lines(Metric("controller_cycles_total", words, counted, "counter"))
    if cycle is not None:
        at, took = (("", cycle.at.timestamp()),), (("", cycle.took_s),)
        words = "When the last cycle ended."
        yield from metric_lines(Metric("controller_last_cycle_timestamp_seconds", words, at))
        words = "How long the last cycle took."
        yield from metric_lines(Metric("controller_last_cycle_duration_seconds", words, took))
    if situation.wake_at is not None:
        wake = (("", situation.wake_at.timestamp()),)
        words = "When the next cycle is made."
        yield from metric_lines(Metric("controller_next_cycle_timestamp_seconds", words, wake))
    used = (("", float(used_budget(situation, now))),)
    yield from metric_lines(Metric("request_budget_used", "Requests of the last minute.", used))
    if plan is not None:
        limit = (("", float(plan.load.requests_per_minute)),)
        words = "Requests that may be sent within 60 seconds."
        yield from metric_lines(Metric("request_budget_limit", words, limit))


def _item_gauges(situation: Situation, now: datetime) -> tuple[ItemGauges, ...]:
    if situation.plan is None:
        return ()
    records = situation.recorded.items if situation.recorded else {}
    return tuple(
        gauges_of(
            standing,
            records.get(standing.address, _NO_RECORD),
            max(0.0, (now - situation.late.get(standing.address, now)).total_seconds()),
        )
        for standing in situation.plan.standings
    )


# How everything stands, in a heading and a few facts.

_VERDICTS = {
    "idle": "nothing was due",
    "done": "done",
    "partly": "some items failed",
    "stopped": "stopped",
    "blocked": "blocked by a limit",
    "locked": "another run holds the state",
    "failed": "failed",
}
_MINUTE = timedelta(minutes=1)
_RUNNING_SHOWN = 20


def headline(situation: Situation) -> str:
    """Return the one thing to know."""
    if situation.refused:
        return "The files are invalid; the earlier version goes on"
    if situation.cycle is not None and not situation.cycle.well:
        return f"The last cycle: {_VERDICTS[situation.cycle.verdict]}"
    if situation.plan is None:
        return "Starting"
    stuck = sum(
        standing.status in {Status.HELD, Status.BACKING_OFF, Status.BLOCKED}
        for standing in situation.plan.standings
    )
    if stuck:
        return f"{counted(stuck, 'item')} cannot go on"
    late = len(situation.late)
    if situation.board is not None:
        return f"{counted(situation.board.total, 'call')} under way"
    return f"{counted(late, 'item')} late" if late else "All is as declared"


def facts(situation: Situation, view: Vantage) -> Iterator[tuple[str, str]]:
    """Yield names and values: the last cycle, the next, the budget, how many are late."""
    cycle = situation.cycle
    if cycle is not None:
        yield "Last cycle", f"{_VERDICTS[cycle.verdict]}, {view.local(cycle.at)}"
    if situation.board is not None:
        yield "Next cycle", "under way"
    else:
        wake = situation.wake_at
        yield "Next cycle", view.local(wake) if wake else "when something changes"
    yield "Late", counted(len(situation.late), "item")
    if situation.of_fleet:
        # What else is told is known to the worker that had it last, and not here.
        return
    if situation.plan is not None:
        limit = situation.plan.load.requests_per_minute
        yield "Requests this minute", f"{_used(situation, view.now):,} of {limit:,}"
    yield "Cycles", f"{sum(situation.cycles.values()):,}"
    yield "Runs since", view.local(situation.started_at)


def used_budget(situation: Situation, now: datetime) -> int:
    """Return the requests of the last minute, as counted when the last one was sent."""
    return _used(situation, now)


def trouble(situation: Situation) -> Markup:
    """Return what somebody has to do something about; empty if nothing."""
    told = [*situation.refused, *situation.problems]
    if not told:
        return element("div", (), id="trouble", role="alert")
    listed = element("ul", joined(map(_diagnostic, told)), class_="troubles")
    return element("div", (listed,), id="trouble", role="alert")


def under_way(situation: Situation, view: Vantage) -> Markup:
    """Return the calls that run or wait right now, and those that just ended."""
    if situation.of_fleet:
        # Its worker knows, and that may be on another machine.
        return element("div", (), id="now")
    parts = [element("h2", "Now", id="now-heading")]
    rows = [] if situation.board is None else list(_board(situation.board, view))
    if rows:
        parts.append(element("ul", joined(rows), class_="events"))
    else:
        parts.append(element("p", "No call is under way.", class_="quiet"))
    if situation.recent:
        parts.append(element("h3", "Last outcomes"))
        recent = (_recent(each, view) for each in situation.recent)
        parts.append(element("ul", joined(recent), class_="events"))
    return element("section", joined(parts), id="now", aria_labelledby="now-heading")


def _used(situation: Situation, now: datetime) -> int:
    budget = situation.budget
    return 0 if budget is None or now - budget.at >= _MINUTE else budget.used


def _diagnostic(diagnostic: Diagnostic) -> Markup:
    place = ""
    if diagnostic.places:
        first = diagnostic.places[0]
        place = first.file if first.line is None else f"{first.file}:{first.line}"
    parts = [element("p", (element("strong", diagnostic.summary),), " ", (element("code", place),))]
    parts.append(element("p", breakable(diagnostic.detail)))
    if diagnostic.hint:
        parts.append(element("p", (element("code", diagnostic.hint),), class_="quiet"))
    return element("li", joined(parts))


def _board(board: Board, view: Vantage) -> Iterator[Markup]:
    for line in board.running[:_RUNNING_SHOWN]:
        words = f"{line.what}, {line.word}" if line.word else line.what
        took = duration_text(max(0.0, (view.now - line.since).total_seconds()))
        yield _event("running", addresses_text(line.addresses), f"{words}, for {took}")
    for held in board.waiting[:_RUNNING_SHOWN]:
        yield _event("waits", addresses_text(held.addresses), held.why)
    rest = len(board.running) + len(board.waiting) - 2 * _RUNNING_SHOWN
    if rest > 0:
        yield element("li", f"{counted(rest, 'more call')} not shown", class_="left-out")


def _recent(recent: Recent, view: Vantage) -> Markup:
    # What failed is told in words that may be Omni's, what went well in ours.
    ours = recent.word in {"done", "running", "skipped"}
    told = recent.detail if ours else words_text(recent.detail)
    told += f" ({view.local(recent.at)})"
    return _event(recent.word, addresses_text(recent.addresses), told)


def _event(word: str, name: str, told: str) -> Markup:
    return element(
        "li",
        (element("span", word, class_=f"status {word}"),),
        (element("code", breakable(name)),),
        (element("span", breakable(told), class_="why"),),
    )
