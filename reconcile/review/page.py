"""A plan as one page that needs nothing but itself."""

from collections.abc import Iterator, Sequence

from reconcile.model.forecast import Timeline
from reconcile.model.plan import Plan
from reconcile.render.layout import DOT
from reconcile.render.page import (
    Markup,
    Scale,
    axis,
    changes_section,
    code,
    due_section,
    element,
    framed,
    items_section,
    joined,
    lines_section,
    midnights,
    tracks_section,
)
from reconcile.render.plan import Outline, approving_command, waivers
from reconcile.render.words import (
    HOUR,
    Day,
    Hour,
    Vantage,
    busiest_text,
    counted,
    days,
    duration_text,
    hours,
)


def plan_html(
    plan: Plan,
    timeline: Timeline | None = None,
    *,
    host: str | None = None,
    arguments: Sequence[str] = (),
    changes: Sequence[str] = (),
    live: Sequence[str] = (),
) -> str:
    """Return the plan as one page of ASCII, under 2 MB, that makes no request.

    `host`: the origin the calls would go to. `arguments`: what `apply` must be given, beside the
    digest, to plan the same. `changes`: the lines of a comparison with another version of the
    files. `live`: the lines of what a look at the instance found.
    """
    outline = Outline.of(plan, dated=True)
    parts = [changes_section(changes)] if changes else []
    parts.append(due_section(outline))
    if live:
        parts.append(lines_section("The live instance", live, changes=False))
    if timeline is not None:
        parts += [tracks_section(outline, timeline), load_section(outline, timeline)]
    parts += [items_section(outline, timeline), _approval(outline, arguments)]
    title = DOT.join([*(("Blocked",) if plan.blocked_by else ()), outline.due()])
    return framed(title, _masthead(outline, host), parts)


def _masthead(outline: Outline, host: str | None) -> Markup:
    where = () if host is None else (host,)
    facts = (
        element("div", (element("dt", name), element("dd", value)))
        for name, value in _facts(outline)
    )
    return element(
        "header",
        joined(
            [
                *_blocked(outline),
                element("p", DOT.join(["reconcile plan", *where]), class_="brand"),
                element("h1", outline.due()),
                element("p", DOT.join([outline.as_of(), *outline.counts()]), class_="quiet"),
                *(element("p", alert.sentence(), class_="alert") for alert in outline.alerts()),
                element("dl", joined(facts), class_="facts"),
            ]
        ),
    )


def _blocked(outline: Outline) -> Iterator[Markup]:
    if blocked := outline.blocked():
        yield element("p", blocked, class_="alert")


def _facts(outline: Outline) -> Iterator[tuple[str, str]]:
    plan, vantage = outline.plan, outline.reader.vantage()
    load = plan.load
    if outline.load():
        yield "Requests", f"{load.calls:,} + {load.polls:,} polls"
        yield "Takes", f"about {duration_text(load.duration_s)}"
        yield "Peak a minute", f"{load.peak_per_minute:,} of {load.requests_per_minute:,}"
    if upcoming := outline.upcoming():
        yield "Next", upcoming[1]
    if plan.valid_until is not None:
        yield "Valid until", vantage.both(plan.valid_until)


def _approval(outline: Outline, arguments: Sequence[str]) -> Markup:
    plan = outline.plan
    over = waivers(plan.blocked_by).split()
    command = approving_command(plan.digest, [*arguments, *over])
    parts = [element("h2", "Approve", id="approve")]
    if not plan.actions:
        parts.append(element("p", "There is nothing to approve.", class_="quiet"))
    elif command is None:
        parts.append(
            element("p", "Apply exactly this with the options of this plan and", class_="quiet")
        )
        parts.append(element("pre", (code(f"--approve {plan.digest}"),), tabindex=0))
    else:
        what = "past its limits" if over else "and nothing else"
        parts.append(element("p", f"Apply exactly this, {what}:", class_="quiet"))
        parts.append(element("pre", (code(command),), tabindex=0))
    if noted := outline.noted():
        parts.append(element("p", f"{noted}.", class_="quiet"))
    parts.append(element("p", "Digest ", (code(plan.digest),), class_="digest quiet"))
    return element("section", joined(parts), aria_labelledby="approve")


# Requests against what Omni allows: the busiest minute of every hour, and calls a day.

_HEADROOM = 1.2


def load_section(outline: Outline, timeline: Timeline) -> Markup:
    """Return the chart, what it shows in words, and the calls of each day as a table."""
    limit = outline.plan.load.requests_per_minute
    vantage = outline.reader.vantage()
    busiest = busiest_text(timeline, limit, vantage) or "nothing is called"
    shown = days(timeline, vantage.zone)
    scale = Scale(timeline.start, timeline.until)
    drawn = (
        element("title", f"Busiest minute of every hour against {limit} requests a minute"),
        *midnights(shown, scale),
        *_bars(timeline, limit, scale, vantage),
    )
    chart = element("svg", drawn, class_="chart", role="img")
    names = element("div", (axis(shown, scale),), class_="axis", aria_hidden="true")
    total = counted(timeline.calls, "call")
    return element(
        "section",
        joined(
            [
                element("h2", "Load", id="load"),
                element("p", f"{total}; {busiest}.", class_="quiet"),
                chart,
                names,
                element("details", (element("summary", "Calls of each day"), _table(shown))),
            ]
        ),
        aria_labelledby="load",
    )


def _table(shown: tuple[Day, ...]) -> Markup:
    rows = (
        element("tr", (element("th", day.label, scope="row"), element("td", f"{day.calls:,}")))
        for day in shown
    )
    heads = (element("th", "Day", scope="col"), element("th", "Calls", scope="col"))
    head = element("thead", (element("tr", heads),))
    return element("table", (head, element("tbody", joined(rows))), class_="small")


def _bars(timeline: Timeline, limit: int, scale: Scale, vantage: Vantage) -> Iterator[Markup]:
    shown = hours(timeline)
    top = max(limit, *(hour.peak for hour in shown)) * _HEADROOM
    for hour in shown:
        if hour.calls:
            yield _bar(hour, limit, top, scale, vantage)
    y = 100 * (1 - limit / top)
    yield element("line", class_="limit", x1="0", x2="100%", y1=f"{y:.2f}%", y2=f"{y:.2f}%")
    yield element(
        "text", f"{limit:,} requests a minute", x="100%", y=f"{y - 2:.2f}%", class_="limit-name"
    )


def _bar(hour: Hour, limit: int, top: float, scale: Scale, vantage: Vantage) -> Markup:
    begins = max(scale.start, hour.start)
    ends = min(scale.until, hour.start + HOUR)
    width = scale.share(ends) - scale.share(begins)
    height = 100 * hour.peak / top
    words = (
        f"{vantage.local(hour.start)}: {counted(hour.calls, 'call')}, "
        f"{hour.peak:,} in the busiest minute"
    )
    return element(
        "rect",
        (element("title", words),),
        class_="over" if hour.peak > limit else "bar",
        x=f"{scale.share(begins):g}%",
        y=f"{100 - height:.2f}%",
        width=f"{width * 0.8:.2f}%",
        height=f"{height:.2f}%",
    )
