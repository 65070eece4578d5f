"""Native schedules of the sandbox: made, told, replaced and deleted as Omni publishes it."""

import httpx
import pytest

from reconcile.planning.time.eventbridge import canonical
from reconcile.sandbox.instance import (
    CronEcho,
    Published,
    Role,
    SeedConnection,
    SeedModel,
    SeedSchedule,
    Settings,
    Token,
)
from reconcile.sandbox.world import SANDBOX_BEARER
from tests.logged_world import LoggedWorld
from tests.sandbox.conftest import NOBODY, NOON, OPS, SALES, Omni

LAKE = "9d3f2b1c-0d44-4b50-8888-8dd25736052a"
BARE = "8d3f2b1c-0d44-4b50-8888-8dd25736052a"
SEEDS = (
    SeedModel("sales", SALES, "lake"),
    SeedConnection(name="lake", id=LAKE),
    SeedConnection(name="bare", id=BARE, introspected=False),
)
BODY: dict[str, object] = {"schedule": "00 09 * * ? *", "timezone": "America/New_York"}
PATH = f"/api/v1/connections/{LAKE}/schedules"
VERBATIM = Settings(cron_echo=CronEcho.VERBATIM)


@pytest.fixture(autouse=True)
def lake(omni: Omni) -> None:
    omni.stage.world = LoggedWorld(SEEDS, settings=VERBATIM)


def create(omni: Omni, connection: str = LAKE, **fields: object) -> httpx.Response:
    return post(omni, {**BODY, **fields}, connection)


def post(omni: Omni, body: dict[str, object], connection: str = LAKE) -> httpx.Response:
    return omni.http.post(f"/api/v1/connections/{connection}/schedules", json=body)


def test_a_schedule_is_told_in_every_published_field(omni: Omni) -> None:
    made = create(omni)
    assert made.status_code == 201
    assert made.json() == {
        "scheduleId": made.json()["scheduleId"],
        "connectionId": LAKE,
        "schedule": "00 09 * * ? *",
        "timezone": "America/New_York",
        "description": "At 09:00 AM EST",
        "createdAt": "2026-03-04T12:00:00.000Z",
        "updatedAt": "2026-03-04T12:00:00.000Z",
        "disabledAt": None,
        "hardRefresh": False,
    }
    assert omni.http.get(f"{PATH}/{made.json()['scheduleId']}").json() == made.json()
    assert omni.http.get(PATH).json() == {"schedules": [made.json()]}


def test_the_description_changes_with_the_season(omni: Omni) -> None:
    path = f"{PATH}/{create(omni).json()['scheduleId']}"
    omni.wait(120 * 24 * 3600)
    assert omni.http.get(path).json()["description"] == "At 09:00 AM EDT"


def test_equal_schedules_are_two_schedules(omni: Omni) -> None:
    assert create(omni).json()["scheduleId"] != create(omni).json()["scheduleId"]


def test_an_update_that_leaves_hard_out_makes_it_soft(omni: Omni) -> None:
    made = create(omni, hardRefresh=True).json()
    assert made["hardRefresh"] is True
    reply = omni.http.put(f"{PATH}/{made['scheduleId']}", json=BODY)
    assert (reply.status_code, reply.json()["hardRefresh"]) == (200, False)
    assert reply.json()["scheduleId"] == made["scheduleId"]


def test_the_earlier_specification_knows_no_hard_schedules(omni: Omni) -> None:
    settings = Settings(published=Published.SPEC_A)
    omni.stage.world = LoggedWorld(SEEDS, settings=settings)
    made = create(omni, hardRefresh=True)
    assert made.status_code == 201
    assert "hardRefresh" not in made.json()


def test_a_deleted_schedule_is_gone(omni: Omni) -> None:
    path = f"{PATH}/{create(omni).json()['scheduleId']}"
    reply = omni.http.delete(path)
    assert (reply.status_code, reply.json()) == (200, {"success": True})
    assert [omni.http.get(path).status_code, omni.http.delete(path).status_code] == [404, 404]
    assert omni.http.put(path, json=BODY).status_code == 404


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"schedule": "0 9 * * *"}, "schedule"),
        ({"schedule": "0 9 * * * *"}, "schedule"),
        ({"schedule": "cron(0 9 * * ? *)"}, "schedule"),
        ({"schedule": 9}, "schedule"),
        ({"schedule": None}, "schedule"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "EST5EDT; DROP TABLE"}, "timezone"),
        ({"timezone": None}, "timezone"),
        ({"hardRefresh": "yes"}, "hardRefresh"),
    ],
)
def test_a_wrong_field_answers_400_by_name(
    omni: Omni, fields: dict[str, object], named: str
) -> None:
    path = f"{PATH}/{create(omni).json()['scheduleId']}"
    body = {**BODY, **fields}
    for reply in (post(omni, body), omni.http.put(path, json=body)):
        assert reply.status_code == 400
        assert reply.json()["detail"].startswith(f"Bad Request: {named}: ")


def test_a_connection_without_a_schema_model_does_not_exist_for_schedules(omni: Omni) -> None:
    assert omni.http.get(f"/api/v1/connections/{BARE}").status_code == 200
    reply = create(omni, BARE)
    assert reply.status_code == 404
    assert reply.json()["detail"].endswith(f"Connection with id {BARE} does not exist")


def test_schedules_belong_to_their_connection(omni: Omni) -> None:
    made = create(omni).json()["scheduleId"]
    assert omni.http.get(f"/api/v1/connections/{BARE}/schedules/{made}").status_code == 404
    assert omni.http.get(f"/api/v1/connections/{NOBODY}/schedules").status_code == 404
    assert omni.http.get("/api/v1/connections/lake/schedules").status_code == 400


@pytest.mark.parametrize("role", [Role.MODELER, Role.VIEWER])
def test_schedules_are_for_connection_admins(omni: Omni, role: Role) -> None:
    tokens = {SANDBOX_BEARER: Token("someone", role)}
    omni.stage.world = LoggedWorld(SEEDS, tokens=tokens)
    assert create(omni).status_code == 403
    assert omni.http.get(PATH).status_code == 403


def test_whether_a_cron_comes_back_as_it_was_sent_is_the_seeds_choice(omni: Omni) -> None:
    echoes = set()
    for seed in range(10):
        omni.stage.world = LoggedWorld(SEEDS, settings=Settings(seed=seed))
        echoes.add(create(omni).json()["schedule"])
    assert echoes == {"00 09 * * ? *", canonical("00 09 * * ? *")}


def test_seeded_schedules_can_be_hard_and_disabled(omni: Omni) -> None:
    seed = SeedSchedule(connection="lake", cron="0 9 * * ? *", hard=True, disabled_at=NOON)
    omni.stage.world = LoggedWorld((*SEEDS, seed), settings=VERBATIM)
    [schedule] = omni.http.get(PATH).json()["schedules"]
    assert schedule["hardRefresh"] is True
    assert schedule["disabledAt"] == "2026-03-04T12:00:00.000Z"
    assert OPS not in str(schedule)


def test_faults_befall_schedules_by_their_connection(omni: Omni) -> None:
    omni.put(faults=f"schedule_create@{LAKE}:503,schedules#1:429")
    omni.stage.world.instance.connections.clear()
    assert create(omni).status_code == 503
    assert create(omni, BARE).status_code == 404
    assert [omni.http.get(PATH).status_code for _ in range(2)] == [429, 404]
