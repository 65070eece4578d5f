"""What a client can look at: connections, a model's YAML, who it is, what is deleted."""

import hashlib

import pytest
import yaml

from reconcile.sandbox.instance import (
    ModelKind,
    Published,
    Role,
    SeedBranch,
    SeedConnection,
    SeedModel,
    Settings,
    Token,
    Vocabulary,
)
from reconcile.sandbox.world import SANDBOX_BEARER
from tests.logged_world import LoggedWorld
from tests.sandbox.conftest import BRANCH, BRANCHED, NOBODY, NOON, OPS, SALES, Omni

LAKE = "9d3f2b1c-0d44-4b50-8888-8dd25736052a"
GONE = "8d3f2b1c-0d44-4b50-8888-8dd25736052a"
NASTY = '50% "off": *a\n\u2028\'{'
SEEDS = (
    SeedConnection(name="lake", id=LAKE, dialect="bigquery", database="raw"),
    SeedConnection(name="gone", id=GONE, deleted_at=NOON),
    SeedModel("sales", SALES, "lake", ("daily", NASTY), branches=(SeedBranch(BRANCH, "dev"),)),
    SeedModel("old", OPS, LAKE, deleted_at=NOON),
    SeedModel("wide", BRANCHED, LAKE, kind=ModelKind.SHARED_EXTENSION),
)
SPEC_A = Settings(published=Published.SPEC_A)


@pytest.fixture(autouse=True)
def lake(omni: Omni) -> None:
    omni.stage.world = LoggedWorld(SEEDS)


def names(omni: Omni, **query: str) -> list[str]:
    connections = omni.http.get("/api/v1/connections", params=query).json()["connections"]
    return [connection["name"] for connection in connections]


def test_deleted_models_are_told_only_when_asked_for(omni: Omni) -> None:
    query = {"connectionId": LAKE, "modelKind": "SHARED"}
    listed = omni.http.get("/api/v1/models", params=query).json()["records"]
    assert [model["name"] for model in listed] == ["sales"]
    query["includeDeleted"] = "1"
    listed = omni.http.get("/api/v1/models", params=query).json()["records"]
    deleted = {model["name"]: model["deletedAt"] for model in listed}
    assert deleted == {"sales": None, "old": "2026-03-04T12:00:00.000Z"}


def test_a_branch_can_be_there_without_branch_refresh(omni: Omni) -> None:
    query = {"modelId": SALES, "include": "activeBranches"}
    [model] = omni.http.get("/api/v1/models", params=query).json()["records"]
    assert model["branches"] == [{"id": BRANCH, "name": "dev"}]
    assert omni.refresh().status_code == 200


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["lake"]),
        ({"includeDeleted": "true"}, ["lake", "gone"]),
        ({"includeDeleted": "true", "sortField": "name"}, ["gone", "lake"]),
        ({"includeDeleted": "1", "sortField": "name", "sortDirection": "desc"}, ["lake", "gone"]),
        ({"dialect": "bigquery,snowflake"}, ["lake"]),
        ({"dialect": "snowflake"}, []),
        ({"database": "RA"}, ["lake"]),
    ],
)
def test_connections_are_filtered_and_sorted(
    omni: Omni, query: dict[str, str], expected: list[str]
) -> None:
    assert names(omni, **query) == expected


def test_a_connection_by_its_id_came_with_the_later_specification(omni: Omni) -> None:
    connection = omni.http.get(f"/api/v1/connections/{LAKE.upper()}").json()["connection"]
    assert (connection["name"], connection["dialect"]) == ("lake", "bigquery")
    assert connection["createdAt"] == "2025-01-01T00:00:00.000Z"
    assert omni.http.get(f"/api/v1/connections/{GONE}").status_code == 404
    omni.stage.world = LoggedWorld(SEEDS, settings=SPEC_A)
    assert omni.http.get(f"/api/v1/connections/{LAKE}").status_code == 404
    [connection] = omni.http.get("/api/v1/connections").json()["connections"]
    assert "createdAt" not in connection


