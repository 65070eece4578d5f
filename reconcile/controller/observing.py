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


class Observers:
    """Tells several observers; the ledger is listened to by the last of them first."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def know(self, desired: Desired, recorded: Recorded) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.know(desired, recorded)

    def begin(self, planned: Plan) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.begin(planned)

    def overhear(self, ledger: Ledger) -> Ledger:
        """Let each listen."""
        for observer in self._observers:
            ledger = observer.overhear(ledger)
        return ledger

    def report(self, event: Event) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.report(event)

    def end(self, summary: Summary) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.end(summary)
