"""Every declared item judged at one instant, and what follows from all the verdicts together."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from operator import attrgetter

from reconcile.model.address import Address
from reconcile.model.desired import Desired, Generation, Item, ResetItem
from reconcile.model.noun import noun
from reconcile.model.plan import Await, Choice, Refresh, ResetCache, Standing
from reconcile.model.recorded import Recorded
from reconcile.planning.budget.order import addresses
from reconcile.planning.merging import merge
from reconcile.planning.recorded_clock import Believed, believed_items
from reconcile.planning.resets import ordered_after, reset_actions
from reconcile.planning.standing import judge, surroundings
from reconcile.planning.verdict import Verdict, is_of_reset

EVERYTHING = Choice()


@noun(frozen=True, slots=True)
class Judged:
    """The verdicts on all items, sorted by address, with refreshes merged and resets after them.

    `believed`: the records that they go by.
    """

    believed: Believed
    verdicts: Mapping[Address, Verdict[Item]]
    merged: tuple[Refresh | Await, ...] = ()
    resets: tuple[Verdict[ResetItem], ...] = ()

    def standings(self) -> tuple[Standing, ...]:
        """Say where every item stands."""
        return tuple([verdict.standing for verdict in self.verdicts.values()])

    def calls(self, generation: Generation) -> Iterator[Refresh | Await | ResetCache]:
        """Yield the calls that are due and the jobs to await."""
        yield from self.merged
        yield from reset_actions(self.resets, generation, frozenset(addresses(self.merged)))


def judge_all(
    desired: Desired,
    recorded: Recorded,
    now: datetime,
    choice: Choice = EVERYTHING,
    clock: datetime | None = None,
) -> Judged:
    """Judge every declared item, its native schedules aside. `clock`: the real one, as `plan`'s."""
    believed = believed_items(recorded.items, now if clock is None else max(clock, now))
    around = surroundings(desired, believed.items, choice, now)
    items = sorted(desired.items, key=attrgetter("address"))
    alone: dict[Address, Verdict[Item]] = {item.address: judge(item, around) for item in items}
    if not any(verdict.is_due for verdict in alone.values()):
        return Judged(believed, alone)
    merged = merge(alone.values(), desired.generation, now)
    acting = frozenset(addresses(merged.actions))
    verdicts = {**alone, **merged.riding}
    resets = [
        ordered_after(verdict, verdicts, acting, around)
        for verdict in filter(is_of_reset, alone.values())
    ]
    verdicts.update((verdict.item.address, verdict) for verdict in resets)
    return Judged(believed, verdicts, merged.actions, tuple(resets))
