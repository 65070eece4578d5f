"""Resets, and their order after refreshes."""

from collections.abc import Iterable, Mapping

from reconcile.model.address import Address
from reconcile.model.desired import AfterRefresh, Generation, Item, ResetItem
from reconcile.model.plan import ResetCache, Status
from reconcile.model.reason import BlockedBy, FollowsRefresh, Forced
from reconcile.model.recorded import Coverage
from reconcile.planning.requests import reset_request
from reconcile.planning.standing import held_back
from reconcile.planning.verdict import Surroundings, Verdict


def ordered_after(
    verdict: Verdict[ResetItem],
    refreshes: Mapping[Address, Verdict[Item]],
    acting: frozenset[Address],
    around: Surroundings,
) -> Verdict[ResetItem]:
    """Judge a reset again in the light of the refresh it follows.

    A reset without a time of its own falls due with the refresh that this plan makes or awaits.
    One with a time is only held back while its refresh is due too and cannot go: letting it pass
    would leave results behind that were computed on the old schema.
    """
    item = verdict.item
    if item.after is None:
        return verdict
    if isinstance(item.timing.cadence, AfterRefresh):
        if item.after not in acting:
            return verdict
        due = verdict.due(FollowsRefresh(item.after), Coverage(item.address))
        return due if item.address in around.choice.force else held_back(due, around)
    if not verdict.is_due or item.after in acting or isinstance(verdict.standing.reason, Forced):
        return verdict
    first = refreshes.get(item.after)
    if first is None or not _stuck(first):
        return verdict
    reason = BlockedBy(item.after, first.standing.reason)
    return verdict.held(Status.BLOCKED, reason, first.standing.until)


def reset_actions(
    verdicts: Iterable[Verdict[ResetItem]], generation: Generation, acting: frozenset[Address]
) -> Iterable[ResetCache]:
    """Make one call of each reset among them that goes."""
    for verdict in verdicts:
        item, coverage = verdict.item, verdict.coverage
        if coverage is not None and verdict.goes:
            yield ResetCache(
                covers=(coverage,),
                request=reset_request(generation, item.model_id, item.policy, coverage.stamp),
                model_id=item.model_id,
                policy=item.policy,
                waits_for=item.after if item.after in acting else None,
                reasons=(verdict.standing.reason,),
            )


def _stuck(refresh: Verdict[Item]) -> bool:
    """Tell whether the refresh is wanted by its own cadence and yet not part of this plan."""
    return refresh.standing.status in {Status.DUE, Status.BACKING_OFF, Status.HELD}
