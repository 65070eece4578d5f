"""One apply as spans: the apply itself, and below it one a call, from intent to outcome.

Attributes hold what the plan shows anyway; there is no credential in reach of this module.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import entry_points
from threading import Thread

from opentelemetry import trace
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context

from reconcile import __version__
from reconcile.model import journal
from reconcile.model.address import Address
from reconcile.model.plan import Await, Plan
from reconcile.model.progress import Summary
from reconcile.render.layout import escape_terminal

# Where spans go: the provider that is there already, or one made as the environment says.

LONGEST_FLUSH_S = 5.0
"""An exporter goes on trying for longer; a collector that is down shall not hold a runner up."""

_PROTOCOLS = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}


class ExportError(Exception):
    """Spans did not reach where they were to go."""


class Destination:
    """A provider, and how to make sure that its spans have left before the process ends."""

    def __init__(
        self, provider: trace.TracerProvider, exporters: Sequence["_Watched"] = ()
    ) -> None:
        self.tracer = provider.get_tracer("reconcile", __version__)
        self._provider, self._exporters = provider, exporters

    @classmethod
    def opened(cls, environment: Mapping[str, str]) -> "Destination":
        """Take the global provider if somebody set one. Raises what exporters raise."""
        found = trace.get_tracer_provider()
        if not isinstance(found, trace.ProxyTracerProvider):
            return cls(found)
        # Exporters log what they were given, headers with tokens among it, and a logger that
        # nobody listens to prints on standard error.
        logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
        own = {"service.name": "reconcile", "service.version": __version__}
        resource = Resource.create(own).merge(OTELResourceDetector().detect())
        # The process ends without exit handlers, see `cli.entry`: `flush` is the one that counts.
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporters = [_Watched(exporter) for exporter in _exporters(environment)]
        for exporter in exporters:
            provider.add_span_processor(BatchSpanProcessor(exporter))
        return cls(provider, exporters)

    def flush(self) -> None:
        """Send what is left, within bounds. Raises ExportError if something was not sent."""
        if not isinstance(self._provider, TracerProvider):
            return
        flush = self._provider.shutdown if self._exporters else self._provider.force_flush
        thread = Thread(target=flush, daemon=True)
        thread.start()
        thread.join(LONGEST_FLUSH_S)
        if thread.is_alive() or any(exporter.failed for exporter in self._exporters):
            raise ExportError


class _Watched(SpanExporter):
    """An exporter that remembers whether it ever failed: processors tell nobody."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.failed = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export, and see what comes of it."""
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            self.failed |= result is not SpanExportResult.SUCCESS
        return result

    def shutdown(self) -> None:
        """Pass it on."""
        self._exporter.shutdown()


def _exporters(environment: Mapping[str, str]) -> list[SpanExporter]:
    """Load what OTEL_TRACES_EXPORTER names, by the entry points that exporters register under.

    OTLP goes over HTTP unless another protocol is asked for, as the specification has it; the
    Python SDK's own reading of the same variables still prefers gRPC.
    """
    found = []
    for name in (environment.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp").split(","):
        wanted = _otlp(environment) if name.strip() == "otlp" else name.strip()
        loadable = entry_points(group="opentelemetry_traces_exporter", name=wanted)
        if not loadable:
            raise ExportError
        found.append(next(iter(loadable)).load()())
    return found


def _otlp(environment: Mapping[str, str]) -> str:
    names = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    asked = next(filter(None, (environment.get(name, "").strip() for name in names)), None)
    return _PROTOCOLS.get(asked or "http/protobuf", "")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LONGEST_TEXT = 1000
_WELL = frozenset((0, 2))
"""Exit codes of an apply that did all it was asked."""

_OUTCOMES = {
    journal.NotSent: "not_sent",
    journal.Rejected: "rejected",
    journal.Doubted: "doubted",
    journal.Failed: "failed",
}


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

    def entry(self, entry: journal.Entry, addresses: Sequence[Address]) -> None:
        """Tell one journal entry; only those of calls have spans."""
        match entry:
            case journal.Intent() | journal.ScheduleIntent():
                name = entry.kind if isinstance(entry, journal.Intent) else f"{entry.act} schedule"
                span = self._child(name, addresses, entry.operation, entry.at)
                span.set_attribute("http.request.method", entry.request.method)
                span.set_attribute("url.path", _text(entry.request.path))
                span.set_attribute("server.address", _text(entry.host))
            case journal.Accepted(at, operation, job_id) if operation in self._calls:
                span = self._calls[operation]
                span.add_event("accepted", timestamp=_nanoseconds(at))
                if job_id is not None:
                    span.set_attribute("reconcile.job_id", _text(job_id))
            case journal.Done(at, operation) | (
                journal.ScheduleKept(at=at, operation=str(operation))
                | journal.ScheduleGone(at=at, operation=str(operation))
            ):
                self._ended(operation, "done", at)
            case journal.NotSent() | journal.Rejected() | journal.Doubted() | journal.Failed():
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
