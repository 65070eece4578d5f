"""The lists: models page by page, connections whole."""

import pytest

from reconcile.sandbox.instance import SeedModel, connection_id
from tests.logged_world import LoggedWorld
from tests.sandbox.conftest import BRANCH, BRANCHED, OPS, SALES, SEEDS, Omni

MANY = [
    SeedModel(f"m{number:03}", f"00000000-0000-4000-8000-{number:012}", "w")
    for number in range(250)
]


def _ids(omni: Omni, **query: str) -> list[str]:
    records = omni.http.get("/api/v1/models", params=query).json()["records"]
    return [record["id"] for record in records]


def test_pages_give_every_model_once(omni: Omni) -> None:
    omni.stage.world = LoggedWorld(MANY)
    found: list[str] = []
    query = {"pageSize": "100", "modelKind": "SHARED", "sortField": "name", "sortDirection": "asc"}
    for _ in range(3):
        body = omni.http.get("/api/v1/models", params=query).json()
        found += [record["name"] for record in body["records"]]
        query["cursor"] = body["pageInfo"]["nextCursor"]
    assert found == [model.name for model in MANY]
    assert body["pageInfo"] == {
        "hasNextPage": False,
        "nextCursor": None,
        "pageSize": 100,
        "totalRecords": 250,
    }


def test_a_page_has_twenty_models_unless_told_otherwise(omni: Omni) -> None:
    omni.stage.world = LoggedWorld(MANY)
    assert len(_ids(omni)) == 20


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"modelId": SALES}, [SALES]),
        ({"modelId": SALES.upper()}, [SALES]),
        ({"name": "ops"}, [OPS]),
        ({"modelKind": "BRANCH"}, [BRANCH]),
        ({"baseModelId": BRANCHED}, [BRANCH]),
        ({"connectionId": connection_id(SEEDS[0]), "modelKind": "SHARED"}, [OPS, SALES]),
        ({"name": "nobody"}, []),
    ],
)
def test_models_are_filtered(omni: Omni, query: dict[str, str], expected: list[str]) -> None:
    assert sorted(_ids(omni, **query)) == sorted(expected)


def test_branches_are_told_when_asked_for(omni: Omni) -> None:
    query = {"modelId": BRANCHED, "include": "activeBranches"}
    [record] = omni.http.get("/api/v1/models", params=query).json()["records"]
    assert [branch["id"] for branch in record["branches"]] == [BRANCH]


@pytest.mark.parametrize(
    "query",
    [
        {"pageSize": "0"},
        {"pageSize": "101"},
        {"pageSize": "many"},
        {"cursor": "?"},
        {"cursor": "bm9uc2Vuc2U="},
        {"modelId": "x"},
        {"modelId": ""},
        {"modelKind": "shared"},
        {"sortField": "colour"},
        {"sortDirection": "up"},
        {"includeDeleted": "maybe"},
        {"include": "everything"},
    ],
)
def test_a_wrong_filter_answers_400_by_name(omni: Omni, query: dict[str, str]) -> None:
    reply = omni.http.get("/api/v1/models", params=query)
    assert reply.status_code == 400
    assert reply.json()["detail"].startswith(f"Bad Request: {next(iter(query))}: ")


def test_connections_are_listed_by_the_names_they_were_seeded_with(omni: Omni) -> None:
    connections = omni.http.get("/api/v1/connections").json()["connections"]
    assert [connection["name"] for connection in connections] == ["warehouse", "lake"]
    some = omni.http.get("/api/v1/connections", params={"name": "WARE"}).json()["connections"]
    assert [connection["name"] for connection in some] == ["warehouse"]