def test_the_model_file_names_the_policies_whatever_they_are_called(omni: Omni) -> None:
    reply = omni.http.get(f"/api/v1/models/{SALES}/yaml", params={"fileName": "model"})
    document = yaml.safe_load(reply.json()["files"]["model"])
    assert set(document["cache_policies"]) == {"daily", NASTY}
    assert document["cache_policies"]["daily"] == {"max_cache_age": "6 hours"}
    assert "checksums" not in reply.json()


def test_checksums_are_told_when_asked_for(omni: Omni) -> None:
    path = f"/api/v1/models/{SALES}/yaml"
    body = omni.http.get(path, params={"includeChecksums": "true", "branchId": BRANCH}).json()
    text = body["files"]["model"]
    assert body["checksums"] == {"model": hashlib.sha256(text.encode()).hexdigest()}


@pytest.mark.parametrize(
    ("vocabulary", "body"),
    [(Vocabulary.SPEC, {"schemas": ["raw", "tidy"]}), (Vocabulary.DOCS, ["raw", "tidy"])],
)
def test_the_schemas_are_those_of_the_connection_in_either_shape(
    omni: Omni, vocabulary: Vocabulary, body: object
) -> None:
    seeds = (*SEEDS, SeedModel("ops", BRANCH, LAKE, schemas=("tidy", "raw")))
    omni.stage.world = LoggedWorld(seeds, settings=Settings(vocabulary=vocabulary))
    assert omni.http.get(f"/api/v1/models/{SALES}/schemas").json() == body


@pytest.mark.parametrize(
    ("model", "query", "status"),
    [(NOBODY, {}, 404), (SALES, {"branch_id": NOBODY}, 404), (SALES, {"branch_id": BRANCH}, 200)],
)
def test_schemas_of_a_branch_are_asked_for_by_its_own_model(
    omni: Omni, model: str, query: dict[str, str], status: int
) -> None:
    assert omni.http.get(f"/api/v1/models/{model}/schemas", params=query).status_code == status


@pytest.mark.parametrize(
    ("model", "query", "status"),
    [
        (NOBODY, {}, 404),
        (OPS, {}, 404),
        (SALES, {"branchId": NOBODY}, 404),
        (SALES, {"branchId": SALES}, 404),
        (SALES, {"mode": "everything"}, 400),
        (SALES, {"includeChecksums": "yes"}, 400),
        ("sales", {}, 400),
    ],
)
def test_a_wrong_question_about_yaml_is_refused(
    omni: Omni, model: str, query: dict[str, str], status: int
) -> None:
    assert omni.http.get(f"/api/v1/models/{model}/yaml", params=query).status_code == status


def test_a_file_that_is_not_there_is_left_out(omni: Omni) -> None:
    query = {"fileName": "orders.view"}
    assert omni.http.get(f"/api/v1/models/{SALES}/yaml", params=query).json()["files"] == {}


@pytest.mark.parametrize("role", list(Role))
def test_a_token_is_told_its_role_on_the_models_it_asks_about(omni: Omni, role: Role) -> None:
    tokens = {SANDBOX_BEARER: Token("someone", role)}
    omni.stage.world = LoggedWorld(SEEDS, tokens=tokens)
    body = omni.http.get("/api/v1/whoami", params={"modelId": f"{SALES},{OPS},{NOBODY}"}).json()
    assert list(body["rolesByModel"]) == [SALES]
    may_update = "UPDATE" in body["rolesByModel"][SALES]["permissions"]
    assert may_update == (role is not Role.VIEWER)


def test_the_earlier_specification_knows_no_whoami(omni: Omni) -> None:
    omni.stage.world = LoggedWorld(SEEDS, settings=SPEC_A)
    assert omni.http.get("/api/v1/whoami").status_code == 404
