"""The next days of every item on one scale: runs, what is held, freezes, changed clocks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from reconcile.model.address import Address
from reconcile.model.forecast import Timeline, Track
from reconcile.model.plan import Standing
from reconcile.render.cadences import cadence_text
from reconcile.render.days import clock_change_text, days, freeze_texts
from reconcile.render.layout import DOT
from reconcile.render.names import address_text, counted
from reconcile.render.outline import Outline
from reconcile.render.page.cutting import Room, fitting, left_out_entry
from reconcile.render.page.markup import Markup, address_code, element, joined
from reconcile.render.page.scale import WIDTH, Scale, axis
from reconcile.render.riding import riding_text
from reconcile.render.standings import status_word

_ROOM = Room(400_000, 80, "item")
_NOTES_SHOWN = 20
_CLOSE = 6.5
"""Ticks nearer to each other than this, of `WIDTH`, could not be told apart: they become a bar."""

_LEAST_IN_A_BAR = 3
_LEGEND = (
    ("run", "expected run"),
    ("held", "held back"),
    ("frozen", "freeze"),
    ("clock", "clocks change"),
)
_SUPPOSES = (
    "When each item is expected to run, if an apply comes at every slot and every call succeeds."
)


def tracks_section(outline: Outline, timeline: Timeline) -> Markup:
    """Return a row for every item, below a common axis of days."""
    vantage = outline.reader.vantage()
    scale = Scale(timeline.start, timeline.until)
    standings = {standing.address: standing for standing in outline.plan.standings}
    calendar = days(timeline, vantage.zone)
    grid = "".join(f"M{scale.x(day.start):g} 0v28" for day in calendar[1:])
    drawings = _Drawings(timeline, scale, element("path", class_="day", d=grid))
    shown = partial(_row, standings=standings, drawings=drawings, outline=outline)
    rows = fitting(timeline.tracks, shown, left_out_entry, _ROOM)
    notes = [clock_change_text(change, timeline.start) for change in timeline.clock_changes]
    notes += freeze_texts(timeline.freezes, vantage)
    head, count = element("span", (), class_="name"), element("span", "runs", class_="count")
    parts = [
        element("h2", f"Next {counted(_whole_days(timeline), 'day')}", id="next"),
        element("p", _SUPPOSES, class_="quiet"),
        element("ul", joined(map(_sign, _LEGEND)), class_="legend"),
        element(
            "div", (head, axis(calendar, scale), count), class_="track axis", aria_hidden="true"
        ),
        element("ul", rows, class_="tracks"),
    ]
    if notes:
        listed = (element("li", _capital(note)) for note in notes[:_NOTES_SHOWN])
        parts.append(element("ul", joined(listed), class_="notes"))
    return element("section", joined(parts), aria_labelledby="next")


def _whole_days(timeline: Timeline) -> int:
    # Rounded: where the clocks are changed a day has 23 or 25 hours.
    return max(1, round((timeline.until - timeline.start) / timedelta(days=1)))


def _sign(entry: tuple[str, str]) -> Markup:
    kind, words = entry
    return element("li", (element("span", (), class_=f"sign {kind}"),), words)


@dataclass(frozen=True, slots=True)
class _Drawings:
    timeline: Timeline
    scale: Scale
    grid: Markup

    def of(self, track: Track) -> Iterator[Markup]:
        scale = self.scale
        for span in track.frozen:
            x, end = scale.x(span.start), scale.x(span.until)
            yield element("rect", class_="frozen", x=f"{x:g}", width=f"{end - x:g}", height=28)
        yield self.grid
        changes = (c.at for c in self.timeline.clock_changes if c.zone == track.zone)
        yield from _path("clock", (f"M{scale.x(at):g} 0v28" for at in changes))
        ticks, bars = _marks(track.held, scale)
        yield from _path("held", (f"M{first:g} 14H{last:g}" for first, last in bars))
        yield from _path("held", (f"M{place:g} 10v8" for place in ticks))
        ticks, bars = _marks(track.runs, scale)
        yield from _path("bar", (f"M{first:g} 9H{last:g}v10H{first:g}z" for first, last in bars))
        yield from _path("run", (f"M{place:g} 5v18" for place in ticks))


def _row(
    track: Track, standings: Mapping[Address, Standing], drawings: _Drawings, outline: Outline
) -> Markup:
    standing = standings[track.address]
    view = outline.reader.vantage(track.address)
    word = status_word(standing)
    runs = counted(len(track.runs), "run")
    following = f", next {view.local(track.runs[0])}" if track.runs else ""
    held = f", {len(track.held):,} held" if track.held else ""
    said = [cadence_text(track.cadence, view), word]
    if track.riding is not None:
        span = drawings.timeline.until - drawings.timeline.start
        said.append(riding_text(track.riding, span, view))
    name = (
        address_code(address_text(track.address)),
        element("span", DOT.join(said), class_="cadence"),
    )
    drawing = element(
        "svg",
        tuple(drawings.of(track)),
        viewBox=f"0 0 {WIDTH} 28",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"{runs}{following}{held}",
    )
    count = element("span", f"{len(track.runs):,}", class_="count", aria_hidden="true")
    return element(
        "li",
        (element("span", name, class_="name"), drawing, count),
        class_=f"track {standing.status.value}",
    )


def _path(kind: str, steps: Iterable[str]) -> Iterator[Markup]:
    drawn = "".join(steps)
    if drawn:
        yield element("path", class_=kind, d=drawn)


def _marks(
    instants: Sequence[datetime], scale: Scale
) -> tuple[list[float], list[tuple[float, float]]]:
    """Return where to draw a tick, and from where to where a bar for what stands too close."""
    places = [scale.x(instant) for instant in instants]
    ticks: list[float] = []
    bars: list[tuple[float, float]] = []
    start = 0
    for end in range(1, len(places) + 1):
        if end < len(places) and places[end] - places[end - 1] <= _CLOSE:
            continue
        if end - start >= _LEAST_IN_A_BAR:
            bars.append((places[start], places[end - 1]))
        else:
            ticks.extend(places[start:end])
        start = end
    return ticks, bars


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
