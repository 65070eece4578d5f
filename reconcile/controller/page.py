"""The live page of a controller, whole and in parts."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import get_args

from msgspec import Struct

from reconcile.controller.situation import Recent, RecentWord, Situation
from reconcile.model.address import Address
from reconcile.model.struct import replace
from reconcile.render import table, words
from reconcile.render.apply import Board
from reconcile.render.layout import DOT, escape_terminal
from reconcile.render.outline import BY_URGENCY, STATUS_WORDS, STUCK, ItemLine, Outline, outlined
from reconcile.render.page import (
    Assets,
    DueSection,
    Head,
    Tone,
    asset,
    drawn,
    drawn_part,
    due_section,
    trouble_entry,
)

# What a live page shows, be it of one instance or of a fleet.

_SECTIONS = "render/templates/sections.html"
_HEAD_PARTS = ("tab", "icon", "head")
_PARTS = ("outcomes", "due_part")


class OutcomeEntry(Struct, frozen=True):
    """How a call ended, and at what time of its day. `job` may be empty."""

    word: str
    kind: str
    at: str
    name: str
    told: str
    job: str


class OutcomeDay(Struct, frozen=True):
    """The calls that ended on one day, newest first."""

    label: str
    outcomes: tuple[OutcomeEntry, ...]


class OutcomesSection(Struct, frozen=True):
    """The calls that have ended, by day, newest first. `choices`, `kinds`: of the filter."""

    days: tuple[OutcomeDay, ...]
    choices: tuple[tuple[str, str], ...]
    kinds: tuple[tuple[str, str], ...]


class LivePage(Struct, frozen=True, kw_only=True):
    """All that a live page shows. `outcomes`: None where nobody here knows of them."""

    head: Head
    outcomes: OutcomesSection | None = None
    due: DueSection | None = None
    items: table.ItemsTable | None = None


@cache
def live_assets() -> Assets:
    """Return the style and the script of a page that keeps itself up to date."""
    return Assets(
        asset("render/style.css", "controller/live.css"),
        asset("render/script.js", "controller/live.js"),
        "img-src data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'",
    )


def live_html(page: LivePage) -> str:
    """Return the whole page, ASCII."""
    return drawn("controller/templates/live.html", page, live_assets())


def live_parts(page: LivePage) -> Mapping[str, str]:
    """Return what may have changed, by the id of the element that it replaces."""
    drawings = {name: drawn_part(_SECTIONS, name, page.head) for name in _HEAD_PARTS}
    for name in _PARTS:
        part = drawn_part("controller/templates/parts.html", name, page)
        drawings[name.replace("_", "-")] = part
    if page.items is not None:
        drawings["items-table"] = drawn_part(_SECTIONS, "rows", page.items)
    return drawings


def login_html(*, refused: bool) -> str:
    """Return the page that asks for the token."""
    headline = "That was not the token" if refused else "The token, please"
    page = LivePage(head=Head(tab=headline, subject="reconcile run", headline=headline))
    return drawn("controller/templates/login.html", page, live_assets())


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


def dashboard_html(situation: Situation, now: datetime) -> str:
    """Return the whole page, ASCII. `now`: as of when instants are told, UTC."""
    return live_html(_page(situation, now))


def dashboard_parts(situation: Situation, now: datetime) -> Mapping[str, str]:
    """Return what may have changed, by the id of the element that it replaces."""
    return live_parts(_page(situation, now))


def _page(situation: Situation, now: datetime) -> LivePage:
    plan = situation.plan
    outline = None
    if plan is not None:
        outline = outlined(plan, recorded=situation.recorded, in_place=True)
    view = words.Vantage("UTC" if outline is None else outline.view.zone, now)
    told = [*situation.refused, *situation.problems]
    tone, headline = _headline(situation, outline)
    # What came of the calls of an instance of a fleet its worker knows, maybe on another machine.
    ours = not situation.of_fleet
    contents = [("items", "Items")] if outline else []
    contents += [("outcomes-heading", "Last outcomes")] if ours else []
    return LivePage(
        head=Head(
            tab=f"{headline} - {situation.name}",
            tone=tone,
            subject="reconcile fleet" if situation.of_fleet else "reconcile run",
            home="/" if situation.of_fleet else "",
            where=DOT.join(filter(None, (situation.name, situation.host))),
            headline=headline,
            lead=_lead(situation.board, outline),
            facts=tuple(_facts(situation, view)),
            troubles=tuple(map(trouble_entry, told)),
            contents=tuple(contents),
        ),
        outcomes=OutcomesSection(tuple(_outcomes(situation, view)), _OUTCOMES, table.KINDS)
        if ours
        else None,
        due=due_section(outline, "What the next cycle does") if outline else None,
        items=_items(situation, outline, now) if outline else None,
    )


def _headline(situation: Situation, outline: Outline | None) -> tuple[Tone, str]:
    """Return the one thing to know, and how bad it is."""
    if situation.refused:
        return "bad", "The files are invalid; the earlier version goes on"
    if situation.cycle is not None and not situation.cycle.well:
        return "bad", f"The last cycle: {_VERDICTS[situation.cycle.verdict]}"
    if outline is None:
        return "due", "Starting"
    if stuck := sum(number for status, number in outline.statuses if status in STUCK):
        return "bad", f"{words.counted(stuck, 'item')} in trouble"
    if situation.board is not None and situation.board.total:
        return "due", f"{words.counted(situation.board.total, 'call')} under way"
    late = len(situation.late)
    return ("due", f"{words.counted(late, 'item')} late") if late else ("calm", "Up to date")


def _lead(board: Board | None, outline: Outline | None) -> str:
    """Return what runs, or how many items stand how."""
    if board is not None and board.running:
        return f"Running: {words.few([words.addresses_text(it.addresses) for it in board.running])}"
    return DOT.join(one.words() for one in outline.figures) if outline else ""


def _facts(situation: Situation, view: words.Vantage) -> Iterator[tuple[str, str]]:
    """Yield names and values: the last cycle, the next, the budget, how many are late."""
    cycle = situation.cycle
    if cycle is not None:
        yield "Last cycle", f"{_VERDICTS[cycle.verdict]}, {view.local(cycle.at)}"
    if situation.board is not None:
        yield "Next cycle", "under way"
    else:
        wake = situation.wake_at
        yield "Next cycle", view.local(wake) if wake else "when something changes"
    yield "Late", words.counted(len(situation.late), "item")
    if situation.of_fleet:
        # What else is told is known to the worker that had it last, and not here.
        return
    if situation.plan is not None:
        limit = situation.plan.load.requests_per_minute
        yield "Requests this minute", f"{situation.used(view.now):,} of {limit:,}"
    yield "Cycles", f"{sum(situation.cycles.values()):,}"
    yield "Runs since", view.local(situation.started_at)


_OUTCOMES = tuple((word, word) for word in get_args(RecentWord))


def _outcomes(situation: Situation, view: words.Vantage) -> Iterator[OutcomeDay]:
    by_day = groupby(situation.recent, key=lambda each: words.date_text(each.at, view.zone))
    for label, outcomes in by_day:
        yield OutcomeDay(label, tuple(_outcome(each, view) for each in outcomes))


def _outcome(recent: Recent, view: words.Vantage) -> OutcomeEntry:
    # What failed is told in words that may be Omni's, what went well in ours.
    ours = recent.word in {"done", "running", "skipped"}
    return OutcomeEntry(
        word=recent.word,
        kind="refresh"
        if recent.addresses[:1] and recent.addresses[0].endswith(".refresh")
        else "reset",
        at=words.Vantage(view.zone, recent.at).local(recent.at),
        name=words.addresses_text(recent.addresses),
        told=recent.detail if ours else words.words_text(recent.detail),
        job=escape_terminal(recent.job, _JOB_LIMIT) if recent.job else "",
    )


_JOB_LIMIT = 64


# Every item: how it stands, how late it is, what runs or waits, what comes next.

_CHOICES = (
    ("running", "running"),
    ("waits", "waits"),
    *((status.value, STATUS_WORDS[status]) for status in BY_URGENCY),
)
"""Without numbers: the form stays as it is while the rows change."""


def _items(situation: Situation, outline: Outline, now: datetime) -> table.ItemsTable:
    tracks = table.Tracks(situation.timeline, outline.view)
    calls = _calls(situation.board, now) if situation.board else {}

    def shown(item: ItemLine) -> table.ItemEntry:
        late = ""
        if item.address in situation.late:
            late = f"{words.duration_text(situation.late_s(item.address, now))} late"
        entry = table.item_entry(item, tracks, calm=table.NOT_STUCK, note=late)
        word, told = calls.get(item.address, ("", ""))
        if not word:
            return entry
        return replace(entry, word=word, tone=word, statuses=f"{entry.statuses} {word}", note=told)

    urgent = [
        n for n, (a, s) in enumerate(outline.stands) if a in calls or s not in table.NOT_STUCK
    ]
    listed = table.Group("", outline.items, urgent)
    return table.items_table("Items", tracks, _CHOICES, [listed], shown)


def _calls(board: Board, now: datetime) -> Mapping[Address, tuple[str, str]]:
    """Return what runs or waits by address: a word, and what is known of it."""
    found: dict[Address, tuple[str, str]] = {}
    for held in board.waiting:
        found |= dict.fromkeys(held.addresses, ("waits", held.why))
    for line in board.running:
        took = words.duration_text(max(0.0, (now - line.since).total_seconds()))
        told = f"{line.word.lower()}, {took}" if line.word else took
        found |= dict.fromkeys(line.addresses, ("running", told))
    return found
