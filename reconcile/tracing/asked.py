"""Whether anybody wants traces, found out without importing what would make them."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconcile.model.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from reconcile.tracing.trace import Trace

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_NOWHERE = frozenset(("", "none"))


def open_trace(environment: Mapping[str, str]) -> "Trace | None":
    """Begin the trace of an apply; None where none is asked for or the SDK is not installed.

    It is asked for by OpenTelemetry's own variables, or by whatever started this process and set
    a global provider (`opentelemetry-instrument`). Raises whatever an exporter's settings provoke.
    """
    if not is_asked_for(environment):
        return None
    try:
        from reconcile.tracing.trace import Trace  # noqa: PLC0415 -- costs 50 ms, and is optional
    except ImportError:
        return None
    return Trace.opened(environment)


def is_asked_for(environment: Mapping[str, str]) -> bool:
    """Tell whether OpenTelemetry is configured. An endpoint is enough: that is where traces go."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if "opentelemetry.trace" in sys.modules:
        return True
    exporters = environment.get("OTEL_TRACES_EXPORTER", "").strip()
    if exporters:
        return exporters not in _NOWHERE
    return any(environment.get(name, "").strip() for name in _ENDPOINTS)


def traces_not_sent(error: Exception) -> Diagnostic:
    """Warn that this apply has no trace, or half of one. The texts of exporters may hold tokens."""
    return Diagnostic(
        code="traces-not-sent",
        summary="The trace of this apply was not sent",
        detail=f"OpenTelemetry is configured, and its exporter failed: {type(error).__name__}. "
        "The apply itself was not changed by it.",
        hint="reconcile explain traces-not-sent",
        severity=Severity.WARNING,
    )
