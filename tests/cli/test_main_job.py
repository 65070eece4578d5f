"""The main job, as a user runs it: a process, real HTTP, a real file system."""

import json

import pytest

from reconcile.sandbox.instance import Operation
from tests.stage import OPS, SALES, Staging, models

DAILY = f"""
[defaults]
timezone = "America/New_York"
[models.sales]
id = "{SALES}"
[models.sales.cache.daily_cache_policy]
at = "06:00"
"""

AFTER = f"""
[models.sales]
id = "{SALES}"
connection = "warehouse"
refresh = {{ every = "6h" }}
[models.sales.cache.daily]
every = "1h"
after = "models.sales.refresh"
"""


def test_a_reset_is_stamped_with_its_slot_and_the_second_plan_is_empty(staged: Staging) -> None:
    stage = staged(DAILY)
    planned = stage.run("plan", "--format", "json", "--detailed-exitcode")
    assert planned.code == 2
    slot = planned.json()["actions"][0]["slot"]
    assert stage.run("apply", "--yes").code == 0
    (call,) = stage.calls()
    assert json.loads(call.call.body or b"") == {"resetAt": slot}
    again = stage.run("plan", "--format", "json", "--detailed-exitcode")
    assert (again.code, again.json()["actions"]) == (0, [])


def test_a_reset_waits_for_its_refresh_to_complete(staged: Staging) -> None:
    stage = staged(AFTER, job_s=1.0)
    assert stage.run("apply", "--yes").code == 0
    operations = [exchange.operation for exchange in stage.world.log]
    assert operations[0] is Operation.REFRESH
    assert operations[-1] is Operation.RESET
    assert Operation.JOB in operations


def test_a_reset_is_not_sent_when_its_refresh_fails_and_both_are_reported(staged: Staging) -> None:
    stage = staged(AFTER, faults="refresh:fail")
    ended = stage.run("apply", "--yes")
    assert ended.code == 6
    assert "models.sales.refresh" in ended.out
    assert "models.sales.cache.daily" in ended.out
    assert stage.calls(Operation.RESET) == []
    planned = stage.run("plan", "--format", "json").json()
    statuses = {item["address"]: item["status"] for item in planned["items"]}
    assert set(statuses.values()) == {"backing_off", "blocked"}


@pytest.mark.parametrize("policy", ["a/b", "two words", "é💥", "50%?#"])
@pytest.mark.fault("C21")
def test_a_policy_name_reaches_omni_byte_for_byte(staged: Staging, policy: str) -> None:
    stage = staged(f'[models.a]\nid = "{SALES}"\n[models.a.cache."{policy}"]\nevery = "1h"\n')
    assert stage.run("apply", "--yes").code == 0
    assert list(stage.world.instance.marks)[0][1] == policy  # noqa: RUF015


def test_one_call_refreshes_every_model_of_a_connection(staged: Staging) -> None:
    text = models(["a", "b", "c"], 'connection = "w"\nrefresh = { every = "6h" }')
    stage = staged(text)
    assert stage.run("apply", "--yes").code == 0
    assert len(stage.calls(Operation.REFRESH)) == 1
    assert stage.run("plan", "--detailed-exitcode").code == 0


def test_the_legacy_api_is_spoken_when_the_file_says_so(staged: Staging) -> None:
    stage = staged('[omni]\napi = "legacy"\n' + AFTER)
    assert stage.run("apply", "--yes").code == 0
    paths = [exchange.call.path for exchange in stage.calls()]
    assert paths == [
        f"/api/v0/model/{SALES}/refresh",
        f"/api/unstable/model/{SALES}/cache_reset/daily",
    ]


def test_a_branch_and_filters_reach_omni(staged: Staging) -> None:
    branch = "4a8e7c1e-6a53-44c2-9d2e-0f5b8f5f7a11"
    stage = staged(
        f'[models.a]\nid = "{SALES}"\n[models.a.refresh]\nevery = "6h"\nmode = "soft"\n'
        f'branch_id = "{branch}"\nschemas = ["x", "y"]\ntables = ["x.t"]\n'
    )
    assert stage.run("apply", "--yes").code == 0
    (call,) = stage.calls(Operation.REFRESH)
    assert dict(call.call.query) == {
        "hard_refresh": "false",
        "branch_id": branch,
        "schemas": "x,y",
        "tables": "x.t",
    }


@pytest.mark.parametrize("word", ["fail", "503", "drop"])
def test_one_bad_item_never_stops_the_others(staged: Staging, word: str) -> None:
    text = models(["a", "b", "c"], 'refresh = { every = "6h" }')
    stage = staged(text, faults=f"refresh@00000000-0000-4000-8000-000000000002:{word}")
    assert stage.run("apply", "--yes").code == 6
    planned = stage.run("plan", "--format", "json").json()
    covered = [item["address"] for item in planned["items"] if item["status"] == "covered"]
    assert covered == ["models.a.refresh", "models.c.refresh"]


@pytest.mark.fault("A01")
def test_a_429_is_waited_out_and_nothing_is_sent_twice(staged: Staging) -> None:
    stage = staged(models(["a", "b"], 'refresh = { every = "6h" }'), faults="refresh#1:429")
    assert stage.run("apply", "--yes").code == 0
    assert len(stage.calls(Operation.REFRESH)) == 2


def test_select_and_force_choose_what_goes(staged: Staging) -> None:
    stage = staged(models(["a", "b"], 'refresh = { every = "6h" }'))
    assert stage.run("apply", "--yes", "--select", "models.a.*").code == 0
    assert stage.run("apply", "--yes", "--select", "models.a.*").code == 0
    assert len(stage.calls()) == 1
    forced = ("--force", "models.a.refresh", "--select", "models.a.*")
    assert stage.run("apply", "--yes", *forced).code == 0
    assert len(stage.calls()) == 2


def test_a_directory_of_files_is_one_desired_state(staged: Staging) -> None:
    stage = staged(f'[models.a]\nid = "{SALES}"\nrefresh = {{ every = "6h" }}\n')
    stage.write(f'[models.b]\nid = "{OPS}"\nrefresh = {{ every = "6h" }}\n', "more.toml")
    planned = stage.run("plan", "-f", ".", "--format", "json").json()
    assert len(planned["items"]) == 2
