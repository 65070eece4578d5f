"""Omni's own schedules end to end: made, left alone, edited, drifted, removed, and in doubt."""

import json
from typing import Any

import httpx
import pytest

from reconcile.sandbox.instance import Operation
from tests.canary import CANARY
from tests.patience import wait_until
from tests.stage import Ended, Stage, Staging

WAREHOUSE = "8d1f6f0e-5b52-4c8f-9c3e-1f2a3b4c5d6e"
HEAD = f"""
[connections.warehouse]
id = "{WAREHOUSE}"
"""
NIGHTLY = '[connections.warehouse.schedules.nightly]\ncron = "0 02 * * ? *"\n'
WEEKLY = '[connections.warehouse.schedules.weekly]\nat = "06:00"\ndays = "mon"\n'
ADDRESS = "connections.warehouse.schedules.nightly"


def there(stage: Stage) -> list[tuple[str, bool]]:
    schedules = list(stage.world.instance.schedules.values())
    return sorted((schedule.cron.replace("02", "2"), schedule.hard) for schedule in schedules)


def in_omni(stage: Stage, method: str, path: str = "", **body: Any) -> Any:
    url = f"{stage.base_url}/api/v1/connections/{WAREHOUSE}/schedules{path}"
    headers = {"Authorization": f"Bearer {CANARY}"}
    reply = httpx.request(method, url, json=body or None, headers=headers, trust_env=False)
    return reply.raise_for_status().json()


def applied(stage: Stage, *more: str) -> Ended:
    ended = stage.run("apply", "--yes", *more)
    assert ended.code == 0, ended.out + ended.err
    return ended


def kinds(stage: Stage, *more: str) -> list[str]:
    planned = stage.run("plan", "--format", "json", *more).json()
    return [action["kind"] for action in planned["actions"]]


def made(staged: Staging, text: str = HEAD + NIGHTLY, **more: Any) -> Stage:
    stage = staged(text, **more)
    applied(stage)
    return stage


def test_a_declared_schedule_is_made_once_and_then_left_alone(staged: Staging) -> None:
    stage = made(staged)
    assert there(stage) == [("0 2 * * ? *", False)]
    assert stage.run("plan", "--detailed-exitcode").code == 0
    assert "in place as" in stage.run("plan", "--verbose").out
    assert len(stage.calls(Operation.SCHEDULE_CREATE)) == 1


def test_an_edit_of_the_file_is_an_update_of_the_same_schedule(staged: Staging) -> None:
    stage = made(staged)
    (before,) = stage.world.instance.schedules
    stage.write(HEAD + NIGHTLY.replace("02", "03") + "hard = true\n")
    planned = stage.run("plan")
    assert "cron 0 2 * * ? * -> 0 3 * * ? *, mode soft -> hard" in " ".join(planned.out.split())
    applied(stage)
    assert there(stage) == [("0 3 * * ? *", True)]
    assert list(stage.world.instance.schedules) == [before]


def test_what_somebody_edits_in_omni_is_put_back_by_a_live_apply(staged: Staging) -> None:
    stage = made(staged)
    (schedule_id,) = stage.world.instance.schedules
    in_omni(stage, "PUT", f"/{schedule_id}", schedule="0 9 * * ? *", timezone="UTC")
    assert kinds(stage) == []
    assert kinds(stage, "--live") == ["update_schedule"]
    applied(stage, "--live")
    assert there(stage) == [("0 2 * * ? *", False)]


def test_what_somebody_deletes_in_omni_is_made_again_by_a_live_apply(staged: Staging) -> None:
    stage = made(staged)
    (schedule_id,) = stage.world.instance.schedules
    in_omni(stage, "DELETE", f"/{schedule_id}")
    assert kinds(stage, "--live") == ["create_schedule"]
    applied(stage, "--live")
    assert there(stage) == [("0 2 * * ? *", False)]


def test_a_look_from_before_an_apply_wrote_is_not_taken_again(staged: Staging) -> None:
    stage = staged(HEAD + NIGHTLY + WEEKLY)
    applied(stage, "--live")
    assert kinds(stage, "--live") == []
    stage.write(HEAD + WEEKLY)
    applied(stage, "--live")
    assert there(stage) == [("0 6 ? * MON *", False)]


def test_what_leaves_the_file_is_deleted_in_omni(staged: Staging) -> None:
    stage = made(staged, HEAD + NIGHTLY + WEEKLY)
    stage.write(HEAD + WEEKLY)
    assert kinds(stage) == ["delete_schedule"]
    applied(stage)
    assert there(stage) == [("0 6 ? * MON *", False)]
    assert kinds(stage) == []


