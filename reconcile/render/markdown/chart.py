"""The next days as a chart that forges draw from Mermaid, and what to know about them."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from reconcile.model.timeline import Timeline
from reconcile.render.days import Day, busiest_text, clock_change_text, days, freeze_texts
from reconcile.render.instants import Vantage
from reconcile.render.markdown.prose import fenced, told
from reconcile.render.names import counted

_NOTES_SHOWN = 12
_SHORTEST_DAY = timedelta(hours=23)
"""On which clocks are put forward."""


def chart_lines(timeline: Timeline, requests_per_minute: int, vantage: Vantage) -> Iterator[str]:
    """Yield the chart of calls a day, and below it what stands out. No name gets into Mermaid."""
    whole = _whole_days(days(timeline, vantage.zone))
    total = sum(day.calls for day in whole)
    yield f"**Next {counted(len(whole), 'day')}**: {counted(total, 'call')}"
    yield ""
    yield from fenced(_mermaid(whole), "mermaid")
    yield ""
    today = Vantage(vantage.zone, vantage.now)  # The day stands before it already.
    yield f"- {whole[0].label} counts from {today.local(timeline.start)} on"
    notes = [*_notes(timeline, requests_per_minute, vantage)]
    yield from (f"- {told(note)}" for note in notes[:_NOTES_SHOWN])
    if len(notes) > _NOTES_SHOWN:
        yield f"- and {counted(len(notes) - _NOTES_SHOWN, 'more freeze')}"


def _mermaid(shown: Iterable[Day]) -> Iterator[str]:
    shown = tuple(shown)
    labels = ", ".join(f'"{day.label}"' for day in shown)
    yield "xychart-beta"
    yield '    title "Calls a day"'
    yield f"    x-axis [{labels}]"
    yield f'    y-axis "calls" 0 --> {max(1, *(day.calls for day in shown))}'
    yield f"    bar [{', '.join(str(day.calls) for day in shown)}]"


def _whole_days(shown: tuple[Day, ...]) -> tuple[Day, ...]:
    """Leave out the last day if it ends early and there are others."""
    last = shown[-1]
    return shown if last.until - last.start >= _SHORTEST_DAY else shown[:-1] or shown


def _notes(timeline: Timeline, requests_per_minute: int, vantage: Vantage) -> Iterator[str]:
    if busiest := busiest_text(timeline, requests_per_minute, vantage):
        yield busiest
    for change in timeline.clock_changes:
        yield clock_change_text(change, timeline.start)
    yield from freeze_texts(timeline.freezes, vantage)
