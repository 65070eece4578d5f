"""Reading an instance: every published shape, every kind of refusal, pages without end."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from reconcile.model.observed import ObservedConnection, ObservedModel
from reconcile.model.plan import Request
from reconcile.omni.reads import (
    MOST_PAGES,
    Absent,
    Forbidden,
    Found,
    OmniReader,
    Unreadable,
)
from reconcile.omni.replies import Answer, NoReply, Reply
from reconcile.simulation.virtual import run_in_virtual_time
from tests.omni.scripted import NOON, Generous, Scripted, said

MODELS, CONNECTIONS = "/api/v1/models", "/api/v1/connections"
YAML, WHOAMI = "/api/v1/models/m/yaml", "/api/v1/whoami"
Result = TypeVar("Result")
LAST = {"hasNextPage": False, "nextCursor": None, "pageSize": 100, "totalRecords": 1}


def ask(omni: Scripted, action: Callable[[OmniReader], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        return await action(OmniReader(omni, Generous(), lambda: NOON))

    return run_in_virtual_time(run())


def models(answer: object) -> object:
    omni = Scripted({MODELS: answer if isinstance(answer, Reply) else said(answer)})
    return ask(omni, lambda reader: reader.fetch_models())


def page(number: int, cursor: str | None, *, more: bool) -> Answer:
    info = {"hasNextPage": more, "nextCursor": cursor}
    return said({"pageInfo": info, "records": [{"id": f"m{number}"}]})


def test_a_model_is_read_as_the_spec_publishes_it() -> None:
    record = {
        "id": "m",
        "name": None,
        "modelKind": "SHARED",
        "connectionId": "c",
        "baseModelId": None,
        "createdAt": "2026-01-01T00:00:00.000Z",
        "updatedAt": "2026-01-01T00:00:00.000Z",
        "deletedAt": "2026-02-01T00:00:00.000Z",
        "branches": [{"id": "b", "name": "dev", "modelKind": "BRANCH"}],
        "somethingNew": [1],
    }
    expected = ObservedModel(
        model_id="m",
        kind="SHARED",
        connection_id="c",
        deleted_at=datetime(2026, 2, 1, tzinfo=UTC),
        branches={"b": "dev"},
    )
    assert models({"pageInfo": LAST, "records": [record]}) == Found((expected,))
    assert models({"models": [record]}) == Found((expected,))
    assert models([record]) == Found((expected,))


def test_all_pages_are_read_in_an_order_that_refreshes_do_not_change() -> None:
    pages = [page(1, "two", more=True), page(2, "three", more=True), page(3, None, more=False)]
    omni = Scripted({MODELS: pages})
    found = ask(omni, lambda reader: reader.fetch_models())
    assert isinstance(found, Found)
    assert [model.model_id for model in found.value] == ["m1", "m2", "m3"]
    assert [dict(request.query).get("cursor") for request in omni.asked] == [None, "two", "three"]
    assert {dict(request.query)["sortField"] for request in omni.asked} == {"createdAt"}


@pytest.mark.parametrize("cursor", ["", None, "again"])
@pytest.mark.fault("A24")
def test_a_list_that_leads_in_a_circle_is_no_list(cursor: str | None) -> None:
    omni = Scripted({MODELS: page(1, cursor, more=True)})
    assert isinstance(ask(omni, lambda reader: reader.fetch_models()), Unreadable)
    assert len(omni.asked) <= 2


@pytest.mark.fault("A24")
def test_a_list_without_end_is_given_up() -> None:
    def endless(request: Request) -> Answer:
        return page(1, f"{dict(request.query).get('cursor', '')}x", more=True)

    omni = Scripted({MODELS: endless})
    assert isinstance(ask(omni, lambda reader: reader.fetch_models()), Unreadable)
    assert len(omni.asked) == MOST_PAGES


@pytest.mark.parametrize(
    "body",
    [
        {"records": [{"name": "no id"}]},
        {"records": [{"id": 7}]},
        {"records": [{"id": "m", "deletedAt": "soon"}]},
        {"records": [{"id": "m", "branches": {"b": "dev"}}]},
        {"records": None},
        {"detail": "what?"},
        "models",
    ],
)
def test_a_list_with_one_unusable_record_is_no_list(body: object) -> None:
    assert isinstance(models(body), Unreadable)


def test_connections_are_read_from_either_envelope() -> None:
    record = {"id": "c", "name": "lake", "dialect": "bigquery", "database": None}
    expected = ObservedConnection(connection_id="c", name="lake", dialect="bigquery")
    for body in ({"connections": [record]}, {"records": [record]}, [record]):
        omni = Scripted({CONNECTIONS: said(body)})
        assert ask(omni, lambda reader: reader.fetch_connections()) == Found((expected,))


@pytest.mark.parametrize(
    ("answer", "kind", "attempts"),
    [
        (said({"detail": "Invalid bearer token"}, 403), Forbidden, 1),
        (said({}, 401), Forbidden, 1),
        (said({}, 404), Absent, 1),
        (said({}, 400), Unreadable, 1),
        (NoReply(sent=False, message="no such host"), Unreadable, 1),
        (said({}, 500), Unreadable, 4),
        (said({}, 408), Unreadable, 4),
        (said({}, 501), Unreadable, 1),
        (said({}, 303), Unreadable, 1),
        (said({}, 410), Unreadable, 1),
        (said({}, 429), Unreadable, 4),
        (NoReply(sent=True, message="cut"), Unreadable, 4),
        (Reply(200, {}, b"{", flaw="cut short", cut=True), Unreadable, 4),
        (Reply(200, {}, b"", flaw="larger than 1 MiB"), Unreadable, 1),
    ],
)
def test_a_read_is_repeated_where_another_attempt_may_end_otherwise(
    answer: Answer, kind: type[object], attempts: int
) -> None:
    omni = Scripted({CONNECTIONS: answer})
    assert isinstance(ask(omni, lambda reader: reader.fetch_connections()), kind)
    assert len(omni.asked) == attempts


def test_trouble_that_passes_leaves_no_trace() -> None:
    omni = Scripted({CONNECTIONS: [said({}, 503), said({}, 429), said([])]})
    assert ask(omni, lambda reader: reader.fetch_connections()) == Found(())


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({"model": "cache_policies:\n  daily: {max_cache_age: 6 hours}\n  hourly: {}\n"}, 2),
        ({"model.yaml": "cache_policies: {daily: {}}"}, 1),
        ({"whatever": "cache_policies: {daily: {}}"}, 1),
        ({"a": "cache_policies: {x: {}}", "b": ""}, 0),
        ({"model": "label: Sales\ncache_policies:\n"}, 0),
        ({"model": ""}, 0),
        ({}, 0),
    ],
)
def test_policy_names_come_from_the_model_file(files: dict[str, str], names: int) -> None:
    omni = Scripted({YAML: said({"files": files, "version": 3})})
    found = ask(omni, lambda reader: reader.fetch_policies("m"))
    assert found == Found(("daily", "hourly")[:names])


@pytest.mark.parametrize(
    "text",
    [
        "- a list",
        "cache_policies: [daily]",
        "cache_policies: {<<: *base, daily: {}}",
        "cache_policies: {? [a] : b}",
        "cache_policies: {a: {}",
        "\t- a",
        "a: &a [*a, *b]\n" + "[" * 200_000,
        "x: \x00",
    ],
)
def test_yaml_that_does_not_tell_every_policy_tells_none(text: str) -> None:
    omni = Scripted({YAML: said({"files": {"model": text}})})
    assert isinstance(ask(omni, lambda reader: reader.fetch_policies("m")), Unreadable)


def test_yaml_is_never_expanded() -> None:
    levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40))
    bomb = f"a0: &a0 lol\n{levels}\ncache_policies: {{daily: *a39}}"
    omni = Scripted({YAML: said({"files": {"model": bomb}})})
    assert ask(omni, lambda reader: reader.fetch_policies("m")) == Found(("daily",))


def test_a_token_says_who_it_is_and_what_it_may_do() -> None:
    body = {
        "keyScope": "user",
        "orgRole": "MEMBER",
        "rolesByModel": {
            "m": {"role": 7, "permissions": ["UPDATE"]},
            "n": {"role": "VIEWER", "permissions": {"UPDATE": False, "USE_WORKBOOKS": True}},
            "o": "QUERIER",
        },
    }
    omni = Scripted({WHOAMI: said(body)})
    found = ask(omni, lambda reader: reader.fetch_whoami(["m", "n", "o"]))
    assert isinstance(found, Found)
    assert found.value == {
        "m": frozenset({"UPDATE"}),
        "n": frozenset({"USE_WORKBOOKS"}),
        "o": frozenset(),
    }
    assert omni.asked[0].query == (("modelId", "m,n,o"),)


def test_an_older_server_knows_no_whoami() -> None:
    assert isinstance(ask(Scripted({}), lambda reader: reader.fetch_whoami()), Absent)


def test_the_clock_is_compared_by_the_reply_that_came_fastest() -> None:
    late, soon = NOON - timedelta(seconds=95), NOON - timedelta(seconds=90)

    async def run() -> float | None:
        answers = [said([], date=late), said([], date=soon)]
        reader = OmniReader(Scripted({CONNECTIONS: list(answers)}), Generous(), lambda: NOON)
        await reader.fetch_connections()
        await reader.fetch_connections()
        return reader.clock_ahead_s

    assert run_in_virtual_time(run()) == 90.0
