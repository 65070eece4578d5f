"""A plan, a change, or a mistake as one page that needs nothing but itself."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from reconcile.errors import Diagnostic
from reconcile.model.address import Address
from reconcile.model.forecast import Timeline
from reconcile.render import table, words
from reconcile.render.layout import DOT, escape_terminal
from reconcile.render.outline import ItemLine, Outline
from reconcile.render.page import (
    DueSection,
    Head,
    LinesSection,
    Room,
    Tone,
    TroubleEntry,
    drawn,
    due_section,
    fitting,
    lines_section,
    still_assets,
    trouble_entry,
)
from reconcile.render.plan import (
    alert_text,
    approval,
    as_of,
    blocked_text,
    due_text,
    load_text,
    noted_text,
)
from reconcile.review.outline import ChangedLine, ReviewOutline, no_plan_verdict


class Bar(Struct, frozen=True):
    """The busiest minute of an hour, in percent of the drawing. `kind`: `load` or `over`."""

    words: str
    kind: str
    x: str
    y: str
    width: str
    height: str


class LoadSection(Struct, frozen=True):
    """Requests against what Omni allows. Places are in percent.

    `columns` and `calls`: the calls of each day, in both versions where there are two.
    """

    summary: str
    title: str
    midnights: tuple[str, ...]
    bars: tuple[Bar, ...]
    limit: str
    limit_y: str
    limit_name_y: str
    stretches: tuple[table.Stretch, ...]
    columns: tuple[str, ...]
    calls: tuple[tuple[str, ...], ...]


class Approval(Struct, frozen=True):
    """How to apply exactly this. `command`: empty where there is nothing to apply."""

    words: str
    command: str
    noted: str
    digest: str


class PlanPage(Struct, frozen=True, kw_only=True):
    """The page of a plan, or of a change. `facts`: what else comes of the change."""

    head: Head
    approval: Approval
    items: table.ItemsTable
    facts: tuple[tuple[str, str], ...]
    due: DueSection | None
    live: LinesSection | None
    load: LoadSection | None


class MistakePage(Struct, frozen=True):
    """The page of files that no plan can be made from. `mistakes`: all but the first."""

    head: Head
    mistakes: tuple[TroubleEntry | str, ...]


def plan_html(
    outline: Outline,
    timeline: Timeline | None = None,
    *,
    arguments: Sequence[str] = (),
    review: ReviewOutline | None = None,
    before: Timeline | None = None,
    live: Sequence[str] = (),
) -> str:
    """Return the plan as one page of ASCII, under 2 MB, that makes no request.

    `arguments`: what `apply` must be given, beside the digest, to plan the same. `review`: the
    comparison with another version of the files; the page is then about that. `before`: the days
    of that version. `live`: the lines of what a look at the instance found.
    """
    tracks = table.Tracks(timeline, outline.view, before)
    heading = f"{words.counted(outline.calls, 'call')}, one by one"
    if review:
        heading = review.due(outline.calls)
    due = due_section(outline, heading)
    load = None if timeline is None else load_section(outline, timeline, review)
    looked = lines_section("The live instance", live, changes=False) if live else None
    contents = [("items", "What changes" if review else "Items")]
    contents += [("comes", "What else comes of it")] if review and review.facts else []
    contents += [("due", due.heading)] if due else []
    contents += [(looked.id, looked.heading)] if looked else []
    contents += [("load", "Load")] if load else []
    page = PlanPage(
        head=_head(outline, review, contents),
        approval=_approval(outline, arguments),
        items=_items(outline, review, tracks),
        facts=review.facts if review else (),
        due=due,
        live=looked,
        load=load,
    )
    return drawn("review/templates/plan.html", page, still_assets())


def no_plan_html(diagnostics: Sequence[Diagnostic], against: str | None) -> str:
    """Return why there is no plan as a page: every mistake with its place and the fix."""
    first, *more = diagnostics
    verdict = no_plan_verdict(diagnostics, against)
    head = Head(
        tab=verdict,
        tone="bad",
        subject="reconcile plan",
        where=f"against {escape_terminal(against, _NAME_LIMIT)}" if against else "",
        headline=verdict,
        lead="" if not more else f"{words.counted(len(diagnostics), 'mistake')}; the first:",
        troubles=(trouble_entry(first),),
    )
    mistakes = fitting(more, trouble_entry, _MISTAKES)
    return drawn("review/templates/mistakes.html", MistakePage(head, mistakes), still_assets())


# What the page is about, and how to approve it.

_NAME_LIMIT = 120
_MISTAKES = Room(500_000, 200, "mistake", "reconcile validate")


def _head(
    outline: Outline, review: ReviewOutline | None, contents: Sequence[tuple[str, str]]
) -> Head:
    """Return the head of a page; what blocks an apply is the first that it says."""
    plan = outline.document
    if review is None:
        where, verdict = "what is due now", due_text(outline)
        lead = [one.words() for one in outline.figures]
    else:
        commit = f" at {review.commit}" if review.commit else ""
        where, verdict = f"the change against {review.base}{commit}", review.counts
        notes = (note.rstrip(".") for note in review.notes)
        lead = [review.rate, review.due(outline.calls), *notes]
    blocked = blocked_text(plan.blocked_by, outline.complete)
    return Head(
        tab=DOT.join([*(("Blocked",) if blocked else ()), verdict]),
        tone=_tone(outline),
        subject="reconcile plan",
        where=where,
        headline=blocked or verdict,
        lead=DOT.join([verdict, *lead] if blocked else lead),
        facts=tuple(_facts(outline)),
        troubles=tuple(TroubleEntry(alert_text(one)) for one in plan.attention),
        contents=tuple(contents),
    )


def _tone(outline: Outline) -> Tone:
    if outline.document.blocked_by or outline.document.attention:
        return "bad"
    return "due" if outline.calls else "calm"


def _facts(outline: Outline) -> Iterator[tuple[str, str]]:
    plan = outline.document
    load = plan.load
    if plan.host is not None:
        yield "Instance", plan.host
    yield "As of", as_of(outline).removeprefix("as of ")
    if load_text(outline):
        peak = f"peak {load.peak_per_minute:,} of {load.requests_per_minute:,} a minute"
        took = words.duration_text(load.duration_s)
        yield "Requests", f"{load.calls:,} + {load.polls:,} polls, about {took}, {peak}"
    if outline.upcoming is not None:
        yield "Next", outline.upcoming[1]
    if plan.valid_until is not None:
        yield "Valid until", outline.view.both(plan.valid_until)


def _approval(outline: Outline, arguments: Sequence[str]) -> Approval:
    plan = outline.document
    said, command = "There is nothing to approve.", ""
    if plan.actions:
        said, command = approval(plan, arguments)
    noted = noted_text(outline)
    return Approval(said, command, f"{noted}." if noted else "", plan.digest)


# The table: of a change what changes first, and then everything else.


def _items(
    outline: Outline, review: ReviewOutline | None, tracks: table.Tracks
) -> table.ItemsTable:
    choices = table.status_choices(outline)
    if review is None:
        urgent = [n for n, (_, s) in enumerate(outline.stands) if s not in table.NOT_STUCK]
        listed = table.Group("", outline.items, urgent)
        return table.items_table(
            "Items", tracks, choices, [listed], lambda item: table.item_entry(item, tracks)
        )
    items = {item.address: item for item in outline.items}
    lines = (*review.changed, *review.affected)
    touched = {line.address for line in lines}
    rest = [item for address, item in items.items() if address not in touched]

    def shown(thing: ChangedLine | ItemLine) -> table.ItemEntry:
        if isinstance(thing, ChangedLine):
            return _changed_entry(thing, items, tracks)
        return table.item_entry(thing, tracks)

    stuck = {address for address, status in outline.stands if status not in table.NOT_STUCK}

    def group(
        name: str, things: Sequence[ChangedLine | ItemLine]
    ) -> table.Group[ChangedLine | ItemLine]:
        return table.Group(name, things, [n for n, it in enumerate(things) if it.address in stuck])

    groups = (
        group("Changed", review.changed),
        group("Also affected: declared as before, at other times", review.affected),
        group("As before", rest),
    )
    kinds = tuple((kind, f"{_KIND_WORDS.get(kind, kind)} ({n:,})") for kind, n in review.kinds)
    return table.items_table("What changes", tracks, (*kinds, *choices), groups, shown)


_KIND_WORDS = {"moved": "also affected"}


def _changed_entry(
    line: ChangedLine, items: Mapping[Address, ItemLine], tracks: table.Tracks
) -> table.ItemEntry:
    word = _KIND_WORDS.get(line.kind, line.kind)
    sides = (("Before", line.before), ("After", line.after))
    first = "" if line.effect == words.NONE else line.effect
    effect = DOT.join(filter(None, (first, line.because)))
    if line.address is None:
        return table.ItemEntry(
            name=line.name,
            statuses=line.kind,
            word=word,
            tone=line.kind,
            sides=sides,
            fields=(table.FieldEntry(tracks.runs, ""), table.FieldEntry("Next", "")),
        )
    item = items.get(line.address)
    course = tracks.course(line.address, item.view if item else tracks.view, line.was)
    return table.ItemEntry(
        name=line.name,
        kind="refresh" if line.address.endswith(".refresh") else "reset",
        statuses=f"{line.kind} {item.status.value}" if item else line.kind,
        word=word,
        tone=line.kind,
        note=item.word if item else "",
        track=tracks.entry(course, compared=True),
        fields=(
            table.FieldEntry(tracks.runs, line.runs),
            table.next_field(item) if item else table.FieldEntry("Next", "-"),
        ),
        sides=(*(() if line.kind == "moved" else sides), ("First effect", effect or "-")),
        more=tuple(table.more_of(item, course, with_why=True)) if item else (),
    )


# Requests against what Omni allows: the busiest minute of every hour, and calls a day.

_HEADROOM = 1.2
_BESIDE = 0.8
"""Part of an hour's width that its bar takes."""


