"""The server against its own OpenAPI document: schemathesis asks, the document judges."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from reconcile.sandbox import rules
from reconcile.sandbox.command import running
from reconcile.sandbox.instance import ModelKind, Published, Settings, connection_id
from reconcile.sandbox.request import (
    ROUTES,
    UNSTABLE_RESET,
    V0_REFRESH,
    V1_CONNECTION,
    V1_CONNECTIONS,
    V1_JOB,
    V1_MODELS,
    V1_REFRESH,
    V1_RESET,
    V1_SCHEDULE,
    V1_SCHEDULES,
    V1_SCHEMAS,
    V1_WHOAMI,
    V1_YAML,
    routes_of,
)
from reconcile.sandbox.rules import CONNECTION_SORT_FIELDS
from reconcile.sandbox.world import SANDBOX_BEARER, openapi_document
from tests.logged_world import LoggedWorld
from tests.sandbox.conftest import NOON, SALES, SEEDS, Omni

BOTH = (Settings(published=Published.SPEC_A), Settings(published=Published.SPEC_B))
DOCUMENT = json.loads(json.dumps(openapi_document(Settings())))
WAREHOUSE = connection_id(SEEDS[0])
HEADERS = {"Authorization": f"Bearer {SANDBOX_BEARER}"}
OPERATIONS = [(path, method) for path, item in DOCUMENT["paths"].items() for method in item]


@cache
def operation(path: str, method: str) -> Any:
    # Every worker collects this file, one runs it, and the import takes a second.
    import schemathesis  # noqa: PLC0415

    api = schemathesis.openapi.from_dict(DOCUMENT, config=schemathesis.Config(seed=1))
    return api[path][method]


def ask(path: str, method: str, parameters: dict[str, str], body: Any, base_url: str) -> Any:
    """Make one good request; the document judges the reply."""
    given = {} if body is None else {"body": body}
    case = operation(path, method).Case(path_parameters=parameters, **given)
    return case.call_and_validate(base_url=base_url, headers=HEADERS)


@pytest.fixture(scope="module")
def unlimited() -> Iterator[str]:
    world = LoggedWorld(SEEDS, settings=Settings(requests_per_minute=None))
    with running(world, clock=lambda: NOON) as base_url:
        yield base_url


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_reply_is_one_the_document_describes(path: str, method: str, unlimited: str) -> None:
    from schemathesis.specs.openapi import checks  # noqa: PLC0415 -- as above

    # A well-formed cursor, branch or time can still be a wrong one; and what makes a request
    # wrong may be the header that is put right here, or a query key that Omni does not know.
    excluded = [checks.positive_data_acceptance, checks.negative_data_rejection]

    @settings(
        max_examples=10,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation(path, method).as_strategy())
    def check(case: Any) -> None:
        case.call_and_validate(
            base_url=unlimited, headers=HEADERS, excluded_checks=excluded, timeout=10
        )

    check()


@pytest.mark.parametrize(
    ("path", "parameters", "body"),
    [
        (V1_REFRESH, {"modelId": SALES}, None),
        (V0_REFRESH, {"modelId": SALES}, None),
        (V1_RESET, {"modelId": SALES, "policyName": "a%2Fb"}, {"resetAt": "2026-03-04T06:00:00Z"}),
        (UNSTABLE_RESET, {"modelId": SALES, "policyName": "daily"}, None),
        (V1_JOB, {"jobId": "started"}, None),
        (V1_MODELS, {}, None),
        (V1_CONNECTIONS, {}, None),
        (V1_YAML, {"modelId": SALES}, None),
        (V1_SCHEMAS, {"modelId": SALES}, None),
        (V1_WHOAMI, {}, None),
        (V1_CONNECTION, {"connectionId": WAREHOUSE}, None),
    ],
)
def test_a_good_request_is_done_and_answered_as_described(
    omni: Omni, path: str, parameters: dict[str, str], body: Any
) -> None:
    if "jobId" in parameters:
        parameters = {"jobId": omni.refresh().json()["jobId"]}
    [method] = DOCUMENT["paths"][path]
    reply = ask(path, method, parameters, body, str(omni.http.base_url))
    assert reply.status_code == 200


def test_the_document_served_is_the_one_tested_and_needs_no_token(omni: Omni) -> None:
    reply = omni.http.get("/openapi.json", headers={"authorization": ""})
    assert reply.json() == DOCUMENT
    assert not omni.stage.world.log


def test_a_schedule_lives_as_described(omni: Omni) -> None:
    body: dict[str, Any] = {"schedule": "0 9 * * ? *", "timezone": "UTC", "hardRefresh": True}
    parameters = {"connectionId": WAREHOUSE}
    replies = []
    for path, method in (
        (V1_SCHEDULES, "post"),
        (V1_SCHEDULES, "get"),
        (V1_SCHEDULE, "get"),
        (V1_SCHEDULE, "put"),
        (V1_SCHEDULE, "delete"),
    ):
        written = body if method in {"post", "put"} else None
        reply = ask(path, method, parameters, written, str(omni.http.base_url))
        replies.append(reply.status_code)
        if method == "post":
            parameters = {**parameters, "scheduleId": reply.json()["scheduleId"]}
    assert replies == [201, 200, 200, 200, 200]


@pytest.mark.parametrize("settings", BOTH)
def test_the_document_describes_exactly_what_is_served(omni: Omni, settings: Settings) -> None:
    omni.put(settings=settings)
    document = omni.http.get("/openapi.json").json()
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    assert described == {(route.method, route.template) for route in routes_of(settings)}
    for method, path in {(route.method, route.template) for route in ROUTES} - described:
        reply = omni.http.request(method, re.sub(r"{[^}]*}", SALES, path))
        assert reply.status_code == 404


@pytest.mark.parametrize("settings", BOTH)
def test_both_specifications_are_answered_in_their_own_shapes(
    omni: Omni, settings: Settings
) -> None:
    omni.put(settings=settings)
    schemas = omni.http.get("/openapi.json").json()["components"]["schemas"]
    path = f"/api/v1/connections/{WAREHOUSE}/schedules"
    made = omni.http.post(path, json={"schedule": "0 9 * * ? *", "timezone": "UTC"}).json()
    assert set(schemas["Schedule"]["required"]) == set(made)
    [connection, _] = omni.http.get("/api/v1/connections").json()["connections"]
    assert set(schemas["Connection"]["required"]) == set(connection)


def test_what_the_document_offers_to_choose_is_what_is_taken() -> None:
    described = {
        (path, it["name"]): it["schema"]
        for path in (V1_MODELS, V1_CONNECTIONS, V1_YAML)
        for it in DOCUMENT["paths"][path]["get"]["parameters"]
    }
    assert described[V1_MODELS, "sortField"]["enum"] == list(rules.MODEL_SORT_FIELDS)
    assert described[V1_CONNECTIONS, "sortField"]["enum"] == list(CONNECTION_SORT_FIELDS)
    assert described[V1_YAML, "mode"]["enum"] == list(rules.MODES)
    for path in (V1_MODELS, V1_CONNECTIONS):
        assert described[path, "sortDirection"]["enum"] == list(rules.SORT_DIRECTIONS)
        assert described[path, "includeDeleted"]["enum"] == list(rules.TRUTH_WORDS)
    size = described[V1_MODELS, "pageSize"]
    assert (size["maximum"], size["default"]) == (rules.MOST_PAGE_SIZE, rules.PAGE_SIZE)
    assert DOCUMENT["components"]["schemas"]["ModelKind"]["enum"] == list(ModelKind)
