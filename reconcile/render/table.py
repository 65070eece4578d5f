"""The one table of a page: every item once, with its coming days on a common scale."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from typing import Generic
from zoneinfo import ZoneInfo

from msgspec import Struct

from reconcile.model.address import Address
from reconcile.model.forecast import Timeline, Track
from reconcile.model.reason import Status
from reconcile.model.struct import Thing, replace
from reconcile.render import words
from reconcile.render.layout import DOT, MOST_LISTED
from reconcile.render.outline import STATUS_WORDS, ItemLine, Outline
from reconcile.render.page import Room, left_out, most_urgent
from reconcile.render.reasons import riding_text
from reconcile.render.words import days

# The common scale of everything that is drawn over time: a minute is a unit.

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_HOURS_APART = 3
_STRETCHES_AT_MOST = 8
_LEAST_ROOM = 8.0
"""A stretch that is narrower than this, in percent, has no room for its name."""


class Scale(Struct, frozen=True):
    """From `start` at the left to `until` at the right, UTC."""

    start: datetime
    until: datetime

    @property
    def width(self) -> int:
        """Return the width of a drawing."""
        return max(1, self.x(self.until))

    def x(self, instant: datetime) -> int:
        """Return where an instant lies."""
        return round((instant - self.start) / _MINUTE)

    def share(self, instant: datetime) -> float:
        """Return where an instant lies, in percent with two digits."""
        return round(100 * (instant - self.start) / (self.until - self.start), 2)


Mark = tuple[datetime, str]


class Stretch(Struct, frozen=True):
    """A day, or a few, that can be looked at alone.

    `share`: where it begins, in percent of the whole; `x` and `width`: in its units. `name` and
    `number` are empty where there is no room for them. `marks`: its own axis, in percent.
    """

    label: str
    name: str
    number: str
    share: str
    start: datetime
    until: datetime
    x: int
    width: int
    marks: tuple[tuple[str, str], ...]


def stretches(timeline: Timeline, zone: str) -> tuple[Stretch, ...]:
    """Cut a timeline into days, or into few enough groups of days."""
    calendar, scale = days(timeline, zone), Scale(timeline.start, timeline.until)
    step = -(-len(calendar) // _STRETCHES_AT_MOST)
    found = []
    for number in range(0, len(calendar), step):
        group = calendar[number : number + step]
        first, last = group[0], group[-1]
        label = first.label if first is last else f"{first.label} to {last.label}"
        of_days = group[:: -(-len(group) // _STRETCHES_AT_MOST)]
        marks = [(day.start, day.label) for day in of_days]
        if first is last:
            marks = list(_whole_hours(first.start, first.until, zone))
        found.append(_stretch(label, Scale(first.start, last.until), scale, marks))
    return tuple(found)


def _stretch(label: str, own: Scale, scale: Scale, marks: Sequence[Mark]) -> Stretch:
    begins = scale.share(own.start)
    name, number, *_ = label.split(" ")
    has_room = scale.share(own.until) - begins >= _LEAST_ROOM
    return Stretch(
        label=label,
        name=name if has_room else "",
        number=number if has_room else "",
        share=f"{begins:g}",
        start=own.start,
        until=own.until,
        x=scale.x(own.start),
        width=max(1, scale.x(own.until) - scale.x(own.start)),
        marks=tuple((f"{own.share(at):g}", told) for at, told in marks),
    )


def _whole_hours(start: datetime, until: datetime, zone: str) -> Iterator[Mark]:
    place, moment = ZoneInfo(zone), start.replace(minute=0, second=0, microsecond=0)
    while moment < until:
        local = moment.astimezone(place)
        if moment >= start and local.hour % _HOURS_APART == 0:
            yield moment, f"{local.hour:02}"
        moment += words.HOUR


class Axis(Struct, frozen=True):
    """What stands above all tracks. `soon`: the next hours alone; `days`, `hours`: grids, as paths.

    `compared`: tracks show an earlier version above this one.
    """

    heading: str
    width: int
    stretches: tuple[Stretch, ...]
    soon: Stretch | None
    days: str
    hours: str
    notes: tuple[str, ...]
    compared: bool


_NOTES_SHOWN = 20


def _axis(timeline: Timeline, vantage: words.Vantage, *, compared: bool) -> Axis:
    scale, zone = Scale(timeline.start, timeline.until), vantage.zone
    notes = [words.clock_change_text(change, timeline.start) for change in timeline.clock_changes]
    notes += words.freeze_texts(timeline.freezes, vantage)
    span = timeline.until - timeline.start
    cut, soon = stretches(timeline, zone), None
    if span > _DAY:
        own = Scale(timeline.start, timeline.start + _DAY)
        hours = list(_whole_hours(own.start, own.until, zone))
        soon = _stretch("Next 24 hours", own, scale, hours)
    fine = span <= _STRETCHES_AT_MOST * _DAY
    marks = _whole_hours(timeline.start, timeline.until, zone) if fine else ()
    return Axis(
        # Rounded: where the clocks are changed a day has 23 or 25 hours.
        heading=f"Next {words.counted(max(1, round(span / _DAY)), 'day')}",
        width=scale.width,
        stretches=cut,
        soon=soon,
        days=_ticks([scale.x(day.start) for day in days(timeline, zone)[1:]], _WHOLE),
        hours=_ticks([scale.x(at) for at, _ in marks], _WHOLE),
        notes=tuple(note[:1].upper() + note[1:] for note in notes[:_NOTES_SHOWN]),
        compared=compared,
    )


# The track of one item: runs, what is held, freezes, changed clocks.

_CLOSE = 0.0065
"""Ticks nearer to each other than this part of a drawing could not be told apart: it is a bar."""

_LEAST_IN_A_BAR = 3
_FINE_AT_MOST = 1_500
"""Runs of one item that are drawn one by one for whoever looks at a day."""

_INK = 250_000
"""Bytes that all paths may take: items further down are told in words alone."""

_TIP = 70
"""Bytes of a tip beside its words."""

Lane = tuple[int, int]
"""From where down, and how far."""

_WHOLE: Lane = (0, 28)
_ALONE: Lane = (5, 18)
_BEFORE: Lane = (2, 10)
_AFTER: Lane = (15, 11)


class TrackEntry(Struct, frozen=True):
    """What is drawn of an item. `frozen`: from where on, and how wide; `paths`: in order, by kind.

    `tips`: what is said of each stretch, and where that begins and how wide it is.
    """

    label: str
    frozen: tuple[tuple[int, int], ...]
    paths: tuple[tuple[str, str], ...]
    tips: tuple[tuple[str, int, int], ...]


class Course(Struct, frozen=True, kw_only=True):
    """The runs of an item over a timeline, in this version and in an earlier one.

    `said`: when it runs, in the words of the file. `riding`: why it runs more often than that.
    """

    track: Track | None
    before: Track | None
    said: str
    riding: str


class Tracks:
    """The tracks of a timeline, and of the one before a change where there is one."""

    def __init__(
        self, timeline: Timeline | None, view: words.Vantage, before: Timeline | None = None
    ) -> None:
        self.view = view
        self.axis: Axis | None = None
        self._ink = _INK
        self._drawn = cache(self._draw)  # Many items run at the same instants.
        self._timeline, self._before = timeline, before
        if timeline is not None:
            self.axis = _axis(timeline, view, compared=before is not None)
            self._scale = Scale(timeline.start, timeline.until)

    @property
    def runs(self) -> str:
        """Return what is said above the numbers of runs: all, whichever day is looked at."""
        return f"Runs in {self.axis.heading.removeprefix('Next ')}" if self.axis else "Runs"

    def course(self, address: Address, view: words.Vantage, was: Address | None = None) -> Course:
        """Return what is known of an address, which may have been another before."""
        track = self._timeline.track(address) if self._timeline else None
        before = self._before.track(was or address) if self._before else None
        shown, riding = track or before, ""
        if track is not None and track.riding is not None:
            span = self._scale.until - self._scale.start
            riding = riding_text(track.riding, span, view)
        said = words.cadence_text(shown.cadence, view) if shown else ""
        return Course(track=track, before=before, said=said, riding=riding)

    def entry(self, course: Course, *, compared: bool = False) -> TrackEntry | None:
        """Return what is drawn; None where nothing is known.

        `compared`: what an earlier version has, above.
        """
        shown = course.track or course.before
        if self.axis is None or shown is None or self._ink <= 0:
            return None
        kind = "refresh" if shown.address.endswith(".refresh") else "reset"
        unnamed = replace(course, track=_unnamed(course.track), before=_unnamed(course.before))
        entry = self._drawn(unnamed, kind, compared)
        self._ink -= sum(len(path) for _, path in entry.paths)
        self._ink -= sum(_TIP + len(tip) for tip, *_ in entry.tips)
        return entry

    def _draw(self, course: Course, kind: str, compared: bool) -> TrackEntry:  # noqa: FBT001
        track, before = course.track, course.before
        said = DOT.join(filter(None, (course.said, course.riding)))
        # Listed once: to look each of them up costs more.
        runs = was = tuple(track.runs) if track else ()
        if compared:
            was = tuple(before.runs) if before else ()
        paths = [
            *(self._paths(before, was, _BEFORE, "before") if compared else ()),
            *self._paths(track, runs, _AFTER if compared else _ALONE, kind),
        ]
        return TrackEntry(
            label=f"{_shift_text(len(was), len(runs))}; {said}",
            frozen=tuple(
                (self._scale.x(span.start), self._scale.x(span.until) - self._scale.x(span.start))
                for span in (track.frozen if track else ())
            ),
            paths=tuple((name, path) for name, path in paths if path),
            tips=tuple(self._tips(runs, was, track.held if track else (), said)),
        )

    def _tips(
        self,
        after: Sequence[datetime],
        before: Sequence[datetime],
        held: Sequence[datetime],
        said: str,
    ) -> Iterator[tuple[str, int, int]]:
        for part in self.axis.stretches if self.axis else ():
            was, number, kept = (
                bisect_left(instants, part.until) - bisect_left(instants, part.start)
                for instants in (before, after, held)
            )
            if not (number or was or kept):
                continue
            told = _shift_text(was, number)
            stopped = f", {kept:,} held back" if kept else ""
            yield f"{part.label}: {told}{stopped}; {said}", part.x, part.width

    def _paths(
        self, track: Track | None, runs: Sequence[datetime], lane: Lane, kind: str
    ) -> Iterator[tuple[str, str]]:
        if track is None:
            return
        scale, (top, height) = self._scale, lane
        if kind != "before":
            told = self._timeline.clock_changes if self._timeline else ()
            changes = (change.at for change in told if change.zone == track.zone)
            yield "clock", _ticks([scale.x(at) for at in changes], _WHOLE)
            ticks, bars = _marks([scale.x(at) for at in track.held], scale.width)
            middle = (top + height // 2 - 4, 8)
            yield "held", _ticks([*ticks, *(edge for bar in bars for edge in bar)], middle)
        places = [scale.x(at) for at in runs]
        ticks, bars = _marks(places, scale.width)
        fine = bars and len(places) <= _FINE_AT_MOST
        yield (
            f"{kind} bar{' coarse' if fine else ''}",
            "".join(
                f"M{first} {top + height // 4}H{last}v{height // 2}H{first}z"
                for first, last in bars
            ),
        )
        if fine:
            yield f"{kind} fine", _ticks(places, lane)
        yield f"{kind}", _ticks(ticks, lane)


def _unnamed(track: Track | None) -> Track | None:
    return track and replace(track, address=Address(""))


def _shift_text(was: int, number: int) -> str:
    told = words.counted(number, "run")
    return told if was == number else f"{was:,}{words.ARROW}{told}"


def _ticks(places: Sequence[int], lane: Lane) -> str:
    """Return lines from the top of a lane to its foot, each told from where the last one ended."""
    (top, height), drawn, at = lane, [], 0
    for number, place in enumerate(places):
        drawn.append(f"m{place - at}-{height}v{height}" if number else f"M{place} {top}v{height}")
        at = place
    return "".join(drawn)


def _marks(places: Sequence[int], width: int) -> tuple[list[int], list[tuple[int, int]]]:
    """Return where to draw a tick, and from where to where a bar for what stands too close."""
    ticks: list[int] = []
    bars: list[tuple[int, int]] = []
    start = 0
    for end in range(1, len(places) + 1):
        if end < len(places) and places[end] - places[end - 1] <= _CLOSE * width:
            continue
        if end - start >= _LEAST_IN_A_BAR:
            bars.append((places[start], places[end - 1]))
        else:
            ticks.extend(places[start:end])
        start = end
    return ticks, bars


# The table: rows that open, filters, groups.

_ROOM = Room(1_350_000, MOST_LISTED, "item", "reconcile plan --verbose --format text")
_NEXT_SHOWN = 5
_WHOLE_NAME = 60
"""Characters of a name that is not broken where there is room."""


class FieldEntry(Struct, frozen=True):
    """What stands in a column of this heading; `aside` is said more quietly behind it."""

    heading: str
    text: str
    aside: str = ""


class ItemEntry(Struct, frozen=True, kw_only=True):
    """A row. `statuses`: what the filter goes by; `word` and `tone`: how it stands, and its colour.

    `said`: below its name, and `note` below its status. `sides`: headings and texts of a change.
    `why`: shown at once; `more`: once the row is opened. `fields` are those behind the track.
    `link`: where its name leads.
    """

    name: str
    statuses: str
    word: str
    tone: str
    fields: tuple[FieldEntry, ...]
    kind: str = ""
    said: str = ""
    note: str = ""
    track: TrackEntry | None = None
    sides: tuple[tuple[str, str], ...] = ()
    why: str = ""
    more: tuple[tuple[str, tuple[str, ...]], ...] = ()
    link: str = ""
    is_group: bool = False

    @property
    def is_long(self) -> bool:
        """Tell whether the name is to break wherever it may."""
        return len(self.name) > _WHOLE_NAME


class GroupEntry(Struct, frozen=True):
    """A heading among the rows."""

    name: str
    is_group: bool = True


class ItemsTable(Struct, frozen=True, kw_only=True):
    """A table that can be narrowed down. `noun`: what a row is, in plural.

    `columns`: the first, and those behind status and track. `choices`, `kinds`: values and words
    of the filter. `total`: of items, shown or not. A text among the rows counts what is left out.
    """

    heading: str
    noun: str
    columns: tuple[str, ...]
    choices: tuple[tuple[str, str], ...]
    kinds: tuple[tuple[str, str], ...] = ()
    axis: Axis | None = None
    total: int
    rows: tuple[ItemEntry | GroupEntry | str, ...]

    @property
    def width(self) -> int:
        """Return the number of columns."""
        return len(self.columns) + 1 + (self.axis is not None)


KINDS = (("refresh", "refreshes"), ("reset", "cache resets"))


class Group(Struct, Generic[Thing], frozen=True):
    """Items, in their order, under a heading if that has a name.

    `urgent`: the places of those that are shown before any other where not all can be.
    """

    name: str
    things: Sequence[Thing]
    urgent: Sequence[int]


CALM = frozenset({Status.COVERED})
"""Of what stands so, the reason is told once its row is opened."""

NOT_STUCK = CALM | {Status.DUE}
"""Of what stands otherwise, somebody wants to know why."""


def items_table(
    heading: str,
    tracks: Tracks,
    choices: tuple[tuple[str, str], ...],
    groups: Sequence[Group[Thing]],
    show: Callable[[Thing], ItemEntry],
) -> ItemsTable:
    """Return the table of the items of some groups. `choices`: of its filter."""
    return ItemsTable(
        heading=heading,
        noun="items",
        columns=("Item", tracks.runs, "Next"),
        choices=choices,
        kinds=KINDS,
        axis=tracks.axis,
        total=sum(len(group.things) for group in groups),
        rows=tuple(_rows([group for group in groups if group.things], show)),
    )


def _rows(
    groups: Sequence[Group[Thing]], show: Callable[[Thing], ItemEntry]
) -> Iterator[ItemEntry | GroupEntry | str]:
    """Yield every group: each may take most of what room is left, or all that later ones do not."""
    left, entries = _ROOM.size, _ROOM.entries
    later = sum(len(group.things) for group in groups)
    for group in groups:
        later -= len(group.things)
        share = max(entries * 3 // 4, entries - later)
        size = left - (entries - share) * (_ROOM.size // _ROOM.entries)
        shown, used = most_urgent(
            group.things, show, replace(_ROOM, size=size, entries=share), group.urgent
        )
        left, entries = left - used, entries - len(shown)
        if group.name:
            yield GroupEntry(f"{group.name} ({len(group.things):,})")
        yield from shown
        if more := len(group.things) - len(shown):
            yield left_out(more, _ROOM)


def item_entry(
    item: ItemLine, tracks: Tracks, *, calm: frozenset[Status] = CALM, note: str = ""
) -> ItemEntry:
    """Return the row of an item; `note`: what is said below its status."""
    course = tracks.course(item.address, item.view)
    runs = "-" if course.track is None else f"{len(course.track.runs):,}"
    is_calm = item.status in calm
    return ItemEntry(
        name=item.name,
        kind=item.kind,
        statuses=item.status.value,
        word=item.word,
        tone=item.status.value,
        said=course.said,
        note=note,
        track=tracks.entry(course),
        fields=(FieldEntry(tracks.runs, runs), next_field(item)),
        why="" if is_calm else DOT.join(filter(None, (item.call, item.why))),
        more=tuple(more_of(item, course, with_why=is_calm)),
    )


def next_field(item: ItemLine) -> FieldEntry:
    """Return when it next matters."""
    if item.coming is None:
        return FieldEntry("Next", "-")
    return FieldEntry("Next", item.view.local(item.coming), item.view.distance(item.coming))


def more_of(
    item: ItemLine, course: Course, *, with_why: bool
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what is told of an item once its row is opened, under headings."""
    if with_why:
        yield "Why", (item.why,)
    yield "Last runs", item.last or ("none on record",)
    if course.track is not None:
        runs = course.track.runs
        shown = [item.view.local(at) for at in islice(runs, _NEXT_SHOWN)]
        if left := len(runs) - len(shown):
            shown.append(f"and {left:,} more")
        yield "Next runs", (", ".join(shown) or "none in these days",)
    if course.riding:
        yield "Shares calls", (course.riding,)
    if item.request:
        yield "Sends", item.request


def status_choices(outline: Outline) -> tuple[tuple[str, str], ...]:
    """Return the statuses that there are, with their numbers; what needs a person comes first."""
    return tuple(
        (status.value, f"{STATUS_WORDS[status]} ({number:,})")
        for status, number in outline.statuses
    )
