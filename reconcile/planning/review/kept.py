"""What a saved plan keeps of a plan: what an approval is about, and nothing that could be run."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from reconcile.model.address import Address
from reconcile.model.comparison import SavedAction, SavedPlan
from reconcile.model.desired import Desired
from reconcile.model.plan import (
    Action,
    AdoptSchedule,
    Await,
    Choice,
    Forget,
    Plan,
    Rename,
    ResetCache,
    ScheduleWrite,
    action_kind,
)
from reconcile.model.recorded import Recorded
from reconcile.planning.review.declared import declared

NO_LINEAGE = "none yet"


def lineage_of(recorded: Recorded) -> str:
    """Name the lineage of a state; one that was never written has none yet."""
    return recorded.lineage if recorded.serial or recorded.sequence else NO_LINEAGE


def saved(
    planned: Plan,
    desired: Desired,
    recorded: Recorded,
    choice: Choice,
    reasons: Sequence[str],
    tool: str,
) -> SavedPlan:
    """Keep of a plan what an approval needs. `reasons`: one text an action, to be shown later."""
    pairs = zip(planned.actions, reasons, strict=True)
    known = ((address, recorded.items.get(address)) for address in choice.force)
    return SavedPlan(
        tool=tool,
        now=planned.now,
        valid_until=planned.valid_until,
        digest=planned.digest,
        lineage=lineage_of(recorded),
        serial=recorded.serial,
        sequence=recorded.sequence,
        host=desired.base_url or recorded.host,
        items=declared(desired),
        select=choice.select,
        force=tuple(sorted(choice.force)),
        hold_unknown=choice.hold_unknown,
        actions=tuple(saved_action(action, reason) for action, reason in pairs),
        succeeded={a: record.last_success for a, record in known if record and record.last_success},
    )


def saved_action(action: Action, reason: str) -> SavedAction:
    """Reduce an action to what an approval is about.

    A stamp that is only the plan's own `now` (an `every` reset that never ran) is left out.
    """
    kind = action_kind(action)
    if isinstance(action, Forget | AdoptSchedule):
        return SavedAction(kind=kind, slots={action.address: None}, request=None, reason=reason)
    if isinstance(action, Rename):
        moved: dict[Address, datetime | None] = {new: None for _, new in action.moves}
        return SavedAction(kind=kind, slots=moved, request=None, reason=reason)
    if isinstance(action, ScheduleWrite):
        slots: dict[Address, datetime | None] = {action.address: None}
        return SavedAction(kind=kind, slots=slots, request=action.request, reason=reason)
    slots = {coverage.address: coverage.slot for coverage in action.covers}
    request = None if isinstance(action, Await) else action.request
    if isinstance(action, ResetCache) and None in slots.values():
        request = replace(action.request, body=None)
    return SavedAction(kind=kind, slots=slots, request=request, reason=reason)
