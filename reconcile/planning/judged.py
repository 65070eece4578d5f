"""Every declared item judged at one instant, and what follows from all the verdicts together."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from operator import attrgetter

from reconcile.model.address import Address
from reconcile.model.desired import Desired, Generation, Item
from reconcile.model.noun import noun
from reconcile.model.plan import Await, Choice, Refresh, ResetCache, Standing
from reconcile.model.recorded import Recorded
from reconcile.planning.budget.order import addresses
from reconcile.planning.merging import merge
from reconcile.planning.resets import ordered_after, reset_actions
from reconcile.planning.standing import judge, surroundings
from reconcile.planning.verdict import Verdict, is_of_reset

EVERYTHING = Choice()


@noun(frozen=True, slots=True)
class Judged:
    """The verdicts on all items, sorted by address, with refreshes merged and resets after them."""

    verdicts: Mapping[Address, Verdict[Item]]
    merged: tuple[Refresh | Await, ...]

    def standings(self) -> tuple[Standing, ...]:
        """Say where every item stands."""
        return tuple([verdict.standing for verdict in self.verdicts.values()])

    def calls(self, generation: Generation) -> Iterator[Refresh | Await | ResetCache]:
        """Yield the calls that are due and the jobs to await."""
        yield from self.merged
        acting = frozenset(addresses(self.merged))
        yield from reset_actions(self.verdicts.values(), generation, acting)


def judge_all(
    desired: Desired, recorded: Recorded, now: datetime, choice: Choice = EVERYTHING
) -> Judged:
    """Judge every declared item, its native schedules aside."""
    around = surroundings(desired, recorded, choice, now)
    items = sorted(desired.items, key=attrgetter("address"))
    alone: dict[Address, Verdict[Item]] = {item.address: judge(item, around) for item in items}
    merged = merge(alone.values(), desired.generation, now)
    verdicts = {**alone, **merged.riding}
    acting = frozenset(addresses(merged.actions))
    for verdict in alone.values():
        if is_of_reset(verdict) and verdict.item.after is not None:
            verdicts[verdict.item.address] = ordered_after(verdict, verdicts, acting, around)
    return Judged(verdicts, merged.actions)
