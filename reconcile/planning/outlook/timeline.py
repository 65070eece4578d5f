"""The next days of a plan, supposing an apply at every slot and every call a success."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from reconcile.model.address import Address
from reconcile.model.cadence import AfterRefresh
from reconcile.model.desired import Desired, Freeze, Item, RefreshItem
from reconcile.model.plan import Plan, Standing
from reconcile.model.reason import JobRunningSince
from reconcile.model.recorded import Record, Recorded
from reconcile.model.timeline import ClockChange, Span, Timeline, Track
from reconcile.planning.budget.polling import UNKNOWN_DURATION_S, expected_duration_s
from reconcile.planning.calendar.wall_clock import transitions
from reconcile.planning.calendar.windows import frozen_until, matches, next_change
from reconcile.planning.merging import group_of
from reconcile.planning.outlook.ahead import Closed, Stretch, runs_ahead, stopped

HORIZON = timedelta(days=7)
"""How far ahead a timeline looks where nobody says."""

_NO_RECORD = Record()


def timeline(
    desired: Desired, recorded: Recorded, planned: Plan, horizon: timedelta = HORIZON
) -> Timeline:
    """Lay out the runs of every item from the plan's `now` over `horizon`. Pure.

    What is due now runs at the start. A slot in a freeze or a pause is held, and what was held
    runs once when it ends. A reset that follows a refresh comes as long after it as its jobs took.
    """
    stretch = Stretch(planned.now, planned.now + horizon)
    frozen = {freeze: tuple(_spans(freeze, stretch)) for freeze in desired.freezes}
    standings = {standing.address: standing for standing in planned.standings}
    tracks: dict[Address, Track] = {}
    # Refreshes first: a reset may follow one.
    for item in sorted(desired.items, key=lambda item: not isinstance(item, RefreshItem)):
        spans = tuple(
            span for freeze in frozen if matches(freeze, item.address) for span in frozen[freeze]
        )
        completions = _completions(item, standings, tracks, recorded.items, stretch)
        tracks[item.address] = _track(item, standings[item.address], spans, completions, stretch)
    matching = {span for track in tracks.values() for span in track.frozen}
    return Timeline(
        start=stretch.start,
        until=stretch.until,
        tracks=tuple(tracks[address] for address in sorted(tracks)),
        calls=tuple(sorted(_calls(desired.items, tracks))),
        freezes=tuple(sorted(matching, key=lambda span: (span.start, span.until, span.name))),
        clock_changes=tuple(_clock_changes(desired.items, stretch)),
    )


def _track(
    item: Item,
    standing: Standing,
    frozen: tuple[Span, ...],
    completions: Iterable[datetime],
    stretch: Stretch,
) -> Track:
    spans = ((span.start, span.until) for span in frozen)
    closed = Closed.of([*spans, *stopped(standing, stretch)])
    runs, held = runs_ahead(item, standing, closed, completions, stretch)
    return Track(
        address=item.address,
        zone=item.timing.zone,
        cadence=item.timing.cadence,
        runs=runs,
        held=held,
        frozen=frozen,
    )


def _completions(
    item: Item,
    standings: Mapping[Address, Standing],
    tracks: Mapping[Address, Track],
    records: Mapping[Address, Record],
    stretch: Stretch,
) -> Iterator[datetime]:
    """Yield when the refresh that an item follows is expected to complete."""
    cadence = item.timing.cadence
    if not isinstance(cadence, AfterRefresh) or cadence.refresh not in tracks:
        return
    measured_s = expected_duration_s(records.get(cadence.refresh, _NO_RECORD).durations_s)
    lasting = timedelta(seconds=UNKNOWN_DURATION_S if measured_s is None else measured_s)
    if isinstance(standings[cadence.refresh].reason, JobRunningSince):
        yield stretch.start + lasting
    for run in tracks[cadence.refresh].runs:
        yield run + lasting


def _calls(items: Iterable[Item], tracks: Mapping[Address, Track]) -> Iterator[datetime]:
    shared: set[tuple[str, datetime]] = set()
    for item in items:
        if isinstance(item, RefreshItem):
            shared.update((group_of(item), run) for run in tracks[item.address].runs)
        else:
            yield from tracks[item.address].runs
    yield from (run for _, run in shared)


def _spans(freeze: Freeze, stretch: Stretch) -> Iterator[Span]:
    moment: datetime | None = stretch.start
    while moment is not None and moment < stretch.until:
        frozen = frozen_until(freeze, moment)
        if frozen is not None:
            yield Span(moment, min(frozen.until or stretch.until, stretch.until), freeze.name)
        moment = next_change(freeze, moment)


def _clock_changes(items: Iterable[Item], stretch: Stretch) -> Iterator[ClockChange]:
    for zone in sorted({item.timing.zone for item in items}):
        for change in transitions(zone, stretch.start, stretch.until):
            yield ClockChange(zone, change.instant, change.offset_before, change.offset_after)
