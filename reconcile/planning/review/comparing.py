"""What a change of the desired state does: to each item, and to the calls of the next days."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from reconcile.model.address import Address
from reconcile.model.comparison import (
    ChangeKind,
    Comparison,
    ItemChange,
    SectionChange,
    Shift,
)
from reconcile.model.desired import Desired, Item, ResetItem, WhenChanged
from reconcile.model.recorded import Record, Recorded
from reconcile.planning.declaration import declaration, identity_of
from reconcile.planning.renames import (
    follow,
    renames,
    under_new_names,
)
from reconcile.planning.review.fields import Fields, changed_fields, item_fields, section_fields
from reconcile.planning.review.figures import figures, newly_sharing, per_day
from reconcile.planning.review.outlooks import Outlook, compare_ahead
from reconcile.planning.review.times import Version, freeze_hits, nights

_NOTHING: Fields = {}


def compare(
    before: Desired,
    after: Desired,
    recorded: Recorded,
    now: datetime,
    horizon: timedelta,
    clock: datetime | None = None,
) -> Comparison:
    """Compare two versions of a desired state from `now` until the horizon (excluded).

    Pure, and blind to the order of declaration. Calls are foreseen by `look_ahead`, from what is
    recorded. Where nothing is, what `before` declares is taken to have run at `now`: a pull
    request is looked at without a state, and is to show the change rather than first runs.

    `clock`: the real one, as `plan`'s. Raises ReconcileError if there are too many runs up to the
    horizon to be walked one by one.
    """
    moves = renames(_identities(before), _identities(after))
    before = replace(before, items=under_new_names(before.items, moves)) if moves else before
    before = _with_contents_of(after, before)
    _, recorded = follow(after.items, recorded)
    assumed = not recorded.items
    recorded = assumed_record(before, recorded, now)
    outlook = compare_ahead(before, after, recorded, now, horizon, clock)
    was = {new: old for old, new in moves}
    items = tuple(sorted(_item_changes(outlook, after, was), key=lambda change: change.address))
    changed = {change.address for change in items}
    declared = {item.address for item in after.items} - changed
    old = Version(outlook.before, before.freezes, recorded.items)
    new = Version(outlook.after, after.freezes, recorded.items)
    concerned = (item for item in outlook.after.items if item.address in changed)
    return Comparison(
        now=now,
        until=outlook.until,
        sections=tuple(_section_changes(before, after)),
        items=items,
        unchanged=sum(item.address in declared for item in before.items),
        figures=Shift(
            figures(outlook.shared, outlook.before.ahead, before.requests_per_minute),
            figures(outlook.shared, outlook.after.ahead, after.requests_per_minute),
        ),
        freezes=tuple(freeze_hits(old, new, now, outlook.until)),
        nights=tuple(nights(concerned, now, outlook.until)),
        joined=newly_sharing(outlook.before.ahead, outlook.after.ahead),
        parted=newly_sharing(outlook.after.ahead, outlook.before.ahead),
        recorded=recorded,
        assumed=assumed,
    )


def _identities(desired: Desired) -> Mapping[Address, str]:
    return {item.address: identity_of(item) for item in desired.items}


def _item_changes(
    outlook: Outlook, after: Desired, was: Mapping[Address, Address]
) -> Iterator[ItemChange]:
    """Yield what changed of each item; `was`: the former address of those that were renamed."""
    old = {item.address: item for item in outlook.before.items}
    new = {item.address: item for item in outlook.after.items}
    for address in sorted(old.keys() | new.keys()):
        change = _item_change(
            address, old.get(address), new.get(address), outlook, was.get(address)
        )
        if change is not None:
            yield change
    for item in after.items:
        if item.address in was and item.address not in new:
            yield _only_renamed(item, was[item.address], outlook)


def _only_renamed(item: Item, was: Address, outlook: Outlook) -> ItemChange:
    """Tell of an item that is called otherwise, and is and does what it did."""
    runs = per_day(outlook.shared.runs[item.address], outlook.now, outlook.until)
    return ItemChange(
        address=item.address,
        kind="renamed",
        zone=item.timing.zone,
        fields=(),
        runs=Shift(runs, runs),
        first_new=None,
        first_gone=None,
        was=was,
    )


def _item_change(
    address: Address,
    old: Item | None,
    new: Item | None,
    outlook: Outlook,
    was_at: Address | None,
) -> ItemChange | None:
    fields = changed_fields(
        _NOTHING if old is None else item_fields(old),
        _NOTHING if new is None else item_fields(new),
    )
    was, now = outlook.before.runs(address), outlook.after.runs(address)
    present = new or old
    if present is None or not (fields or was != now or was_at):
        return None
    return ItemChange(
        address=address,
        kind=_item_kind(old, new, fields, renamed=was_at is not None and was == now),
        zone=present.timing.zone,
        fields=fields,
        runs=Shift(
            per_day(was, outlook.now, outlook.until), per_day(now, outlook.now, outlook.until)
        ),
        was=was_at,
        first_new=now.first_without(was),
        first_gone=was.first_without(now),
        riding=next((r for r in outlook.after.ahead.riding if r.address == address), None),
    )


def _item_kind(
    before: Item | None, after: Item | None, fields: tuple[object, ...], *, renamed: bool
) -> ChangeKind:
    return "renamed" if renamed and not fields else _kind(before, after, fields)


def _section_changes(before: Desired, after: Desired) -> Iterator[SectionChange]:
    old, new = section_fields(before), section_fields(after)
    for section in sorted(old.keys() | new.keys()):
        was, now = old.get(section), new.get(section)
        if was != now:
            fields = changed_fields(was or _NOTHING, now or _NOTHING)
            yield SectionChange(section, _kind(was, now, fields), fields)


def _kind(before: object | None, after: object | None, fields: tuple[object, ...]) -> ChangeKind:
    if before is None:
        return "added"
    if after is None:
        return "removed"
    return "changed" if fields else "moved"


def _with_contents_of(after: Desired, before: Desired) -> Desired:
    """Take watched files as they are now: what they were then says nothing about the change."""
    contents = {
        (item.address, cadence.paths): cadence
        for item in after.items
        if isinstance(cadence := item.timing.cadence, WhenChanged)
    }
    if not contents:
        return before
    return replace(before, items=tuple(_with_contents(item, contents) for item in before.items))


def _with_contents(
    item: Item, contents: Mapping[tuple[Address, tuple[str, ...]], WhenChanged]
) -> Item:
    cadence = item.timing.cadence
    if not isinstance(cadence, WhenChanged):
        return item
    same = contents.get((item.address, cadence.paths), cadence)
    return replace(item, timing=replace(item.timing, cadence=same))


def assumed_record(before: Desired, recorded: Recorded, now: datetime) -> Recorded:
    """Return what is recorded; where nothing is, what would be had `before` all just succeeded."""
    if recorded.items:
        return recorded
    items: dict[Address, Record] = {}
    for item in before.items:
        cadence = item.timing.cadence
        items[item.address] = Record(
            declared=declaration(item),
            since=now,
            covered_slot=now,
            stamp=now if isinstance(item, ResetItem) else None,
            content=cadence.content if isinstance(cadence, WhenChanged) else None,
            last_success=now,
            completed_at=now,
        )
    return replace(recorded, items=MappingProxyType(items))
