"""What each action has come to so far, kept true from instant to instant."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from reconcile.applying.jobs import JobEnd
from reconcile.applying.ports import Ports
from reconcile.applying.sending import NOT_BEGUN, TOKEN_REFUSED, Refused, Tracker
from reconcile.model.address import Address
from reconcile.model.progress import (
    Budget,
    FailedCall,
    Finished,
    Left,
    LeftJob,
    Result,
    ResultStatus,
    Skipped,
    Started,
    Waiting,
)
from reconcile.planning.budget import Called, addresses

IN_FLIGHT = "stopped while the call was in flight"
GOES_ON = "its job goes on in Omni; the next apply awaits it"


class Results:
    """What each action has come to, always what would be true if the apply stopped right now.

    An action of which parts go their own ways has a result for each of them.
    """

    def __init__(self, ports: Ports) -> None:
        self._report, self._now, self._limiter = ports.report, ports.now, ports.limiter
        self._by_action: dict[int, Result] = {}
        self._parts: dict[int, tuple[Called, ...]] = {}

    def of(self, actions: Sequence[Called]) -> tuple[Result, ...]:
        """Return the results in the order of the actions."""
        return tuple(result for action in actions for result in self._of(action))

    def _of(self, action: Called) -> Iterator[Result]:
        if id(action) not in self._parts:
            yield self._by_action[id(action)]
        for part in self._parts.get(id(action), ()):
            yield from self._of(part)

    def split(self, action: Called, *parts: Called) -> None:
        """Let the parts of an action have results of their own in the place of its one."""
        for part in parts:
            self.put(part, "skipped", NOT_BEGUN)
        self._parts[id(action)] = parts

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
        took_s = max(0.0, (now - sent_at).total_seconds())
        addresses = addresses_of(action)
        if end.completed_at is not None:
            self.put(action, "done", None, operation, took_s)
            self._report(Finished(at=now, addresses=addresses, took_s=took_s))
            return
        if end.left is not None:
            self._leave(action, end, end.left, operation, took_s)
            return
        message = end.message or ""
        self.put(action, "failed", message, operation, took_s)
        self._fail(action, message)

    def refuse(self, action: Called, refused: Refused) -> None:
        """Leave the result of a call that came to nothing, or may have."""
        if refused.message == NOT_BEGUN:
            self.put(action, "skipped", NOT_BEGUN)  # the stop is said, not what it stopped
            return
        if refused.status == "skipped":
            self.skip(action, refused.message)
            return
        self.put(action, refused.status, refused.message, refused.operation)
        if refused.undecided is None:
            self._fail(action, refused.message, doubt=refused.status == "unknown")
        else:
            refused.undecided.then(partial(self._decided, action, refused.message))

    def _decided(self, action: Called, message: str, of_items: bool) -> None:  # noqa: FBT001
        """Tell of a refusal once it is known whose it was."""
        if of_items:
            self._fail(action, message)
        else:
            self.skip(action, TOKEN_REFUSED)

    def _leave(
        self, action: Called, end: JobEnd, job: LeftJob, operation: str | None, took_s: float
    ) -> None:
        """Leave the result of a call whose end this apply did not see."""
        status: ResultStatus = "running" if job.until is not None else "unseen"
        if end.failed:
            status = "failed"
        self.put(action, status, end.message, operation, took_s, job)
        self._report(Left(at=self._now(), addresses=addresses_of(action), job=job))

    def _fail(self, action: Called, message: str, *, doubt: bool = False) -> None:
        self._report(
            FailedCall(
                at=self._now(),
                addresses=addresses_of(action),
                message=message,
                may_have_happened=doubt,
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
        job: LeftJob | None = None,
    ) -> None:
        """Replace what an action has come to so far."""
        self._by_action[id(action)] = Result(
            action=action,
            status=status,
            message=message,
            operation=operation,
            took_s=took_s,
            job=job,
        )


def addresses_of(action: Called) -> tuple[Address, ...]:
    """List the addresses an action settles."""
    return tuple(addresses([action]))
