"""What a plan has to say, before it is laid out for a terminal, a comment or a page."""

from collections import Counter
from collections.abc import Iterator

from reconcile.model.noun import noun
from reconcile.model.plan import Action, Await, Forget, Plan, Refresh, ResetCache, Standing, Status
from reconcile.model.reason import DeadlineMissed
from reconcile.model.schedule_action import AdoptSchedule, ScheduleWrite
from reconcile.render.instants import duration_text
from reconcile.render.layout import Cell, Ink, Row
from reconcile.render.names import address_text, counted
from reconcile.render.reader import Reader
from reconcile.render.standings import (
    STANDING_STILL,
    STATUS_WORDS,
    first_moment,
    standing_rows,
)


@noun(frozen=True, slots=True)
class Outline:
    """The parts of a plan in words. `selected`: the standings that `--select` left in."""

    plan: Plan
    reader: Reader
    selected: tuple[Standing, ...]

    @staticmethod
    def of(plan: Plan) -> "Outline":
        """Return the outline of a plan."""
        selected = tuple(standing for standing in plan.standings if standing.selected)
        return Outline(plan, Reader.of(plan), selected)

    def number(self, kind: type[Action]) -> int:
        """Count the actions of a kind."""
        return sum(isinstance(action, kind) for action in self.plan.actions)

    def calls(self) -> int:
        """Count the calls an apply would make."""
        return sum(
            isinstance(action, Refresh | ResetCache | ScheduleWrite) for action in self.plan.actions
        )

    def due(self) -> str:
        """Return `3 calls are due`."""
        calls = self.calls()
        if not calls:
            return "No calls are due"
        return f"{counted(calls, 'call')} {'is' if calls == 1 else 'are'} due"

    def as_of(self) -> str:
        """Return the instant of the plan on both clocks."""
        return f"as of {self.reader.vantage().both(self.plan.now)}"

    def counts(self) -> Iterator[str]:
        """Yield how many of everything else there are."""
        if awaited := self.number(Await):
            yield f"{counted(awaited, 'job')} to await"
        if adopted := self.number(AdoptSchedule):
            yield f"{counted(adopted, 'schedule')} to adopt"
        if forgotten := self.number(Forget):
            yield f"{counted(forgotten, 'record')} to forget"
        statuses = Counter(standing.status for standing in self.selected)
        if covered := statuses[Status.COVERED]:
            yield f"{counted(covered, 'item')} covered"
        for status in STANDING_STILL:
            if statuses[status]:
                yield f"{statuses[status]:,} {STATUS_WORDS[status]}"
        if left_out := len(self.plan.standings) - len(self.selected):
            yield f"{left_out:,} not selected"

    def upcoming(self) -> tuple[str, str] | None:
        """Return the address that matters next, and when; None if nothing will by itself."""
        found = first_moment(self.selected)
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
        listed = (
            standing
            for standing in self.selected
            if not (standing.address in told and isinstance(standing.reason, DeadlineMissed))
        )
        return standing_rows(listed, STANDING_STILL, self.reader)

    def covered_rows(self) -> Iterator[Row]:
        """Yield what is covered."""
        return standing_rows(self.selected, (Status.COVERED,), self.reader)

    def missed_rows(self) -> Iterator[Row]:
        """Yield the slots an apply will record as past their deadline."""
        reasons = {standing.address: standing.reason for standing in self.plan.standings}
        for address, slot in self.plan.missed:
            account = self.reader.account(address)
            match reasons.get(address):
                case DeadlineMissed(slot=told) as reason if told == slot:
                    why = account.tell(reason)
                case _:
                    why = f"slot {account.vantage.with_distance(slot)}"
            yield Row(Cell("missed", Ink.DIM), address_text(address), Cell(""), (why,))
