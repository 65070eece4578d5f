"""Whether OpenTelemetry counts as configured."""

import subprocess
import sys

import pytest

from reconcile.terminal.events import is_asked_for

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}


@pytest.mark.parametrize(
    ("environment", "asked"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "nightly"}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, False),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "TRUE"}, False),
    ],
)
def test_opentelemetrys_own_variables_decide(environment: dict[str, str], asked: bool) -> None:  # noqa: FBT001 -- the expected value
    script = "import sys; from reconcile.terminal.events import is_asked_for as asked\n"
    script += f"assert asked({environment!r}) is {asked}; assert 'opentelemetry' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_process_that_was_instrumented_from_outside_is_traced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", sys)
    assert is_asked_for({})
