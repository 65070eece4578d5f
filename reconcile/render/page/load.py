"""Requests against what Omni allows: the busiest minute of every hour, and calls a day."""

from collections.abc import Iterator

from reconcile.model.forecast import Timeline
from reconcile.render.days import HOUR, Day, Hour, busiest_text, days, hours
from reconcile.render.instants import Vantage
from reconcile.render.names import counted
from reconcile.render.outline import Outline
from reconcile.render.page.markup import Markup, element, joined
from reconcile.render.page.scale import Scale, axis, midnights

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
