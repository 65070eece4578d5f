"""The next days as a chart that forges draw from Mermaid, and what to know about them."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from reconcile.model.forecast import Timeline
from reconcile.render.days import Day, busiest_text, clock_change_text, days, freeze_texts
from reconcile.render.instants import Vantage, interval_text
from reconcile.render.markdown.prose import fenced, told
from reconcile.render.names import address_text, counted
from reconcile.render.riding import riding_text

_NOTES_SHOWN = 12
_DAY = timedelta(days=1)
_RIDING_SHOWN = 6


def chart_lines(timeline: Timeline, requests_per_minute: int, vantage: Vantage) -> Iterator[str]:
    """Yield the chart of calls a day, and below it what stands out. No name gets into Mermaid."""
    shown = days(timeline, vantage.zone)
    span = _span_text(timeline.until - timeline.start)
    yield f"**Next {span}**: {counted(timeline.calls, 'call')}"
    yield ""
    yield from fenced(_mermaid(shown), "mermaid")
    yield ""
    today = Vantage(vantage.zone, vantage.now)  # The day stands before it already.
    ends = f", {shown[-1].label} until then" if len(shown) > 1 else ""
    yield f"- {shown[0].label} counts from {today.local(timeline.start)} on{ends}"
    notes = [*_notes(timeline, requests_per_minute, vantage)]
    yield from (f"- {told(note)}" for note in notes[:_NOTES_SHOWN])
    if len(notes) > _NOTES_SHOWN:
        yield f"- and {counted(len(notes) - _NOTES_SHOWN, 'more note')}"


def _mermaid(shown: Iterable[Day]) -> Iterator[str]:
    shown = tuple(shown)
    labels = ", ".join(f'"{day.label}"' for day in shown)
    yield "xychart-beta"
    yield '    title "Calls a day"'
    yield f"    x-axis [{labels}]"
    yield f'    y-axis "calls" 0 --> {max(1, *(day.calls for day in shown))}'
    yield f"    bar [{', '.join(str(day.calls) for day in shown)}]"


def _span_text(span: timedelta) -> str:
    whole_days, rest = divmod(span, _DAY)
    return interval_text(span) if rest else counted(whole_days, "day")


def _notes(timeline: Timeline, requests_per_minute: int, vantage: Vantage) -> Iterator[str]:
    if busiest := busiest_text(timeline, requests_per_minute, vantage):
        yield busiest
    span = timeline.until - timeline.start
    riding = [track.riding for track in timeline.tracks if track.riding is not None]
    for ride in riding[:_RIDING_SHOWN]:
        yield f"{address_text(ride.address)} {riding_text(ride, span, vantage)}"
    if len(riding) > _RIDING_SHOWN:
        yield f"{counted(len(riding) - _RIDING_SHOWN, 'more item')} that rides along"
    for change in timeline.clock_changes:
        yield clock_change_text(change, timeline.start)
    yield from freeze_texts(timeline.freezes, vantage)
