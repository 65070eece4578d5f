"""What changed between two plans as they were printed: between the one approved and a later one."""

from collections.abc import Iterator, Mapping

from reconcile.model.address import Address
from reconcile.model.comparison import (
    CallChange,
    ChangeKind,
    PlanDifference,
    PlanDocument,
    Shift,
    StatusChange,
)
from reconcile.planning.review.fields import Fields, changed_fields


def diff_plans(before: PlanDocument, after: PlanDocument) -> PlanDifference:
    """Compare two plans address by address, whatever the order of their actions."""
    old, new = _calls(before), _calls(after)
    changes = tuple(_changes(old, new))
    changed = {change.address for change in changes}
    return PlanDifference(
        now=Shift(before.now, after.now),
        digest=Shift(before.digest, after.digest),
        host=Shift(before.host, after.host),
        calls=changes,
        statuses=tuple(_statuses(dict(before.statuses), dict(after.statuses))),
        unchanged=sum(address not in changed for address in new),
    )


def _calls(plan: PlanDocument) -> Mapping[Address, Fields]:
    return {call.address: dict(call.fields) for call in plan.calls}


def _changes(old: Mapping[Address, Fields], new: Mapping[Address, Fields]) -> Iterator[CallChange]:
    for address in sorted(old.keys() | new.keys()):
        fields = changed_fields(old.get(address, {}), new.get(address, {}))
        kind: ChangeKind = "changed"
        if address not in old:
            kind = "added"
        elif address not in new:
            kind = "removed"
        if fields or kind != "changed":
            yield CallChange(address, kind, fields)


def _statuses(old: Mapping[Address, str], new: Mapping[Address, str]) -> Iterator[StatusChange]:
    for address in sorted(old.keys() | new.keys()):
        status = Shift(old.get(address), new.get(address))
        if status.is_change:
            yield StatusChange(address, status)
