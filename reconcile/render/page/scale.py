"""The common scale of everything that is drawn over time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from reconcile.render.days import Day
from reconcile.render.page.markup import Markup, element

WIDTH = 1000
"""Width of a drawing in its own units; it is stretched to the width there is."""

_LABELS_AT_MOST = 8
_LEAST_ROOM = 8.0
"""A day that is cut shorter than this, in percent, has no room for its name."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From `start` at the left to `until` at the right, UTC."""

    start: datetime
    until: datetime

    def share(self, instant: datetime) -> float:
        """Return where an instant lies, in percent with two digits."""
        return round(100 * (instant - self.start) / (self.until - self.start), 2)

    def x(self, instant: datetime) -> float:
        """Return where an instant lies, in units of `WIDTH` with one digit."""
        return round(WIDTH * (instant - self.start) / (self.until - self.start), 1)


def axis(days: tuple[Day, ...], scale: Scale) -> Markup:
    """Return the names of the days, each where it begins."""
    return element("svg", tuple(_names(days, scale)), class_="names")


def _names(days: tuple[Day, ...], scale: Scale) -> Iterator[Markup]:
    step = -(-len(days) // _LABELS_AT_MOST)
    for day in days[::step]:
        begins, ends = scale.share(day.start), scale.share(day.until)
        if (ends - begins) * step >= _LEAST_ROOM:
            name, number = day.label.split(" ")
            # A narrow screen hides the number: seven whole labels would run into each other.
            parts = (element("tspan", name), element("tspan", f" {number}", class_="number"))
            yield element("text", parts, x=f"{begins:g}%", y=12)


def midnights(days: tuple[Day, ...], scale: Scale) -> Iterator[Markup]:
    """Yield a line where each day but the first begins."""
    for day in days[1:]:
        x = f"{scale.share(day.start):g}%"
        yield element("line", class_="day", x1=x, x2=x, y1="0", y2="100%")
