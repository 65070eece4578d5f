"""Schema refreshes and their jobs, over HTTP."""

from datetime import timedelta

import pytest

from reconcile.sandbox.instance import JobDurations, Settings, Vocabulary, connection_id
from tests.sandbox.conftest import (
    BRANCH,
    BRANCHED,
    NOBODY,
    OPS,
    SALES,
    SEEDS,
    Omni,
    lasting,
)


def test_a_refresh_starts_a_job_and_names_it(omni: Omni) -> None:
    body = omni.refresh().json()
    assert body["modelId"] == SALES
    assert body["status"] == "running"
    assert body["jobId"] in omni.stage.world.instance.jobs


def test_a_job_runs_until_its_time_is_over(omni: Omni) -> None:
    omni.put(settings=lasting(30))
    job_id = omni.refresh().json()["jobId"]
    assert omni.status(job_id) == "IN_PROGRESS"
    omni.wait(29.9)
    assert omni.status(job_id) == "IN_PROGRESS"
    omni.wait(0.1)
    assert omni.status(job_id) == "COMPLETED"


@pytest.mark.fault("A12")
def test_the_words_of_the_docs_can_be_chosen(omni: Omni) -> None:
    omni.put(settings=Settings(vocabulary=Vocabulary.DOCS))
    job_id = omni.refresh().json()["jobId"]
    reply = omni.http.get(f"/api/v1/jobs/{job_id}/status").json()
    assert reply == {"job_id": job_id, "job_type": "refresh_schema", "status": "RUNNING"}


@pytest.mark.parametrize(
    ("vocabulary", "kind", "word"),
    [
        (Vocabulary.DOCS, "refresh_schema", "RUNNING"),
        (Vocabulary.SPEC, "REFRESH_SCHEMA", "IN_PROGRESS"),
    ],
)
def test_the_document_lists_the_words_that_are_spoken_and_no_others(
    omni: Omni, vocabulary: Vocabulary, kind: str, word: str
) -> None:
    omni.put(settings=Settings(vocabulary=vocabulary))
    schemas = omni.http.get("/openapi.json").json()["components"]["schemas"]
    described = schemas["JobStatus"]["properties"]
    assert described["job_type"]["enum"] == [kind]
    assert described["status"]["enum"] == [word, "COMPLETED", "FAILED"]


def test_a_job_that_takes_no_time_is_over_in_the_first_reply(omni: Omni) -> None:
    omni.put(settings=lasting(0))
    assert omni.refresh().json()["status"] == "completed"


def test_a_model_can_have_a_duration_of_its_own(omni: Omni) -> None:
    slow = JobDurations(timedelta(0), timedelta(0), {OPS: timedelta(hours=1)})
    omni.put(settings=Settings(job_durations=slow))
    assert [omni.refresh(model).json()["status"] for model in (SALES, OPS)] == [
        "completed",
        "running",
    ]


def test_an_unknown_job_answers_404(omni: Omni) -> None:
    assert omni.http.get(f"/api/v1/jobs/{NOBODY}/status").status_code == 404


def test_a_refresh_is_hard_unless_told_otherwise(omni: Omni) -> None:
    omni.refresh()
    omni.refresh(hard_refresh="false", schemas="a, b", tables="a.t")
    hard, soft = omni.stage.world.instance.jobs.values()
    assert (hard.hard, soft.hard) == (True, False)
    assert (soft.schemas, soft.tables) == (("a", "b"), ("a.t",))


@pytest.mark.parametrize("query", [{"schemas": "a"}, {"tables": "a.t", "hard_refresh": "true"}])
def test_filters_need_a_soft_refresh(omni: Omni, query: dict[str, str]) -> None:
    reply = omni.refresh(**query)
    assert reply.status_code == 400
    assert "selective schemas/tables filters require hard_refresh=false" in reply.json()["detail"]


@pytest.mark.parametrize("word", ["True", "0", "no"])
def test_hard_refresh_is_true_or_false_in_lower_case(omni: Omni, word: str) -> None:
    assert omni.refresh(hard_refresh=word).status_code == 400


def test_a_repeated_parameter_is_refused(omni: Omni) -> None:
    path = f"/api/v1/models/{SALES}/refresh?hard_refresh=true&hard_refresh=false"
    assert omni.http.post(path).status_code == 400


@pytest.mark.parametrize(
    ("model", "query", "status", "words"),
    [
        ("not-a-uuid", {}, 400, "Bad Request: modelId: Invalid uuid"),
        (NOBODY, {}, 404, f"Model with id {NOBODY} does not exist"),
        (SALES, {"branch_id": "x"}, 400, "branch_id: Invalid uuid"),
        (SALES, {"branch_id": BRANCH}, 400, "branch_id must not be provided when branch schema"),
        (BRANCHED, {}, 400, "branch_id is required when branch schema refresh is enabled"),
        (BRANCHED, {"branch_id": NOBODY}, 404, f"Branch with id {NOBODY} does not exist"),
        (BRANCHED, {"branch_id": SALES}, 404, "does not exist"),
    ],
)
@pytest.mark.fault("A07", "A08")
def test_ids_and_branches_are_checked(
    omni: Omni, model: str, query: dict[str, str], status: int, words: str
) -> None:
    reply = omni.refresh(model, **query)
    assert reply.json()["status"] == reply.status_code == status
    assert words in reply.json()["detail"]
    assert not omni.stage.world.instance.jobs


def test_a_branch_refresh_is_taken_where_branches_are_on(omni: Omni) -> None:
    assert omni.refresh(BRANCHED, branch_id=BRANCH).status_code == 200


def test_the_schema_model_of_a_connection_can_be_refreshed_too(omni: Omni) -> None:
    assert omni.refresh(connection_id(SEEDS[0])).status_code == 200
    assert omni.refresh(connection_id(SEEDS[2]), branch_id=BRANCH).status_code == 200


def test_ids_are_the_same_in_any_case(omni: Omni) -> None:
    assert omni.refresh(SALES.upper()).json()["modelId"] == SALES


def test_the_legacy_refresh_tells_no_job(omni: Omni) -> None:
    reply = omni.http.post(f"/api/v0/model/{SALES}/refresh")
    assert reply.json() == {"modelId": SALES, "status": "running"}


def test_a_legacy_refusal_has_the_shape_of_scim(omni: Omni) -> None:
    reply = omni.http.post("/api/v0/model/nonsense/refresh")
    assert reply.status_code == 400
    assert reply.json() == {
        "detail": "Bad Request: modelId: Invalid uuid",
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": 400,
    }
