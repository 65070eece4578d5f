"""Taking out of a plan what would be called on models that are not there."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import quote

from reconcile.model.address import Address
from reconcile.model.desired import Desired
from reconcile.model.plan import Action, Await, Plan, Refresh, ResetCache


def hold_back(
    plan: Plan, desired: Desired, missing: frozenset[str]
) -> tuple[Plan, tuple[Address, ...]]:
    """Return the plan without the items of those models (ids in lower case), and their addresses.

    A refresh that others share goes on through a model of the connection that is there. A reset
    that follows a refresh which is held is held as well.
    """
    ids = {item.address: item.model_id for item in desired.items}
    held = {address for address, model_id in ids.items() if model_id.lower() in missing}
    kept = [action for before in plan.actions for action in _kept(before, held, ids)]
    refreshing = {c.address for a in kept if isinstance(a, Refresh | Await) for c in a.covers}
    waiting = [a for a in kept if isinstance(a, ResetCache) and _waits_in_vain(a, refreshing)]
    dropped = [a for a in plan.actions if isinstance(a, Refresh | ResetCache)]
    left = tuple(action for action in kept if action not in waiting)
    remaining = {c.address for a in left if isinstance(a, Refresh | ResetCache) for c in a.covers}
    named = (c.address for a in dropped for c in a.covers if c.address not in remaining)
    return replace(plan, actions=left), tuple(sorted(named))


def _kept(action: Action, held: set[Address], ids: Mapping[Address, str]) -> Iterator[Action]:
    match action:
        case Refresh():
            pairs = zip(action.covers, action.reasons, strict=True)
            left = [(cover, reason) for cover, reason in pairs if cover.address not in held]
            if left:
                model_id = ids.get(left[0][0].address, action.model_id)
                if len(left) == len(action.covers):
                    model_id = action.model_id
                yield replace(
                    action,
                    covers=tuple(cover for cover, _ in left),
                    reasons=tuple(reason for _, reason in left),
                    model_id=model_id,
                    request=replace(
                        action.request,
                        path=action.request.path.replace(
                            quote(action.model_id, safe=""), quote(model_id, safe="")
                        ),
                    ),
                )
        case ResetCache():
            if action.covers[0].address not in held:
                yield action
        case _:
            yield action


def _waits_in_vain(action: ResetCache, refreshing: set[Address]) -> bool:
    return action.waits_for is not None and action.waits_for not in refreshing
