"""What judging one item needs, and what it comes to."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Generic, TypeGuard, TypeVar

from reconcile.model.address import Address
from reconcile.model.desired import Freeze, Item, RefreshItem, ResetItem
from reconcile.model.noun import noun
from reconcile.model.plan import Choice, Standing, Status
from reconcile.model.reason import JobRunningSince, Reason
from reconcile.model.recorded import Coverage, Pending, Record
from reconcile.planning.settled import earliest

ItemT_co = TypeVar("ItemT_co", bound=Item, covariant=True)
_DUE = Status.DUE  # To find a member of an enumeration takes half as long as to make a verdict.


@noun(frozen=True, slots=True)
class Surroundings:
    """All that judging one item needs beside the item itself.

    `records`: what is believed of them. `strayed`: items that were covered by the call of a model
    with which they share no connection any more.
    """

    records: Mapping[Address, Record]
    freezes: tuple[Freeze, ...]
    choice: Choice
    now: datetime
    strayed: frozenset[Address] = frozenset()


@noun(frozen=True, slots=True)
class Verdict(Generic[ItemT_co]):
    """One item judged alone, before it is ordered and merged with others.

    `noted`: an apply has seen what the item declares now. `need`: where its cadence alone would
    have it stand; `standing`: where it stands. `coverage` is what a call would settle, kept also
    where the call is held back, since an item that follows another may need it.
    """

    item: ItemT_co
    record: Record
    noted: bool
    need: Standing
    standing: Standing
    coverage: Coverage | None

    @property
    def is_due(self) -> bool:
        """Whether a call is to be made or a job awaited."""
        return self.standing.status is _DUE

    @property
    def goes(self) -> bool:
        """Whether that happens in this plan: it is due, and the operator's choice leaves it in."""
        return self.standing.status is _DUE and self.standing.selected

    @property
    def running(self) -> Pending | None:
        """A job to await instead of a call."""
        awaits = isinstance(self.standing.reason, JobRunningSince)
        return self.record.pending if awaits else None

    def due(self, reason: Reason, coverage: Coverage) -> "Verdict[ItemT_co]":
        """Return it as due for another reason than its cadence's."""
        standing = _restated(self.standing, Status.DUE, reason, self.standing.until)
        return Verdict(self.item, self.record, self.noted, self.need, standing, coverage)

    def held(self, status: Status, reason: Reason, until: datetime | None) -> "Verdict[ItemT_co]":
        """Return it as held back by something that may be over at an instant."""
        soonest = earliest(self.standing.until, until)
        return replace(self, standing=_restated(self.standing, status, reason, soonest))

    def changing(self, at: datetime | None) -> "Verdict[ItemT_co]":
        """Return it as changing at an instant, if it does not before."""
        until = earliest(self.standing.until, at)
        return replace(self, standing=replace(self.standing, until=until))


def is_of_refresh(verdict: Verdict[Item]) -> TypeGuard[Verdict[RefreshItem]]:
    """Tell whether what was judged is a refresh."""
    return isinstance(verdict.item, RefreshItem)


def is_of_reset(verdict: Verdict[Item]) -> TypeGuard[Verdict[ResetItem]]:
    """Tell whether what was judged is a reset."""
    return isinstance(verdict.item, ResetItem)


def _restated(
    standing: Standing, status: Status, reason: Reason, until: datetime | None
) -> Standing:
    """Do what `replace` does, in a third of the time: this is for every reset after a refresh."""
    return Standing(
        standing.address,
        status,
        standing.zone,
        newest_slot=standing.newest_slot,
        next_slot=standing.next_slot,
        missed=standing.missed,
        reason=reason,
        until=until,
        selected=standing.selected,
    )
