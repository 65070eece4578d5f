"""Of which items arithmetic can say when they run.

An item is steady once its last call succeeded and nobody pulls it forward: then nothing but its
own pause and freezes disturbs it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Final

from reconcile.model.address import Address
from reconcile.model.desired import AfterRefresh, Every, Item, RefreshItem, ResetItem
from reconcile.model.plan import Status
from reconcile.model.reason import (
    BackingOff,
    CarrierLeft,
    CoveredSince,
    DeadlineMissed,
    FrozenBy,
    HeldAfterFailures,
    HeldInDoubt,
    NothingYet,
    OutcomeUnknown,
    PausedUntil,
    RefreshUnseen,
    StampWouldGoBack,
    WaitsForFiles,
    WaitsForNextSlot,
    WaitsUntil,
)
from reconcile.planning.merging import group_of
from reconcile.planning.verdict import Verdict

_QUIET: Final = (
    CoveredSince,
    DeadlineMissed,
    FrozenBy,
    NothingYet,
    PausedUntil,
    StampWouldGoBack,
    WaitsForFiles,
    WaitsForNextSlot,
    WaitsUntil,
)
"""Reasons that end with the next slot, or with the stretch in which the item may not run."""


def is_steady(verdict: Verdict[Item]) -> bool:
    """Tell whether arithmetic can say when an item runs, given where it stands.

    Whatever a failure or a doubt holds back is not.
    """
    record = verdict.record
    if record.pending is not None or record.unseen is not None or record.failures:
        return False
    if not isinstance(verdict.standing.reason, _QUIET):
        return False
    # Its carrier having left, not its cadence, makes it due: arithmetic knows nothing of that.
    left = isinstance(verdict.need.reason, CarrierLeft)
    return not left and (not isinstance(verdict.item.timing.cadence, Every) or _steps_on(verdict))


def is_still(verdict: Verdict[Item]) -> bool:
    """Tell whether an item is held until a person frees it: it does not run at all."""
    return isinstance(verdict.standing.reason, HeldAfterFailures | HeldInDoubt)


def tried_again_at(verdict: Verdict[Item]) -> datetime | None:
    """Return when an item that failed goes on, after which it is like any other."""
    match verdict.standing.reason:
        case BackingOff(retry_at=at) | OutcomeUnknown(retry_at=at) | RefreshUnseen(retry_at=at):
            return at
        case _:
            return None


def _steps_on(verdict: Verdict[Item]) -> bool:
    """Tell whether it is known from when on an interval counts."""
    return verdict.need.next_slot is not None or verdict.need.status is Status.DUE


class Company:
    """Who shares calls with whom, and who follows whom.

    `groups`: the refreshes of each connection and branch.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self.groups: dict[str, list[RefreshItem]] = defaultdict(list)
        self.resets: list[ResetItem] = []
        self._group: dict[Address, str] = {}
        for item in items:
            if isinstance(item, RefreshItem):
                self._group[item.address] = group = group_of(item)
                self.groups[group].append(item)
            else:
                self.resets.append(item)

    def steady(
        self,
        verdicts: Mapping[Address, Verdict[Item]],
        known: AbstractSet[Address],
    ) -> AbstractSet[Address]:
        """Return whose runs are a matter of arithmetic, those that never run included.

        `known`: of whom that was found before.
        """
        still = {address for address, verdict in verdicts.items() if is_still(verdict)}
        steady = {a for a, v in verdicts.items() if a in known or is_steady(v)}
        walked = self._needed(still | steady)
        for group, members in self.groups.items():
            addresses = {item.address for item in members} - still
            rides = len(addresses) > 1 and any(item.coalesce_within for item in members)
            if rides or group in walked or not addresses <= steady:
                steady -= addresses
        for item in self.resets:
            if item.after in self._group and item.after not in steady and not _never(item, still):
                # It needs the calls of its refresh, or to know until when that blocks it.
                steady.discard(item.address)
                still.discard(item.after)
        return steady | still

    def _needed(self, steady: AbstractSet[Address]) -> set[str]:
        """Return the connections and branches whose calls a reset needs that must be walked."""
        return {
            self._group[cadence.refresh]
            for item in self.resets
            if isinstance(cadence := item.timing.cadence, AfterRefresh)
            and item.address not in steady
            and cadence.refresh in self._group
        }


def _never(item: ResetItem, still: AbstractSet[Address]) -> bool:
    """Tell whether a reset only follows a refresh that does not run."""
    return isinstance(item.timing.cadence, AfterRefresh) and item.after in still
