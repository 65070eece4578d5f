"""Who is told of a cycle while it runs."""

from typing import Protocol

from reconcile.applying.ports import Ledger
from reconcile.model.desired import Desired
from reconcile.model.plan import Plan
from reconcile.model.progress import Event, Summary
from reconcile.model.recorded import Recorded


class Observer(Protocol):
    """Is told of one apply, step by step, from the thread that makes it. Changes nothing."""

    def know(self, desired: Desired, recorded: Recorded) -> None:
        """Learn what is declared and what is recorded, as of now."""

    def begin(self, planned: Plan) -> None:
        """Learn that a plan is being carried out."""

    def overhear(self, ledger: Ledger) -> Ledger:
        """Return the ledger to write to: the same, perhaps listened to."""

    def report(self, event: Event) -> None:
        """Learn of progress."""

    def end(self, summary: Summary) -> None:
        """Learn what it came to."""


class Unobserved:
    """Tells nobody."""

    def know(self, desired: Desired, recorded: Recorded) -> None:
        """Let it pass."""

    def begin(self, planned: Plan) -> None:
        """Let it pass."""

    def overhear(self, ledger: Ledger) -> Ledger:
        """Return the ledger itself."""
        return ledger

    def report(self, event: Event) -> None:
        """Let it pass."""

    def end(self, summary: Summary) -> None:
        """Let it pass."""