def load_section(
    outline: Outline, timeline: Timeline, review: ReviewOutline | None = None
) -> LoadSection:
    """Return the chart, what it shows in words, and the calls of each day."""
    limit = outline.document.load.requests_per_minute
    vantage = outline.view
    calendar, by_hour = words.days(timeline, vantage.zone), words.hours(timeline)
    scale = table.Scale(timeline.start, timeline.until)
    top = max(limit, *(hour.peak for hour in by_hour)) * _HEADROOM
    busiest = words.busiest_text(timeline, limit, vantage) or "nothing is called"
    limit_y = 100 * (1 - limit / top)
    columns: tuple[str, ...] = ("Day", "Calls")
    calls: tuple[tuple[str, ...], ...] = tuple((day.label, f"{day.calls:,}") for day in calendar)
    if review is not None:
        columns = ("24 hours from", "Before", "After")
        calls = tuple((day.label, f"{day.before:,}", f"{day.after:,}") for day in review.days)
    return LoadSection(
        summary=f"{words.counted(timeline.calls, 'call')}; {busiest}.",
        title=f"Busiest minute of every hour against {limit} requests a minute",
        midnights=tuple(f"{scale.share(day.start):g}" for day in calendar[1:]),
        bars=tuple(_bar(hour, limit, top, scale, vantage) for hour in by_hour if hour.calls),
        limit=f"{limit:,} requests a minute",
        limit_y=f"{limit_y:.2f}",
        limit_name_y=f"{limit_y - 2:.2f}",
        stretches=table.stretches(timeline, vantage.zone),
        columns=columns,
        calls=calls,
    )


def _bar(
    hour: words.Hour, limit: int, top: float, scale: table.Scale, vantage: words.Vantage
) -> Bar:
    begins = scale.share(max(scale.start, hour.start))
    width = scale.share(min(scale.until, hour.start + words.HOUR)) - begins
    height = 100 * hour.peak / top
    calls = words.counted(hour.calls, "call")
    return Bar(
        words=f"{vantage.local(hour.start)}: {calls}, {hour.peak:,} in the busiest minute",
        kind="over" if hour.peak > limit else "load",
        x=f"{begins:g}",
        y=f"{100 - height:.2f}",
        width=f"{width * _BESIDE:.2f}",
        height=f"{height:.2f}",
    )
