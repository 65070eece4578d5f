"""What each action has come to so far, kept true from instant to instant."""

from collections.abc import Sequence
from datetime import datetime

from reconcile.applying.jobs import JobEnd
from reconcile.applying.ports import Ports
from reconcile.applying.sending import Refused, Tracker
from reconcile.model.address import Address
from reconcile.model.progress import (
    Budget,
    FailedCall,
    Finished,
    Result,
    ResultStatus,
    Skipped,
    Started,
    Waiting,
)
from reconcile.planning.budget.order import Called, addresses

NOT_BEGUN = "stopped before it was sent"
IN_FLIGHT = "stopped while the call was in flight"
GOES_ON = "its job goes on in Omni; the next apply awaits it"


class Results:
    """One result an action, always what would be true if the apply stopped right now."""

    def __init__(self, ports: Ports) -> None:
        self._report, self._now, self._limiter = ports.report, ports.now, ports.limiter
        self._by_action: dict[int, Result] = {}

    def of(self, actions: Sequence[Called]) -> tuple[Result, ...]:
        """Return the results in the order of the actions."""
        return tuple(self._by_action[id(action)] for action in actions)

    def tracker(self, action: Called, what: str) -> Tracker:
        """Keep the result true from instant to instant, as a stop may cut anywhere."""
        addresses = addresses_of(action)

        def track(status: ResultStatus, operation: str) -> None:
            if status == "unknown":
                self.put(action, status, IN_FLIGHT, operation)
                self._report(Started(at=self._now(), addresses=addresses, what=what))
                budget = self._limiter.snapshot()
                self._report(Budget(at=self._now(), used=budget.used, limit=budget.limit))
            else:
                self.put(action, status, NOT_BEGUN)

        return Tracker(track, lambda why: self.wait(action, why))

    def wait(self, action: Called, why: str) -> None:
        """Tell that an action cannot begin yet."""
        self._report(Waiting(at=self._now(), addresses=addresses_of(action), why=why))

    def conclude(
        self, action: Called, end: JobEnd, operation: str | None, sent_at: datetime
    ) -> None:
        """Leave the result of a call that Omni took."""
        now = self._now()
        took_s = (now - sent_at).total_seconds()
        addresses = addresses_of(action)
        if end.completed_at is not None:
            self.put(action, "done", None, operation, took_s)
            self._report(Finished(at=now, addresses=addresses, took_s=took_s))
            return
        self.put(action, "failed" if end.failed else "running", end.message, operation, took_s)
        message = end.message or ""
        self._report(
            FailedCall(
                at=now, addresses=addresses, message=message, may_have_happened=not end.failed
            )
        )

    def refuse(self, action: Called, refused: Refused) -> None:
        """Leave the result of a call that came to nothing, or may have."""
        self.put(action, refused.status, refused.message, refused.operation)
        unknown = refused.status == "unknown"
        self._report(
            FailedCall(
                at=self._now(),
                addresses=addresses_of(action),
                message=refused.message,
                may_have_happened=unknown,
            )
        )

    def skip(self, action: Called, why: str) -> None:
        """Leave an action out of this apply; it stays due."""
        self.put(action, "skipped", why)
        self._report(Skipped(at=self._now(), addresses=addresses_of(action), why=why))

    def put(
        self,
        action: Called,
        status: ResultStatus,
        message: str | None,
        operation: str | None = None,
        took_s: float = 0.0,
    ) -> None:
        """Replace what an action has come to so far."""
        self._by_action[id(action)] = Result(
            action=action, status=status, message=message, operation=operation, took_s=took_s
        )


def addresses_of(action: Called) -> tuple[Address, ...]:
    """List the addresses an action settles."""
    return tuple(addresses([action]))
