"""One apply as spans: the apply itself, and below it one a call, from intent to outcome.

Attributes hold what the plan shows anyway; there is no credential in reach of this module.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context

from reconcile.model.address import Address
from reconcile.model.journal import (
    Accepted,
    Done,
    Doubted,
    Entry,
    Failed,
    Intent,
    NotSent,
    Rejected,
    ScheduleGone,
    ScheduleIntent,
    ScheduleKept,
)
from reconcile.model.plan import Await, Plan
from reconcile.model.progress import Summary
from reconcile.render.escape import escape_terminal
from reconcile.tracing.provider import Destination

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LONGEST_TEXT = 1000
_WELL = frozenset((0, 2))
"""Exit codes of an apply that did all it was asked."""

_OUTCOMES = {NotSent: "not_sent", Rejected: "rejected", Doubted: "doubted", Failed: "failed"}


class Trace:
    """The spans of one apply. Every instant is given: nothing here reads a clock."""

    def __init__(self, destination: Destination, root: Span) -> None:
        self._destination, self._root = destination, root
        self._calls: dict[str, Span] = {}

    @classmethod
    def opened(cls, environment: Mapping[str, str]) -> "Trace":
        """Begin the root span now. Raises what exporters raise."""
        destination = Destination.opened(environment)
        return cls(destination, destination.tracer.start_span("reconcile apply"))

    def begin(self, planned: Plan) -> None:
        """Tell what is to be done. A job that is awaited has no intent: its span begins here."""
        self._root.set_attribute("reconcile.digest", planned.digest)
        self._root.set_attribute("reconcile.actions", len(planned.actions))
        for action in planned.actions:
            if isinstance(action, Await):
                addresses = [coverage.address for coverage in action.covers]
                span = self._child("await", addresses, action.operation, None)
                span.set_attribute("reconcile.job_id", _text(action.job_id))

    def entry(self, entry: Entry, addresses: Sequence[Address]) -> None:
        """Tell one journal entry; only those of calls have spans."""
        match entry:
            case Intent() | ScheduleIntent():
                name = entry.kind if isinstance(entry, Intent) else f"{entry.act} schedule"
                span = self._child(name, addresses, entry.operation, entry.at)
                span.set_attribute("http.request.method", entry.request.method)
                span.set_attribute("url.path", _text(entry.request.path))
                span.set_attribute("server.address", _text(entry.host))
            case Accepted(at, operation, job_id) if operation in self._calls:
                span = self._calls[operation]
                span.add_event("accepted", timestamp=_nanoseconds(at))
                if job_id is not None:
                    span.set_attribute("reconcile.job_id", _text(job_id))
            case Done(at, operation) | (
                ScheduleKept(at=at, operation=str(operation))
                | ScheduleGone(at=at, operation=str(operation))
            ):
                self._ended(operation, "done", at)
            case NotSent() | Rejected() | Doubted() | Failed():
                self._ended(entry.operation, _OUTCOMES[type(entry)], entry.at, entry.message)
            case _:
                pass

    def end(self, summary: Summary, at: datetime) -> None:
        """Tell what it came to; calls that have no outcome yet are those whose jobs go on."""
        for result in summary.results:
            if result.operation in self._calls:
                bad = None if result.status in {"done", "running"} else result.message or ""
                self._ended(result.operation, result.status, at, bad)
        self._root.set_attribute("reconcile.calls", summary.calls)
        self._root.set_attribute("reconcile.polls", summary.polls)
        self._root.set_attribute("reconcile.interrupted", summary.interrupted)

    def close(self, exit_code: int, at: datetime) -> None:
        """End every span and send them. Raises whatever the exporter does."""
        for operation in list(self._calls):
            self._ended(operation, "unknown", at, "the apply ended first")
        self._root.set_attribute("reconcile.exit_code", exit_code)
        if exit_code not in _WELL:
            self._root.set_status(Status(StatusCode.ERROR, f"exit code {exit_code}"))
        self._root.end(_nanoseconds(at))
        self._destination.flush()

    def _child(
        self, name: str, addresses: Sequence[Address], operation: str, at: datetime | None
    ) -> Span:
        span = self._destination.tracer.start_span(
            name,
            context=set_span_in_context(self._root),
            kind=SpanKind.CLIENT,
            attributes={
                "reconcile.addresses": [_text(address) for address in addresses],
                "reconcile.operation": _text(operation),
            },
            start_time=None if at is None else _nanoseconds(at),
        )
        self._calls[operation] = span
        return span

    def _ended(self, operation: str, outcome: str, at: datetime, wrong: str | None = None) -> None:
        span = self._calls.pop(operation, None)
        if span is None:
            return
        span.set_attribute("reconcile.outcome", outcome)
        if wrong is not None:
            span.set_status(Status(StatusCode.ERROR, _text(wrong)))
        span.end(_nanoseconds(at))


def _nanoseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND * 1000


def _text(text: str) -> str:
    """Names and Omni's words as they are shown anywhere else; a lone surrogate has no UTF-8."""
    return escape_terminal(text, _LONGEST_TEXT)
