"""A change of the files as people are told it: its verdict, its items, its consequences."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from shlex import quote
from typing import Final

from msgspec import Struct

from reconcile.errors import Diagnostic
from reconcile.model.address import Address
from reconcile.model.comparison import (
    CallChange,
    ChangeKind,
    Comparison,
    Figures,
    ItemChange,
    SectionChange,
)
from reconcile.render import words
from reconcile.render.layout import escape_terminal
from reconcile.render.reasons import riding_text

KINDS: Final[tuple[ChangeKind, ...]] = ("added", "removed", "changed", "moved", "renamed")
NO_STATE: Final = "No state found; assuming that existing items have just run."
_IF_NEW: Final = ", if nothing has run yet"

_COMMIT_SHOWN = 7
_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)


class ChangedLine(Struct, frozen=True, kw_only=True):
    """An item, or a section beside the items, before and after.

    `runs`: how often within the horizon, `4 -> 7`; none for a section. `effect`: when it first
    does otherwise. `because`: whom an item follows that is declared as before. `address`: None for
    a section; `was`: what it was before.
    """

    kind: ChangeKind
    name: str
    before: str
    after: str
    address: Address | None = None
    was: Address | None = None
    runs: str = ""
    effect: str = ""
    because: str = ""


class DayOfCalls(Struct, frozen=True):
    """How many calls both versions make on a day of 24 hours."""

    label: str
    before: int
    after: int


class ReviewOutline(Struct, frozen=True, kw_only=True):
    """A change of the files as a document.

    `base`: what it is compared with, as the operator named it, and `commit`, what that stood for,
    shortened. `counts`: of changed items by kind, and `kinds` each by itself; `rate`: what becomes
    of the calls; `span`: in which time.
    `changed`: items and sections that are declared otherwise; `affected`: items that are not, and
    run at other instants. `facts`: what else comes of it, by what it is about. `notes`: what to
    know of the two sides beforehand. `at_once`: when the calls go out that are due already.
    """

    base: str
    commit: str
    counts: str
    kinds: tuple[tuple[ChangeKind, int], ...]
    rate: str
    span: str
    changed: tuple[ChangedLine, ...]
    affected: tuple[ChangedLine, ...]
    days: tuple[DayOfCalls, ...]
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    at_once: str

    def due(self, calls: int) -> str:
        """Say how many calls go out at once, and when that is."""
        return f"{words.counted(calls, 'call')} {self.at_once}"


def reviewed(comparison: Comparison, against: str, commit: str | None) -> ReviewOutline:
    """Return a comparison as a document, for people who may read it on another day.

    `commit`: the id of the commit that `against` names; None for a file.
    """
    home = home_of(comparison, dated=True)
    moved = [change for change in comparison.items if change.kind == "moved"]
    declared = [change for change in comparison.items if change.kind != "moved"]
    return ReviewOutline(
        base=base_name(against),
        commit=(commit or "")[:_COMMIT_SHOWN],
        counts=_counts(comparison),
        kinds=tuple(counts_by_kind((*comparison.items, *comparison.sections))),
        rate=_rate(comparison),
        span=_span(comparison),
        changed=(
            *(_item(change, comparison) for change in declared),
            *(_section(change, home) for change in comparison.sections),
        ),
        affected=tuple(_item(change, comparison) for change in moved),
        days=tuple(_days(comparison, home)),
        facts=(*facts(comparison, home), *_riding(comparison)),
        notes=tuple(notes(comparison, against)),
        at_once="right after the merge" + (_IF_NEW if comparison.assumed else ""),
    )


def notes(comparison: Comparison, against: str) -> Iterator[str]:
    """Yield what to know of the two sides before their figures are read."""
    if comparison.lacking:
        lacking = words.few(comparison.lacking)
        yield f"{base_name(against)} has no {lacking}, so it declares nothing there."
    if comparison.assumed and comparison.items:
        yield NO_STATE


def base_name(against: str) -> str:
    """Return how the version compared with is called."""
    return escape_terminal(against.removesuffix("..."), 120)


def home_of(comparison: Comparison, *, dated: bool = False) -> words.Vantage:
    """Return where the reader of the whole stands: in the zone of most items that change."""
    zones = Counter(change.zone for change in comparison.items)
    zone = min(zones, key=lambda name: (-zones[name], name), default="UTC")
    return words.Vantage(zone, comparison.now, dated)


# The verdict.


def no_plan_verdict(diagnostics: Sequence[Diagnostic], against: str | None) -> str:
    """Return whether it is this change that leaves no plan to be made.

    `against`: the version to compare with. A mistake in that is none of this change.
    """
    first = diagnostics[0]
    file = first.places[0].file if first.places else ""
    ours = file.endswith(".toml") and not (against and _is_within(file, against))
    return "This change breaks the configuration" if ours else "There is no plan of this change"


def _is_within(file: str, against: str) -> bool:
    """Tell whether a file that is named in a diagnostic is of the version compared with."""
    path = against.removeprefix("./")
    return file == path or file.startswith((f"{path}/", f"{against}:"))


def counts_by_kind(
    changes: Iterable[ItemChange | SectionChange | CallChange],
) -> Iterator[tuple[ChangeKind, int]]:
    """Yield how many changes there are of each kind that there is, what is new first."""
    kinds = Counter(change.kind for change in changes)
    yield from ((kind, kinds[kind]) for kind in KINDS if kinds[kind])


def _counts(comparison: Comparison) -> str:
    kinds = dict(counts_by_kind(comparison.items))
    moved = kinds.pop("moved", 0)
    parts = [f"{number:,} {kind}" for kind, number in kinds.items()]
    if moved:
        parts.append(f"{moved:,} also affected")
    if sections := len(comparison.sections):
        parts.append(f"{words.counted(sections, 'section')} changed")
    return ", ".join(parts) or "Nothing changes"


def _rate(comparison: Comparison) -> str:
    """Return `1,165 -> 2,686 calls a week (+131 %)`."""
    was, now = (sum(side.calls) for side in _both(comparison))
    span = _span(comparison)
    if was == now:
        return f"{words.counted(now, 'call')} {span}, as before"
    share = f" ({(now - was) / was:+.0%})".replace("%", " %") if was else ""
    return f"{was:,}{words.ARROW}{words.counted(now, 'call')} {span}{share}"


def _span(comparison: Comparison) -> str:
    span = comparison.until - comparison.now
    return "a week" if span == _WEEK else f"in {words.interval_text(span)}"


def _days(comparison: Comparison, home: words.Vantage) -> Iterator[DayOfCalls]:
    before, after = (side.calls for side in _both(comparison))
    for number, (was, now) in enumerate(zip(before, after, strict=True)):
        yield DayOfCalls(words.date_text(comparison.now + number * _DAY, home.zone), was, now)


def _both(comparison: Comparison) -> tuple[Figures, Figures]:
    figures = comparison.figures
    return figures.before, figures.after


# Items and sections.


def _item(change: ItemChange, comparison: Comparison) -> ChangedLine:
    vantage = words.Vantage(change.zone, comparison.now, dated=True)
    was, now = words.sides(change.fields, vantage)
    if change.kind == "added":
        was, now = words.NONE, words.headline(change.fields, vantage, after=True)
    elif change.kind == "removed":
        was, now = words.headline(change.fields, vantage, after=False), words.NONE
    elif change.was is not None:
        was = ", ".join([words.address_text(change.was), *(() if was == words.NONE else (was,))])
        now = (
            "its history goes with it" if now == words.NONE else f"{now}; its history goes with it"
        )
    return ChangedLine(
        kind=change.kind,
        address=change.address,
        was=change.was,
        name=words.address_text(change.address),
        before=was,
        after=now,
        runs=_runs(sum(change.runs.before), sum(change.runs.after)),
        effect=_effect(change, vantage, comparison),
        because=_because(change),
    )


def _runs(was: int, now: int) -> str:
    return f"{now:,}" if was == now else f"{was:,}{words.ARROW}{now:,}"


def _effect(change: ItemChange, vantage: words.Vantage, comparison: Comparison) -> str:
    new, gone = change.first_new, change.first_gone
    if new is not None and (gone is None or new <= gone):
        return f"runs {vantage.both(new)}"
    if gone is not None:
        skipped = vantage.both(gone)
        return f"no run from {skipped} on" if change.kind == "removed" else f"skips {skipped}"
    if change.kind == "added":
        return f"no run in {words.interval_text(comparison.until - comparison.now)}"
    return words.NONE if change.kind in {"removed", "renamed"} else "at its next run"


def _because(change: ItemChange) -> str:
    if change.kind != "moved":
        return ""
    return (
        f"runs with {words.few(change.because)}"
        if change.because
        else "a freeze or a section changed"
    )


def _section(change: SectionChange, home: words.Vantage) -> ChangedLine:
    before, after = words.sides(change.fields, home)
    name = f"[{escape_terminal(change.section, 120)}]"
    return ChangedLine(kind=change.kind, name=name, before=before, after=after)


# What else comes of it.


def facts(comparison: Comparison, home: words.Vantage) -> Iterator[tuple[str, str]]:
    """Yield what else a change comes to: what it is about, and a sentence."""
    yield from _figures(comparison, home)
    yield from _new_place(comparison)
    for hits in comparison.freezes:
        for held, said in ((hits.gained, "now holds back"), (hits.lost, "no longer holds")):
            if held:
                yield "freeze", f"{words.words_text(hits.freeze)} {said} {words.few(held)}"
    yield from _nights(comparison, home)
    for name, listed in (
        ("now share calls", comparison.joined),
        ("no longer share", comparison.parted),
    ):
        for sharing in listed:
            yield name, f"{words.few(sharing.addresses)} ({escape_terminal(sharing.group, 120)})"


def _figures(comparison: Comparison, home: words.Vantage) -> Iterator[tuple[str, str]]:
    before, after = _both(comparison)
    for name, was, now in (
        ("calls", before.calls, after.calls),
        ("hard refreshes", before.hard_refreshes, after.hard_refreshes),
    ):
        if was != now:
            counts = f"{sum(was):,}{words.ARROW}{sum(now):,}"
            yield name, f"{counts} ({words.rates_text(was, now)})" if was[1:-1] else counts
    was_most, most = before.peak, after.peak
    if most and (was_most is None or was_most.calls != most.calls):
        calls = was_most.calls if was_most else 0
        load = f"{most.requests:,} of {after.requests_per_minute:,} requests a minute"
        told = f"{calls:,}{words.ARROW}{words.counted(most.calls, 'call')} at {home.both(most.at)}"
        yield "busiest minute", f"{told}, {load}"


def _new_place(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """Yield that a state is to be moved, where its new place has none: see `Comparison.assumed`."""
    fields = [
        it for change in comparison.sections if change.section == "state" for it in change.fields
    ]
    for url in fields:
        if url.field == "url" and comparison.assumed:
            old, new = (escape_terminal(quote(str(place))) for place in (url.before, url.after))
            told = "nothing is recorded at the new place, so every item counts as new there; before"
            yield "state", f"{told} the merge: reconcile state migrate {old} {new}"


def _nights(comparison: Comparison, home: words.Vantage) -> Iterator[tuple[str, str]]:
    for night in comparison.nights:
        shift = night.after - night.before
        way = "forward" if shift.total_seconds() > 0 else "back"
        resumes = words.Vantage(night.zone, comparison.now, home.dated).both(night.at)
        told = (
            f"{way} {words.interval_text(abs(shift))} in {escape_terminal(night.zone)} at {resumes}"
        )
        touched = f", which moves slots of {words.few(night.touched)}" if night.touched else ""
        yield "clocks go", told + touched


def _riding(comparison: Comparison) -> Iterator[tuple[str, str]]:
    span = comparison.until - comparison.now
    for change in comparison.items:
        if change.riding is not None:
            vantage = words.Vantage(change.zone, comparison.now, dated=True)
            told = riding_text(change.riding, span, vantage)
            yield "rides along", f"{words.address_text(change.address)} {told}"
