"""Resets, and their order after refreshes."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconcile.model.address import Address
from reconcile.model.cadence import AfterRefresh
from reconcile.model.desired import Generation, RefreshItem, ResetItem
from reconcile.model.plan import ResetCache, Status
from reconcile.model.reason import BlockedBy, FollowsRefresh, Forced
from reconcile.model.recorded import Coverage
from reconcile.planning.requests import reset_request
from reconcile.planning.settled import earliest
from reconcile.planning.standing import Surroundings, Verdict, held_back


def ordered_after(
    verdict: Verdict[ResetItem],
    refreshes: Mapping[Address, Verdict[RefreshItem]],
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
    if item.after in acting:
        if isinstance(item.timing.cadence, AfterRefresh):
            due = replace(
                verdict,
                status=Status.DUE,
                reason=FollowsRefresh(item.after),
                coverage=Coverage(item.address),
            )
            return due if item.address in around.choice.force else held_back(due, around)
        return verdict
    first = refreshes.get(item.after)
    if first is None or verdict.status is not Status.DUE or isinstance(verdict.reason, Forced):
        return verdict
    if isinstance(item.timing.cadence, AfterRefresh) or not _stuck(first):
        return verdict
    return replace(
        verdict,
        status=Status.BLOCKED,
        reason=BlockedBy(item.after, first.reason),
        until=earliest(verdict.until, first.until),
    )


def reset_actions(
    verdicts: Iterable[Verdict[ResetItem]], generation: Generation, acting: frozenset[Address]
) -> Iterable[ResetCache]:
    """Make one call of each due reset."""
    for verdict in verdicts:
        item, coverage = verdict.item, verdict.coverage
        if coverage is not None and verdict.status is Status.DUE:
            yield ResetCache(
                covers=(coverage,),
                request=reset_request(generation, item.model_id, item.policy, coverage.stamp),
                model_id=item.model_id,
                policy=item.policy,
                waits_for=item.after if item.after in acting else None,
                reasons=(verdict.reason,),
            )


def _stuck(refresh: Verdict[RefreshItem]) -> bool:
    """Tell whether the refresh is wanted by its own cadence and yet not part of this plan."""
    return refresh.status in {Status.DUE, Status.BACKING_OFF, Status.HELD}
