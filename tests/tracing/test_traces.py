"""The trace of an apply, as a collector on loopback receives it from the tool run as a process."""

import json
import socket
import sys
from collections.abc import Iterator

import pytest

from tests.canary import traces
from tests.cli.collector import Collector, collecting
from tests.cli.test_native_schedules import ADDRESS, HEAD, NIGHTLY
from tests.stage import OPS, SALES, Ended, Stage, Staging
from tests.terminal.test_events import ITEMS

TWO = f"""
[models.sales]
id = "{SALES}"
cache.daily = {{ every = "1h" }}
[models.ops]
id = "{OPS}"
refresh = {{ every = "1h" }}
"""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


def apply(stage: Stage, endpoint: str, **variables: str) -> Ended:
    told = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, **variables}
    return stage.run("apply", "--yes", **told)


def warnings(ended: Ended) -> int:
    return ended.err.count("warning[traces-not-sent]")


def test_an_apply_is_one_root_span_with_a_span_per_call(
    staged: Staging, collector: Collector
) -> None:
    ended = apply(staged(ITEMS), collector.endpoint)
    assert (ended.code, warnings(ended)) == (0, 0)
    root, children = collector.root(), collector.children()
    assert (root.name, root.service, root.error) == ("reconcile apply", "reconcile", None)
    assert [child.name for child in children] == ["refresh", "reset"]
    assert {span.trace_id for span in collector.spans} == {root.trace_id}
    assert root.attributes["reconcile.calls"] == 2
    assert root.attributes["reconcile.exit_code"] == 0
    for child in children:
        assert root.start <= child.start <= child.end <= root.end


def test_a_write_to_a_native_schedule_has_its_span(staged: Staging, collector: Collector) -> None:
    ended = apply(staged(HEAD + NIGHTLY), collector.endpoint)
    (child,) = collector.children()
    assert (ended.code, child.name, child.error) == (0, "create schedule", None)
    assert child.attributes["reconcile.addresses"] == [ADDRESS]
    assert child.attributes["reconcile.outcome"] == "done"


def test_a_call_tells_what_it_was_for_and_how_it_ended(
    staged: Staging, collector: Collector
) -> None:
    stage = staged(ITEMS)
    apply(stage, collector.endpoint)
    refresh, reset = (child.attributes for child in collector.children())
    assert refresh["reconcile.addresses"] == ["models.sales.refresh"]
    assert refresh["reconcile.outcome"] == reset["reconcile.outcome"] == "done"
    assert refresh["reconcile.job_id"]
    assert "reconcile.job_id" not in reset
    assert (refresh["http.request.method"], refresh["url.path"]) == (
        stage.calls()[0].call.method,
        stage.calls()[0].call.path,
    )
    assert reset["server.address"] == stage.base_url


def test_failures_are_the_status_of_their_span_and_of_the_root(
    staged: Staging, collector: Collector
) -> None:
    assert apply(staged(TWO, faults="reset:422"), collector.endpoint).code == 6
    calls = {call.name: call for call in collector.children()}
    assert calls["refresh"].error is None
    assert calls["reset"].attributes["reconcile.outcome"] == "rejected"
    assert calls["reset"].error
    assert collector.root().error == "exit code 6"


def test_a_job_taken_up_again_has_a_span_of_its_own(staged: Staging, collector: Collector) -> None:
    stage = staged(ITEMS.replace("every", 'timeout = "1s", every', 1), job_s=4.0)
    apply(stage, collector.endpoint)
    (begun, *_) = collector.children()
    assert begun.attributes["reconcile.outcome"] == "running"
    collector.spans.clear()
    apply(stage, collector.endpoint)
    (taken_up, *_) = collector.children()
    assert taken_up.name == "await"
    assert taken_up.attributes["reconcile.job_id"] == begun.attributes["reconcile.job_id"]


def test_no_span_holds_a_token(staged: Staging, collector: Collector) -> None:
    apply(staged(TWO, faults="refresh:401"), collector.endpoint)
    assert collector.bodies
    assert [body for body in collector.bodies if traces(body)] == []


def test_an_apply_that_fails_before_it_begins_is_a_trace_too(
    staged: Staging, collector: Collector
) -> None:
    assert apply(staged(ITEMS), collector.endpoint, OMNI_API_KEY="").code == 1
    assert collector.root().error == "exit code 1"
    assert collector.children() == []


def test_the_service_has_the_name_the_operator_gives(staged: Staging, collector: Collector) -> None:
    apply(staged(ITEMS), collector.endpoint, OTEL_SERVICE_NAME="nightly")
    assert collector.root().service == "nightly"


@pytest.mark.parametrize(
    "variables",
    [{"OTEL_TRACES_EXPORTER": "none"}, {"OTEL_SDK_DISABLED": "true"}],
    ids=["no exporter", "disabled"],
)
def test_traces_can_be_turned_off(
    staged: Staging, collector: Collector, variables: dict[str, str]
) -> None:
    ended = apply(staged(ITEMS), collector.endpoint, **variables)
    assert (ended.code, warnings(ended)) == (0, 0)
    assert collector.bodies == []


def test_without_configuration_nothing_of_it_is_imported(staged: Staging) -> None:
    stage = staged(ITEMS)
    ended = stage.run("apply", "--yes", PYTHONPROFILEIMPORTTIME="1")
    assert (ended.code, "opentelemetry" in ended.err) == (0, False)
    assert "reconcile.terminal.events" in ended.err


def unused_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.mark.parametrize(
    "variables",
    [
        {"OTEL_EXPORTER_OTLP_TIMEOUT": "1"},
        {"OTEL_TRACES_EXPORTER": "nonsense"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "carrier pigeon"},
        {"OTEL_EXPORTER_OTLP_HEADERS": "api-key sesame", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"},
    ],
    ids=["nobody listens", "no such exporter", "no such protocol", "headers that cannot be read"],
)
def test_a_trace_that_cannot_be_sent_is_one_warning_and_the_apply_goes_on(
    staged: Staging, variables: dict[str, str]
) -> None:
    stage = staged(ITEMS)
    ended = apply(stage, f"http://127.0.0.1:{unused_port()}", **variables)
    assert (ended.code, len(stage.calls()), warnings(ended)) == (0, 2, 1)
    assert "Traceback" not in ended.err
    assert "sesame" not in ended.err


def test_a_collector_that_refuses_is_one_warning(staged: Staging) -> None:
    with collecting(answer=400) as refusing:
        ended = apply(staged(ITEMS), refusing.endpoint)
    assert (ended.code, warnings(ended)) == (0, 1)


def test_a_provider_that_is_there_already_is_used(staged: Staging, collector: Collector) -> None:
    stage = staged(ITEMS)
    stage.write(
        "from opentelemetry import trace\n"
        "from opentelemetry.sdk.trace import TracerProvider\n"
        "from opentelemetry.sdk.trace.export import BatchSpanProcessor\n"
        "from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter\n"
        "trace.set_tracer_provider(provider := TracerProvider())\n"
        f"provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter({collector.endpoint!r}"
        " + '/v1/traces')))\n",
        "sitecustomize.py",
    )
    paths = ":".join([str(stage.folder), *filter(None, sys.path)])
    ended = stage.run("apply", "--yes", "--format", "json", PYTHONPATH=paths)
    assert len(json.loads(ended.out)["results"]) == 2
    assert len(collector.children()) == 2
