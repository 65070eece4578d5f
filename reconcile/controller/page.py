"""The live page of a controller, whole and in parts."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache

from msgspec import Struct

from reconcile.controller.situation import Recent, Situation
from reconcile.errors import Diagnostic
from reconcile.model.reason import Status
from reconcile.render.apply import Board
from reconcile.render.layout import DOT
from reconcile.render.outline import ItemLine, Outline, outlined
from reconcile.render.page import (
    Assets,
    DueSection,
    FieldEntry,
    ItemEntry,
    ItemsTable,
    Room,
    TracksSection,
    asset,
    drawn,
    drawn_part,
    due_section,
    fitting,
    item_entry,
    status_choices,
    tracks_section,
)
from reconcile.render.words import (
    Vantage,
    addresses_text,
    counted,
    duration_text,
    words_text,
)

# What a live page shows, be it of one instance or of a fleet.

_PARTS = ("head", "trouble", "now", "due-part", "next-part")


class TroubleEntry(Struct, frozen=True):
    """What somebody has to do something about. `place` and `hint` may be empty."""

    summary: str
    place: str
    detail: str
    hint: str


class CallEntry(Struct, frozen=True):
    """A call that runs, waits or has ended."""

    word: str
    name: str
    told: str


class CallsSection(Struct, frozen=True):
    """The calls of this moment, and those that just ended. A text counts what is left out."""

    calls: tuple[CallEntry | str, ...]
    recent: tuple[CallEntry, ...]


class LivePage(Struct, frozen=True, kw_only=True):
    """All that a live page shows. `subject`: what it is a page of; `home`: where that leads."""

    title: str
    subject: str
    home: str = ""
    where: str
    headline: str
    facts: tuple[tuple[str, str], ...]
    troubles: tuple[TroubleEntry, ...] = ()
    calls: CallsSection | None = None
    due: DueSection | None = None
    tracks: TracksSection | None = None
    items: ItemsTable | None = None


class LoginPage(Struct, frozen=True):
    """The page that asks for the token."""

    title: str
    headline: str


@cache
def live_assets() -> Assets:
    """Return the style and the script of a page that keeps itself up to date."""
    return Assets(
        asset("render/style.css", "controller/live.css"),
        asset("controller/live.js"),
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'",
    )


def live_html(page: LivePage) -> str:
    """Return the whole page, ASCII."""
    return drawn("controller/templates/live.html", page, live_assets())


def live_parts(page: LivePage) -> Mapping[str, str]:
    """Return what may have changed, by the id of the element that it replaces."""
    parts = "controller/templates/parts.html"
    drawings = {name: drawn_part(parts, name.replace("-", "_"), page) for name in _PARTS}
    if page.items is not None:
        drawings["items-rows"] = drawn_part("render/templates/sections.html", "rows", page.items)
    return drawings


def login_html(*, refused: bool) -> str:
    """Return the page that asks for the token."""
    headline = "That was not the token" if refused else "The token, please"
    return drawn("controller/templates/login.html", LoginPage("", headline), live_assets())


# The page of one instance: how everything stands, in a heading and a few facts.

_VERDICTS = {
    "idle": "nothing was due",
    "done": "done",
    "partly": "some items failed",
    "stopped": "stopped",
    "blocked": "blocked by a limit",
    "locked": "another run holds the state",
    "failed": "failed",
}
_STUCK = frozenset({Status.HELD, Status.BACKING_OFF, Status.BLOCKED})
_RUNNING_SHOWN = 20


def dashboard_html(situation: Situation, now: datetime) -> str:
    """Return the whole page, ASCII. `now`: as of when instants are told, UTC."""
    return live_html(_page(situation, now))


def dashboard_parts(situation: Situation, now: datetime) -> Mapping[str, str]:
    """Return what may have changed, by the id of the element that it replaces."""
    return live_parts(_page(situation, now))


def _page(situation: Situation, now: datetime) -> LivePage:
    plan, timeline = situation.plan, situation.timeline
    outline = None if plan is None else outlined(plan)
    view = Vantage("UTC" if outline is None else outline.view.zone, now)
    told = [*situation.refused, *situation.problems]
    return LivePage(
        title=situation.name,
        subject="reconcile fleet" if situation.of_fleet else "reconcile run",
        home="/" if situation.of_fleet else "",
        where=f"{DOT}{situation.name}{DOT}{situation.host}",
        headline=_headline(situation, outline),
        facts=tuple(_facts(situation, view)),
        troubles=tuple(map(_trouble, told)),
        # Of an instance of a fleet its worker knows, and that may be on another machine.
        calls=None if situation.of_fleet else _calls(situation, view),
        due=due_section(outline) if outline and outline.actions else None,
        tracks=tracks_section(outline, timeline) if outline and timeline else None,
        items=_items(situation, outline, now) if outline else None,
    )


def _headline(situation: Situation, outline: Outline | None) -> str:
    """Return the one thing to know."""
    if situation.refused:
        return "The files are invalid; the earlier version goes on"
    if situation.cycle is not None and not situation.cycle.well:
        return f"The last cycle: {_VERDICTS[situation.cycle.verdict]}"
    if outline is None:
        return "Starting"
    if stuck := sum(number for status, number in outline.statuses if status in _STUCK):
        return f"{counted(stuck, 'item')} cannot go on"
    late = len(situation.late)
    if situation.board is not None:
        return f"{counted(situation.board.total, 'call')} under way"
    return f"{counted(late, 'item')} late" if late else "Up to date"


def _facts(situation: Situation, view: Vantage) -> Iterator[tuple[str, str]]:
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
        yield "Requests this minute", f"{situation.used(view.now):,} of {limit:,}"
    yield "Cycles", f"{sum(situation.cycles.values()):,}"
    yield "Runs since", view.local(situation.started_at)


def _trouble(diagnostic: Diagnostic) -> TroubleEntry:
    place = ""
    if diagnostic.places:
        first = diagnostic.places[0]
        place = first.file if first.line is None else f"{first.file}:{first.line}"
    return TroubleEntry(diagnostic.summary, place, diagnostic.detail, diagnostic.hint or "")


# The calls that run or wait right now, and those that just ended.


def _calls(situation: Situation, view: Vantage) -> CallsSection:
    board = situation.board
    return CallsSection(
        () if board is None else tuple(_under_way(board, view)),
        tuple(_recent(each, view) for each in situation.recent),
    )


def _under_way(board: Board, view: Vantage) -> Iterator[CallEntry | str]:
    for line in board.running[:_RUNNING_SHOWN]:
        words = f"{line.what}, {line.word}" if line.word else line.what
        took = duration_text(max(0.0, (view.now - line.since).total_seconds()))
        yield CallEntry("running", addresses_text(line.addresses), f"{words}, for {took}")
    for held in board.waiting[:_RUNNING_SHOWN]:
        yield CallEntry("waits", addresses_text(held.addresses), held.why)
    rest = len(board.running) + len(board.waiting) - 2 * _RUNNING_SHOWN
    if rest > 0:
        yield f"{counted(rest, 'more call')} not shown"


def _recent(recent: Recent, view: Vantage) -> CallEntry:
    # What failed is told in words that may be Omni's, what went well in ours.
    ours = recent.word in {"done", "running", "skipped"}
    told = recent.detail if ours else words_text(recent.detail)
    name = addresses_text(recent.addresses)
    return CallEntry(recent.word, name, f"{told} ({view.local(recent.at)})")


# Every item: how it stands, how late it is, what became of its last call, what comes next.

_ROOM = Room(1_200_000, 3_000, "item")
_HEADINGS = ("Item", "Status", "Late", "Last", "Next", "Why")


def _items(situation: Situation, outline: Outline, now: datetime) -> ItemsTable:
    def shown(item: ItemLine) -> ItemEntry:
        address, view, moment = item.address, item.view, item.coming
        record = situation.record(address)
        late, why = "-", item.why
        if address in situation.late:
            late = duration_text(situation.late_s(address, now))
        if record.last_failure is not None:
            why += f"; last failure: {words_text(record.last_failure.message)}"
        return item_entry(
            item,
            FieldEntry("Late", late),
            FieldEntry(
                "Last", "-" if record.last_success is None else view.local(record.last_success)
            ),
            FieldEntry("Next", "-" if moment is None else view.local(moment)),
            FieldEntry("Why", why),
        )

    rows = fitting(outline.items, shown, _ROOM)
    return ItemsTable("items", _HEADINGS, status_choices(outline), rows)
