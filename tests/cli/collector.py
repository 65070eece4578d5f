"""An OpenTelemetry collector on loopback: takes OTLP over HTTP and keeps the spans."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from msgspec import Struct
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_ERROR = 2
"""STATUS_CODE_ERROR of opentelemetry/proto/trace/v1/trace.proto."""


class Seen(Struct, frozen=True):
    """One span as it came. `error`: the message of a status that says so."""

    name: str
    trace_id: str
    span_id: str
    parent: str | None
    start: int
    end: int
    attributes: dict[str, Any]
    error: str | None
    service: str


@dataclass
class Collector:
    """What came in so far. `answer`: the status that every export gets."""

    answer: int = 200
    endpoint: str = ""
    spans: list[Seen] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def root(self) -> Seen:
        (root,) = [span for span in self.spans if span.parent is None]
        return root

    def children(self) -> list[Seen]:
        """List the spans right below the root, by their start."""
        root = self.root()
        below = [span for span in self.spans if span.parent == root.span_id]
        return sorted(below, key=lambda span: span.start)


@contextmanager
def collecting(answer: int = 200) -> Iterator[Collector]:
    """Serve a collector for as long as the block lasts."""
    collector = Collector(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.bodies.append(body)
            collector.spans += _spans(body)
            self.send_response(collector.answer if self.path == "/v1/traces" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


def _spans(body: bytes) -> Iterator[Seen]:
    request: Any = ExportTraceServiceRequest.FromString(body)
    for resource in request.resource_spans:
        service = _values(resource.resource.attributes)["service.name"]
        for span in (span for scope in resource.scope_spans for span in scope.spans):
            yield Seen(
                name=span.name,
                trace_id=span.trace_id.hex(),
                span_id=span.span_id.hex(),
                parent=span.parent_span_id.hex() or None,
                start=span.start_time_unix_nano,
                end=span.end_time_unix_nano,
                attributes=_values(span.attributes),
                error=span.status.message if span.status.code == _ERROR else None,
                service=service,
            )


def _values(attributes: Any) -> dict[str, Any]:
    return {attribute.key: _value(attribute.value) for attribute in attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind)
