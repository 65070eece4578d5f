"""Where spans go: the provider that is there already, or one made as the environment says."""

import logging
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from threading import Thread

from opentelemetry import trace
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from reconcile import __version__

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