def test_the_last_one_is_only_deleted_by_somebody_who_says_so(staged: Staging) -> None:
    stage = made(staged)
    stage.write(HEAD)
    assert stage.run("apply", "--yes").code == 3
    applied(stage, "--allow", "forget_all=1")
    assert there(stage) == []


def test_what_is_gone_already_is_deleted_just_as_well(staged: Staging) -> None:
    stage = made(staged, HEAD + NIGHTLY + WEEKLY)
    for schedule_id in list(stage.world.instance.schedules):
        in_omni(stage, "DELETE", f"/{schedule_id}")
    stage.write(HEAD + WEEKLY)
    applied(stage)
    assert kinds(stage) == []


def test_an_update_of_what_is_gone_fails_and_makes_it_next_time(staged: Staging) -> None:
    stage = made(staged)
    (schedule_id,) = stage.world.instance.schedules
    in_omni(stage, "DELETE", f"/{schedule_id}")
    stage.write(HEAD + NIGHTLY.replace("02", "03"))
    assert stage.run("apply", "--yes").code == 6
    applied(stage)
    assert there(stage) == [("0 3 * * ? *", False)]


def test_an_equal_schedule_of_nobody_is_adopted(staged: Staging) -> None:
    stage = staged(HEAD + NIGHTLY)
    in_omni(stage, "POST", schedule="0 2 * * ? *", timezone="UTC", hardRefresh=False)
    assert kinds(stage, "--live") == ["adopt_schedule"]
    applied(stage)
    assert len(stage.calls(Operation.SCHEDULE_CREATE)) == 1
    assert kinds(stage, "--live") == []


def test_what_was_adopted_is_not_called_created(staged: Staging) -> None:
    stage = staged(HEAD + NIGHTLY)
    in_omni(stage, "POST", schedule="0 2 * * ? *", timezone="UTC", hardRefresh=False)
    assert "adopted if Omni has it" in " ".join(stage.run("plan").out.split())
    done = stage.run("apply", "--yes").out
    assert ("1 schedule adopted" in done, "created" in done) == (True, False)
    assert kinds(stage) == []


def test_foreign_schedules_are_left_alone_unless_the_connection_is_managed_whole(
    staged: Staging,
) -> None:
    stage = made(staged)
    in_omni(stage, "POST", schedule="0 9 * * ? *", timezone="UTC", hardRefresh=True)
    assert kinds(stage, "--live") == []
    stage.write(HEAD + 'manage = "all"\n' + NIGHTLY)
    assert kinds(stage) == []
    assert kinds(stage, "--live") == ["delete_schedule"]
    applied(stage, "--live")
    assert there(stage) == [("0 2 * * ? *", False)]


@pytest.mark.fault("P01")
def test_a_kill_between_the_creation_and_the_journal_makes_no_second_schedule(
    staged: Staging,
) -> None:
    stage = staged(HEAD + NIGHTLY, faults="schedule_create:slow=30s")
    with stage.start("apply", "--yes") as process:
        wait_until(lambda: bool(stage.world.instance.schedules) or process.poll() is not None)
        process.kill()
        process.communicate()
    planned = stage.run("plan", "--format", "json").json()
    assert planned["items"][0]["because"]["kind"] == "schedule_in_doubt"
    applied(stage)
    assert there(stage) == [("0 2 * * ? *", False)]
    assert kinds(stage, "--live") == []


def test_a_creation_in_doubt_is_found_after_the_file_changed(staged: Staging) -> None:
    stage = staged(HEAD + NIGHTLY, faults="schedule_create:drop")
    assert stage.run("apply", "--yes").code == 6
    (schedule_id,) = stage.world.instance.schedules
    stage.write(HEAD + NIGHTLY.replace("02", "03"))
    applied(stage)
    assert list(stage.world.instance.schedules) == [schedule_id]
    assert there(stage) == [("0 3 * * ? *", False)]


def test_a_creation_in_doubt_is_deleted_once_it_leaves_the_file(staged: Staging) -> None:
    stage = staged(HEAD + NIGHTLY + WEEKLY, faults="schedule_create#1:drop")
    assert stage.run("apply", "--yes").code == 6
    stage.write(HEAD + WEEKLY)
    applied(stage)
    assert len(there(stage)) == 1
    assert kinds(stage, "--live") == []


def test_a_saved_plan_makes_the_schedules_it_names(staged: Staging) -> None:
    stage = staged(HEAD + NIGHTLY)
    assert stage.run("plan", "--out", "plan.json").code == 0
    assert ADDRESS in stage.run("show", "plan.json").out
    applied(stage, "plan.json")
    assert there(stage) == [("0 2 * * ? *", False)]
    stage.write(HEAD + NIGHTLY.replace("02", "03"))
    assert stage.run("apply", "--yes", "plan.json").code == 4


