"""A plan as one page that needs nothing but itself."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from reconcile.model.forecast import Timeline
from reconcile.render.layout import DOT
from reconcile.render.outline import Outline
from reconcile.render.page import (
    DayMark,
    DueSection,
    ItemsTable,
    LinesSection,
    Scale,
    TracksSection,
    day_marks,
    drawn,
    due_section,
    items_table,
    lines_section,
    still_assets,
    tracks_section,
)
from reconcile.render.plan import (
    alert_text,
    approving_command,
    as_of,
    blocked_text,
    due_text,
    load_text,
    noted_text,
    waivers,
)
from reconcile.render.words import (
    HOUR,
    Hour,
    Vantage,
    busiest_text,
    counted,
    days,
    duration_text,
    hours,
)


class Bar(Struct, frozen=True):
    """The busiest minute of an hour, in percent of the drawing. `kind`: `bar` or `over`."""

    words: str
    kind: str
    x: str
    y: str
    width: str
    height: str


class LoadSection(Struct, frozen=True):
    """Requests against what Omni allows. Places are in percent; `calls`: days and their calls."""

    summary: str
    title: str
    midnights: tuple[str, ...]
    bars: tuple[Bar, ...]
    limit: str
    limit_y: str
    limit_name_y: str
    days: tuple[DayMark, ...]
    calls: tuple[tuple[str, str], ...]


class Approval(Struct, frozen=True):
    """How to apply exactly this. `command`: empty where there is nothing to apply."""

    words: str
    command: str
    noted: str
    digest: str


class PlanPage(Struct, frozen=True):
    """The page of a plan. `changes`, `live`, `tracks`, `load`: where they were asked for."""

    title: str
    blocked: str
    brand: str
    headline: str
    summary: str
    alerts: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    changes: LinesSection | None
    due: DueSection
    approval: Approval
    live: LinesSection | None
    tracks: TracksSection | None
    load: LoadSection | None
    items: ItemsTable


def plan_html(
    outline: Outline,
    timeline: Timeline | None = None,
    *,
    arguments: Sequence[str] = (),
    changes: Sequence[str] = (),
    live: Sequence[str] = (),
) -> str:
    """Return the plan as one page of ASCII, under 2 MB, that makes no request.

    `arguments`: what `apply` must be given, beside the digest, to plan the same. `changes`: the
    lines of a comparison with another version of the files. `live`: the lines of what a look at
    the instance found.
    """
    plan, due = outline.document, due_text(outline)
    page = PlanPage(
        title=DOT.join([*(("Blocked",) if plan.blocked_by else ()), due]),
        blocked=blocked_text(plan.blocked_by),
        brand=DOT.join(["reconcile plan", *(() if plan.host is None else (plan.host,))]),
        headline=due,
        summary=DOT.join([as_of(outline), *(one.words() for one in outline.figures)]),
        alerts=tuple(map(alert_text, plan.attention)),
        facts=tuple(_facts(outline)),
        changes=lines_section("What changes", changes, changes=True) if changes else None,
        due=due_section(outline),
        approval=_approval(outline, arguments),
        live=lines_section("The live instance", live, changes=False) if live else None,
        tracks=None if timeline is None else tracks_section(outline, timeline),
        load=None if timeline is None else load_section(outline, timeline),
        items=items_table(outline, timeline),
    )
    return drawn("review/templates/plan.html", page, still_assets())


def _facts(outline: Outline) -> Iterator[tuple[str, str]]:
    plan = outline.document
    load = plan.load
    if load_text(outline):
        yield "Requests", f"{load.calls:,} + {load.polls:,} polls"
        yield "Takes", f"about {duration_text(load.duration_s)}"
        yield "Peak a minute", f"{load.peak_per_minute:,} of {load.requests_per_minute:,}"
    if outline.upcoming is not None:
        yield "Next", outline.upcoming[1]
    if plan.valid_until is not None:
        yield "Valid until", outline.view.both(plan.valid_until)


def _approval(outline: Outline, arguments: Sequence[str]) -> Approval:
    plan = outline.document
    over = waivers(plan.blocked_by).split()
    command = approving_command(plan.digest, [*arguments, *over])
    if not plan.actions:
        words, command = "There is nothing to approve.", ""
    elif command is None:
        words = "Apply exactly this with the options of this plan and"
        command = f"--approve {plan.digest}"
    else:
        words = f"Apply exactly this, {'past its limits' if over else 'and nothing else'}:"
    noted = noted_text(outline)
    return Approval(words, command, f"{noted}." if noted else "", plan.digest)


# Requests against what Omni allows: the busiest minute of every hour, and calls a day.

_HEADROOM = 1.2
_BESIDE = 0.8
"""Part of an hour's width that its bar takes."""


def load_section(outline: Outline, timeline: Timeline) -> LoadSection:
    """Return the chart, what it shows in words, and the calls of each day."""
    limit = outline.document.load.requests_per_minute
    vantage = outline.view
    calendar, by_hour = days(timeline, vantage.zone), hours(timeline)
    scale = Scale(timeline.start, timeline.until)
    top = max(limit, *(hour.peak for hour in by_hour)) * _HEADROOM
    busiest = busiest_text(timeline, limit, vantage) or "nothing is called"
    limit_y = 100 * (1 - limit / top)
    return LoadSection(
        summary=f"{counted(timeline.calls, 'call')}; {busiest}.",
        title=f"Busiest minute of every hour against {limit} requests a minute",
        midnights=tuple(f"{scale.share(day.start):g}" for day in calendar[1:]),
        bars=tuple(_bar(hour, limit, top, scale, vantage) for hour in by_hour if hour.calls),
        limit=f"{limit:,} requests a minute",
        limit_y=f"{limit_y:.2f}",
        limit_name_y=f"{limit_y - 2:.2f}",
        days=day_marks(calendar, scale),
        calls=tuple((day.label, f"{day.calls:,}") for day in calendar),
    )


def _bar(hour: Hour, limit: int, top: float, scale: Scale, vantage: Vantage) -> Bar:
    begins = scale.share(max(scale.start, hour.start))
    width = scale.share(min(scale.until, hour.start + HOUR)) - begins
    height = 100 * hour.peak / top
    calls = counted(hour.calls, "call")
    return Bar(
        words=f"{vantage.local(hour.start)}: {calls}, {hour.peak:,} in the busiest minute",
        kind="over" if hour.peak > limit else "bar",
        x=f"{begins:g}",
        y=f"{100 - height:.2f}",
        width=f"{width * _BESIDE:.2f}",
        height=f"{height:.2f}",
    )
