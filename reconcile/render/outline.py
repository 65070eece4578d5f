"""What a plan has to say, before it is laid out for a terminal, a comment or a page."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import get_args

from reconcile.model.noun import noun
from reconcile.model.plan import (
    Action,
    AdoptSchedule,
    Await,
    Forget,
    Plan,
    Refresh,
    Rename,
    ResetCache,
    ScheduleWrite,
    Standing,
    Status,
)
from reconcile.model.reason import DeadlineMissed
from reconcile.render.attention import Alert, alerts, blocked_text
from reconcile.render.instants import duration_text
from reconcile.render.layout import Cell, Ink, Row
from reconcile.render.names import address_text, counted
from reconcile.render.reader import Reader
from reconcile.render.standings import (
    STANDING_STILL,
    STATUS_WORDS,
    first_moment,
    standing_row,
)


@noun(frozen=True, slots=True)
class Outline:
    """The parts of a plan in words.

    `numbers`: how many actions of each kind. `selected`: the standings that `--select` left in.
    """

    plan: Plan
    reader: Reader
    numbers: Mapping[type[Action], int]
    selected: Mapping[Status, Sequence[Standing]]

    @staticmethod
    def of(plan: Plan, *, dated: bool = False) -> "Outline":
        """Return the outline of a plan. `dated`: it may be read on another day."""
        numbers = Counter(map(type, plan.actions))
        selected: dict[Status, list[Standing]] = {status: [] for status in Status}
        for standing in plan.standings:
            if standing.selected:
                selected[standing.status].append(standing)
        return Outline(plan, Reader.of(plan, dated=dated), numbers, selected)

    def number(self, *kinds: type[Action]) -> int:
        """Count the actions of these kinds."""
        return sum(self.numbers.get(kind, 0) for kind in kinds)

    def calls(self) -> int:
        """Count the calls an apply would make."""
        return self.number(Refresh, ResetCache, *get_args(ScheduleWrite))

    def due(self) -> str:
        """Return `3 calls are due`."""
        calls = self.calls()
        if not calls:
            return "No calls are due"
        return f"{counted(calls, 'call')} {'is' if calls == 1 else 'are'} due"

    def blocked(self) -> str | None:
        """Return which limits an apply of the plan would not pass; None if it passes all."""
        return blocked_text(self.plan.blocked_by) if self.plan.blocked_by else None

    def alerts(self) -> tuple[Alert, ...]:
        """Return what is held or in doubt, and what frees it."""
        return alerts(self.plan.standings)

    def as_of(self, *, elsewhere: bool = False) -> str:
        """Return the instant of the plan on both clocks; `elsewhere`: in full."""
        view = self.reader.vantage()
        full = elsewhere or view.dated
        return f"as of {view.in_full(self.plan.now) if full else view.both(self.plan.now)}"

    def counts(self) -> Iterator[str]:
        """Yield how many of everything else there are."""
        if awaited := self.number(Await):
            yield f"{counted(awaited, 'job')} to await"
        if adopted := self.number(AdoptSchedule):
            yield f"{counted(adopted, 'schedule')} to adopt"
        if renamed := sum(len(a.moves) for a in self.plan.actions if isinstance(a, Rename)):
            yield f"{counted(renamed, 'record')} renamed"
        if forgotten := self.number(Forget):
            yield f"{counted(forgotten, 'record')} to forget"
        if covered := len(self.selected[Status.COVERED]):
            yield f"{counted(covered, 'item')} covered"
        for status in STANDING_STILL:
            if still := len(self.selected[status]):
                yield f"{still:,} {STATUS_WORDS[status]}"
        if left_out := len(self.plan.standings) - sum(map(len, self.selected.values())):
            yield f"{left_out:,} not selected"

    def upcoming(self) -> tuple[str, str] | None:
        """Return the address that matters next, and when; None if nothing will by itself."""
        found = first_moment(chain.from_iterable(self.selected.values()))
        if found is None:
            return None
        moment, standing = found
        when = self.reader.vantage(standing.address).with_distance(moment)
        return address_text(standing.address), when

    def noted(self) -> str | None:
        """Return how many declarations an apply will remember; None if it will remember none."""
        if not self.plan.noted:
            return None
        noted = counted(len(self.plan.noted), "new or edited declaration")
        return f"{noted} to be noted, without a call"

    def load(self) -> str | None:
        """Return what the plan costs against the request budget; None if nothing is sent."""
        if not self.calls() and not self.number(Await):
            return None
        load, late = self.plan.load, ""
        if load.overtaken:
            late = f", {counted(len(load.overtaken), 'item')} only after the next slot"
        return (
            f"{counted(load.calls, 'call')} + about {counted(load.polls, 'poll')}, "
            f"{duration_text(load.duration_s)}, peak {load.peak_per_minute} of "
            f"{load.requests_per_minute} requests a minute{late}"
        )

    def still_rows(self) -> Iterator[Row]:
        """Yield what is neither due nor covered, without what `missed_rows` tells."""
        told = {address for address, _ in self.plan.missed}
        for status in STANDING_STILL:
            for standing in self.selected[status]:
                if not (standing.address in told and isinstance(standing.reason, DeadlineMissed)):
                    yield standing_row(standing, self.reader)

    def covered_rows(self) -> Iterator[Row]:
        """Yield what is covered."""
        for standing in self.selected[Status.COVERED]:
            yield standing_row(standing, self.reader)

    def missed_rows(self) -> Iterator[Row]:
        """Yield the slots an apply will record as past their deadline."""
        if not self.plan.missed:
            return
        reasons = {standing.address: standing.reason for standing in self.plan.standings}
        for address, slot in self.plan.missed:
            account = self.reader.account(address)
            match reasons.get(address):
                case DeadlineMissed(slot=told) as reason if told == slot:
                    why = account.tell(reason)
                case _:
                    why = f"slot {account.vantage.with_distance(slot)}"
            yield Row(Cell("missed", Ink.DIM), address_text(address), Cell(""), (why,))
