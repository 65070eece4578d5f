"""The time during which an item may not run, whatever falls due: its pause and its freezes."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from reconcile.model.desired import Desired, Freeze, Item
from reconcile.model.forecast import Span
from reconcile.model.noun import noun
from reconcile.planning.calendar.windows import frozen_until, matches, next_change


@noun(frozen=True, slots=True)
class Closed:
    """Stretches during which an item may not run: ascending, none touching the next."""

    spans: tuple[tuple[datetime, datetime], ...]

    @staticmethod
    def of(spans: Iterable[tuple[datetime, datetime]]) -> "Closed":
        """Join stretches that overlap or touch."""
        joined: list[tuple[datetime, datetime]] = []
        for start, end in sorted(spans):
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            else:
                joined.append((start, end))
        return Closed(tuple(joined))

    def holds(self, instant: datetime) -> bool:
        """Tell whether an item may not run at an instant."""
        place = bisect_right(self.spans, instant, key=lambda span: span[0]) - 1
        return place >= 0 and instant < self.spans[place][1]


class Windows:
    """The freezes of a desired state from `start` (included) until `until` (excluded), UTC.

    Most items are matched by the same freezes: what these come to is worked out once.
    """

    def __init__(self, desired: Desired, start: datetime, until: datetime) -> None:
        self._start = start
        self._until = until
        self._frozen: Mapping[Freeze, tuple[Span, ...]] = {
            freeze: spans
            for freeze in desired.freezes
            if (spans := tuple(_spans(freeze, start, until)))
        }
        self._closed: dict[tuple[object, ...], Closed] = {}

    def frozen(self, item: Item) -> tuple[Span, ...]:
        """List the stretches in which a freeze that matches the item holds."""
        return tuple(
            span
            for freeze, spans in self._frozen.items()
            if matches(freeze, item.address)
            for span in spans
        )

    def closed(self, item: Item) -> Closed:
        """Return when an item may not run, by its pause and by its freezes."""
        frozen = self.frozen(item) if self._frozen else ()
        pause = item.timing.pause
        paused = pause is not None and (pause.until is None or pause.until > self._start)
        until = self._until if pause is None or pause.until is None else pause.until
        key = frozen, paused and until
        if key not in self._closed:
            spans = [(span.start, span.until) for span in frozen]
            if paused:
                spans.append((self._start, min(until, self._until)))
            self._closed[key] = Closed.of(spans)
        return self._closed[key]


def _spans(freeze: Freeze, start: datetime, until: datetime) -> Iterator[Span]:
    moment: datetime | None = start
    while moment is not None and moment < until:
        frozen = frozen_until(freeze, moment)
        if frozen is not None:
            yield Span(moment, min(frozen.until or until, until), freeze.name)
        moment = next_change(freeze, moment)
