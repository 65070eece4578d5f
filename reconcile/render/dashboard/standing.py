"""How everything stands, in a heading and a few facts."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from reconcile.model.diagnostic import Diagnostic
from reconcile.model.plan import Status
from reconcile.render.board import Board
from reconcile.render.dashboard.situation import Recent, Situation
from reconcile.render.instants import Vantage, duration_text
from reconcile.render.names import addresses_text, counted, words_text
from reconcile.render.page.markup import Markup, breakable, element, joined

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
