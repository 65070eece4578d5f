"""Every declared item judged at one instant, and what follows from all the verdicts together."""

from collections.abc import Iterator
from datetime import datetime
from operator import attrgetter

from reconcile.model.address import Address
from reconcile.model.desired import Desired, Generation, Item, RefreshItem, ResetItem
from reconcile.model.noun import noun
from reconcile.model.plan import Await, Choice, Refresh, ResetCache, Standing
from reconcile.model.recorded import Recorded
from reconcile.planning.budget.order import addresses
from reconcile.planning.choosing import is_selected
from reconcile.planning.merging import merge
from reconcile.planning.resets import ordered_after, reset_actions
from reconcile.planning.standing import Verdict, judge, surroundings

EVERYTHING = Choice()


@noun(frozen=True, slots=True)
class Judged:
    """The verdicts on all items, refreshes merged and resets ordered after them.

    `verdicts` are sorted by address. `chosen`: what the operator's choice leaves in.
    """

    verdicts: tuple[Verdict[Item], ...]
    merged: tuple[Refresh | Await, ...]
    resets: tuple[Verdict[ResetItem], ...]
    chosen: frozenset[Address]

    def standings(self) -> tuple[Standing, ...]:
        """Say where every item stands."""
        return tuple(_standing(verdict, self.chosen) for verdict in self.verdicts)

    def calls(self, generation: Generation) -> Iterator[Refresh | Await | ResetCache]:
        """Yield the calls that are due and the jobs to await."""
        yield from self.merged
        going = (verdict for verdict in self.resets if verdict.item.address in self.chosen)
        yield from reset_actions(going, generation, frozenset(addresses(self.merged)))


def judge_all(
    desired: Desired, recorded: Recorded, now: datetime, choice: Choice = EVERYTHING
) -> Judged:
    """Judge every declared item, its native schedules aside."""
    around = surroundings(desired, recorded, choice, now)
    chosen = frozenset(i.address for i in desired.items if is_selected(i.address, choice))
    merged = merge(
        [judge(item, around) for item in desired.items if isinstance(item, RefreshItem)],
        desired.generation,
        now,
        chosen,
    )
    acting = frozenset(addresses(merged.actions))
    refreshes = {verdict.item.address: verdict for verdict in merged.verdicts}
    resets = tuple(
        ordered_after(judge(item, around), refreshes, acting, around)
        for item in desired.items
        if isinstance(item, ResetItem)
    )
    verdicts: list[Verdict[Item]] = [*merged.verdicts, *resets]
    verdicts.sort(key=attrgetter("item.address"))
    return Judged(tuple(verdicts), merged.actions, resets, chosen)


def _standing(verdict: Verdict[Item], chosen: frozenset[Address]) -> Standing:
    address = verdict.item.address
    return Standing(
        address=address,
        status=verdict.status,
        zone=verdict.item.timing.zone,
        newest_slot=verdict.need.newest_slot,
        next_slot=verdict.need.next_slot,
        missed=verdict.need.missed,
        reason=verdict.reason,
        until=verdict.until,
        selected=address in chosen,
    )