def test_an_approved_plan_is_the_same_until_the_file_changes(staged: Staging) -> None:
    stage = staged(HEAD + NIGHTLY)
    digest = stage.run("plan", "--format", "json").json()["digest"]
    stage.write(HEAD + NIGHTLY.replace("02", "03"))
    assert stage.run("apply", "--yes", "--approve", digest).code == 4
    stage.write(HEAD + NIGHTLY)
    applied(stage, "--approve", digest)


def test_another_connection_gets_a_schedule_of_its_own_and_the_old_one_goes(
    staged: Staging,
) -> None:
    lake = "9d3f2b1c-0d44-4b50-8888-8dd25736052a"
    both = HEAD + NIGHTLY + f'[connections.lake]\nid = "{lake}"\n'
    stage = made(staged, both)
    swapped = both.replace(WAREHOUSE, "x").replace(lake, WAREHOUSE).replace('"x"', f'"{lake}"')
    stage.write(swapped)
    assert sorted(kinds(stage)) == ["create_schedule", "delete_schedule"]
    applied(stage)
    (schedule,) = stage.world.instance.schedules.values()
    assert schedule.connection_id == lake
    assert kinds(stage) == []


@pytest.mark.parametrize("mark", ["--due", "--done"])
def test_a_schedule_takes_no_mark_and_it_is_said_why(staged: Staging, mark: str) -> None:
    stage = staged(HEAD + NIGHTLY)
    for _ in ("declared", "recorded"):
        ended = stage.run("state", "mark", ADDRESS, mark)
        assert ended.code == 1
        assert "is one of Omni's own schedules" in " ".join(ended.err.split())
        applied(stage)


def test_records_of_schedules_are_listed_shown_moved_and_removed(staged: Staging) -> None:
    stage = made(staged)
    assert ADDRESS in stage.run("state", "list").out
    assert WAREHOUSE in stage.run("state", "show", ADDRESS).out
    moved = ADDRESS.replace("nightly", "early")
    assert stage.run("state", "mv", ADDRESS, moved).code == 0
    stage.write(HEAD + NIGHTLY.replace("nightly", "early"))
    assert kinds(stage) == []
    assert stage.run("state", "rm", moved).code == 0
    assert kinds(stage) == ["create_schedule"]
    applied(stage)
    assert there(stage) == [("0 2 * * ? *", False)]


def test_selecting_and_forcing_work_as_for_any_item(staged: Staging) -> None:
    stage = made(staged, HEAD + NIGHTLY + WEEKLY)
    stage.write(HEAD + NIGHTLY.replace("02", "03") + WEEKLY.replace("mon", "tue"))
    assert kinds(stage, "--select", "*.weekly") == ["update_schedule"]
    stage.write(HEAD + NIGHTLY + WEEKLY)
    assert kinds(stage, "--force", ADDRESS) == ["update_schedule"]
    assert "in place" in stage.run("why", ADDRESS).out


def test_events_and_history_tell_of_every_write(staged: Staging) -> None:
    stage = staged(HEAD + NIGHTLY)
    applied(stage, "--events", "events.jsonl")
    lines = (stage.folder / "events.jsonl").read_text().splitlines()
    words = [json.loads(line)["event"] for line in lines]
    assert words == ["started", "schedule_intent", "schedule_kept", "finished"]
    assert f"create {ADDRESS}" in stage.run("state", "history").out
    assert "kept" in stage.run("state", "history", ADDRESS).out


def test_a_token_without_the_right_to_schedules_keeps_no_refresh_back(staged: Staging) -> None:
    model = '[models.a]\nid = "00000000-0000-4000-8000-000000000001"\nrefresh.every = "6h"\n'
    stage = staged(HEAD + NIGHTLY + model, faults="schedules:403")
    assert stage.run("apply", "--yes").code == 6
    assert kinds(stage) == ["create_schedule"]


def test_a_rehearsal_of_an_edit_finds_what_is_recorded(staged: Staging) -> None:
    stage = made(staged)
    stage.write(HEAD + NIGHTLY.replace("02", "03"))
    assert stage.run("rehearse").code == 0


def test_a_comparison_of_two_files_tells_which_schedules_change(staged: Staging) -> None:
    stage = staged(HEAD + NIGHTLY)
    stage.write(HEAD + NIGHTLY, "before.toml")
    stage.write(HEAD + NIGHTLY.replace("02", "03") + WEEKLY, "after.toml")
    told = stage.run("plan", "--against", "before.toml", "--file", "after.toml", "--format", "json")
    sections = {one["section"]: one["kind"] for one in told.json()["against"]["sections"]}
    assert sections == {ADDRESS: "changed", "connections.warehouse.schedules.weekly": "added"}
