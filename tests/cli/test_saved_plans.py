"""Saved plans and approvals, as a process."""

import json
import re
from hashlib import sha256
from typing import Any

import pytest

from tests.stage import Stage, Staging, models

TWO = models(["a", "b"], 'refresh = { every = "6h" }')
AT = 'cache.daily = { at = "06:00" }\nrefresh = { every = "6h" }'
RESET = 'cache.daily = { at = "00:00" }'


def saved(stage: Stage) -> None:
    assert stage.run("plan", "--out", "plan.json").code == 0


def test_a_saved_plan_is_applied_without_asking(staged: Staging) -> None:
    stage = staged(TWO)
    saved(stage)
    assert stage.run("apply", "plan.json").code == 0
    assert len(stage.calls()) == 2


@pytest.mark.fault("C25", "S06")
def test_a_saved_plan_is_refused_once_the_files_changed(staged: Staging) -> None:
    stage = staged(TWO)
    saved(stage)
    stage.write(TWO.replace("6h", "7h"))
    ended = stage.run("apply", "plan.json")
    assert (ended.code, stage.calls()) == (4, [])
    assert "models.a.refresh" in ended.err


@pytest.mark.fault("X03", "X04", "S07")
def test_a_saved_plan_is_refused_when_the_state_is_another(staged: Staging) -> None:
    stage = staged(TWO)
    saved(stage)
    assert stage.run("apply", "--yes", "--select", "models.a.*").code == 0
    ended = stage.run("apply", "plan.json")
    assert (ended.code, "lineage" in ended.err, len(stage.calls())) == (4, True, 1)


def test_work_settled_since_is_dropped_and_said_so(staged: Staging) -> None:
    stage = staged(TWO)
    assert stage.run("apply", "--yes").code == 0
    forced = ("--force", "models.a.refresh", "--force", "models.b.refresh")
    assert stage.run("state", "rm", "models.a.refresh", "models.b.refresh").code == 0
    saved(stage)
    assert stage.run("apply", "--yes", "--select", "models.a.*").code == 0
    ended = stage.run("apply", "plan.json")
    assert (ended.code, len(stage.calls())) == (0, 4), (ended.err, forced)
    assert "Settled since, dropped: models.a.refresh" in ended.err


@pytest.mark.fault("Z16")
def test_an_edited_plan_can_remove_work_but_not_add_any(staged: Staging) -> None:
    stage = staged(TWO)
    assert stage.run("plan", "--select", "models.a.*", "--out", "plan.json").code == 0
    path = stage.folder / "plan.json"
    document = json.loads(path.read_text())
    action = document["actions"][0]
    added = json.loads(json.dumps(action).replace("models.a.refresh", "models.zz.refresh"))
    document["actions"].append(added)
    document["choice"] = {"select": [], "force": [], "hold_unknown": False}
    path.write_text(json.dumps(document))
    assert stage.run("apply", "plan.json").code == 0
    assert [call.model_id for call in stage.calls()] == ["00000000-0000-4000-8000-000000000001"]


FORCED = ("plan", "--force", "models.a.refresh", "--select", "models.a.*", "--out", "plan.json")


@pytest.mark.fault("Z16")
def test_a_saved_force_is_taken_up_and_spent_by_its_success(staged: Staging) -> None:  # G3
    stage = staged(TWO)
    assert stage.run("apply", "--yes").code == 0
    assert stage.run(*FORCED).code == 0
    assert [stage.run("apply", "plan.json").code for _ in range(2)] == [0, 0]
    assert len(stage.calls()) == 3
    again = stage.run("apply", "plan.json")
    assert (again.code, len(stage.calls())) == (0, 3)
    assert "Forced by the plan, and done since: models.a.refresh" in again.err


def test_show_names_what_a_plan_forces_first(staged: Staging) -> None:  # G3
    stage = staged(TWO)
    assert stage.run("apply", "--yes").code == 0
    assert stage.run(*FORCED).code == 0
    shown = stage.run("show", "plan.json").out
    assert shown.startswith("Forced, whatever is recorded: models.a.refresh\nSaved plan of ")
    assert 'Only what matches: "models.a.*"' in shown
    assert "Still stands: 1 action left to do." in shown
    told = stage.run("show", "plan.json", "--format", "json").json()
    assert (told["force"], told["select"]) == (["models.a.refresh"], ["models.a.*"])


def test_a_force_that_failed_is_not_spent(staged: Staging) -> None:  # G3
    stage = staged(TWO, faults="refresh#2:fail")
    stage.run("apply", "--yes", "--select", "models.a.*")
    stage.run(*FORCED)
    assert [stage.run("apply", "plan.json").code for _ in range(3)] == [6, 0, 0]
    assert len(stage.calls()) == 3


def test_a_saved_plan_knows_its_files_and_its_state(staged: Staging) -> None:  # G3
    stage = staged(TWO)
    stage.write(TWO, "other.toml")
    where = ("-f", "other.toml", "--state", "elsewhere.json")
    assert stage.run("plan", *where, "--out", "plan.json").code == 0
    assert "Still stands: 2 actions" in stage.run("show", "plan.json").out
    assert stage.run("apply", "plan.json").code == 0
    assert (len(stage.calls()), (stage.folder / "elsewhere.json").exists()) == (2, True)


def test_a_saved_plan_is_not_applied_with_other_options(staged: Staging) -> None:  # G3
    stage = staged(TWO)
    stage.run(*FORCED)
    ended = stage.run("apply", "plan.json", "--force", "models.b.refresh")
    assert (ended.code, stage.calls()) == (4, [])
    assert '--force: "models.a.refresh" -> "models.b.refresh"' in ended.err
    assert "reconcile plan --select 'models.a.*' --force models.a.refresh --out" in ended.err


def test_a_call_that_an_interrupted_apply_made_is_awaited(staged: Staging) -> None:  # G3
    stage = staged(TWO, job_s=2)
    stage.run("apply", "--yes", "--select", "models.b.*")
    stage.run(*FORCED)
    with stage.start("apply", "plan.json") as first:
        assert first.stderr is not None
        while "accepted" not in first.stderr.readline():
            pass
        first.terminate()
    assert first.returncode == 143
    assert "1 action left to do" in stage.run("show", "plan.json").out
    assert (stage.run("apply", "plan.json").code, len(stage.calls())) == (0, 2)


@pytest.mark.parametrize(("fault", "kind"), [("422", "backing_off"), ("drop", "outcome_unknown")])
def test_what_came_to_nothing_is_not_settled(staged: Staging, fault: str, kind: str) -> None:
    stage = staged(models(["a"], AT), faults=f"reset#1:{fault}")
    assert stage.run("apply", "--yes", "--select", "*.refresh").code == 0
    saved(stage)
    assert [stage.run("apply", "plan.json").code for _ in range(2)] == [6, 6]
    told = "Approved, but not made now: models.a.cache.daily, backing off: "
    assert told in stage.run("apply", "plan.json").err
    shown = stage.run("show", "plan.json").out
    assert "0 actions left to do, 1 item not now." in shown
    assert told in " ".join(shown.split())
    (waiting,) = stage.run("show", "plan.json", "--format", "json").json()["waiting"]
    assert (waiting["status"], waiting["because"]["kind"]) == ("backing_off", kind)


def test_a_saved_plan_stands_for_a_renamed_item_that_is_due(staged: Staging) -> None:
    stage = staged(models(["a"], RESET))
    assert stage.run("apply", "--yes").code == 0
    assert stage.run("state", "mark", "models.a.cache.daily", "--due").code == 0
    stage.write(models(["b"], RESET))
    saved(stage)
    assert (stage.run("apply", "plan.json").code, len(stage.calls())) == (0, 2)
    assert "models.a" not in stage.run("state", "list").out


def test_a_renamed_item_that_falls_due_later_is_left_alone(staged: Staging) -> None:
    stage = staged(models(["a"], RESET))
    assert stage.run("apply", "--yes").code == 0
    stage.write(models(["b"], RESET))
    saved(stage)
    assert stage.run("state", "mark", "models.a.cache.daily", "--due").code == 0
    ended = stage.run("apply", "plan.json")
    assert (ended.code, len(stage.calls())) == (0, 1)
    assert "Newly due, left alone: models.b.cache.daily" in ended.err


@pytest.mark.parametrize("saved", ["before", "while"])
def test_a_call_that_was_selected_waits_for_the_job_that_runs_on_its_connection(
    staged: Staging, saved: str
) -> None:
    stage = staged(models(["a", "b"], 'connection = "w"\nrefresh.every = "6h"'), job_s=2)
    save = ("plan", "--select", "models.b.*", "--out", "plan.json")
    stage.run("apply", "--yes")
    for name in "ab":
        stage.run("state", "mark", f"models.{name}.refresh", "--due")
    stage.run(*save)
    with stage.start("apply", "--yes", "--select", "models.a.*") as first:
        assert first.stderr is not None
        while "accepted" not in first.stderr.readline():
            pass
        first.terminate()
    if saved == "while":
        stage.run(*save)
    ended = stage.run("apply", "plan.json", "--format", "json")
    kinds = [(it["kind"], it["status"]) for it in ended.json()["results"]]
    assert (ended.code, kinds) == (0, [("await", "done"), ("refresh", "done")])


def test_staleness_is_told_in_words_of_the_file(staged: Staging) -> None:  # G12
    stage = staged(models(["a"], AT))
    saved(stage)
    edited = AT.replace("06:00", "05:00").replace('"6h"', '"90m", mode = "soft", schemas = ["x"]')
    stage.write(models(["a"], edited) + "\n" + models(["z"], AT).replace("0001", "0009"))
    ended = stage.run("apply", "plan.json")
    assert ended.code == 4
    for told in (
        'models.a.cache.daily: at "06:00" -> "05:00"',
        'models.a.refresh: every "6h" -> "90m"',
        'models.a.refresh: mode "hard" -> "soft"',
        'models.a.refresh: schemas [] -> "x"',
        "models.z.refresh: not declared -> declared",
    ):
        assert told in ended.err


def test_a_tampered_plan_is_told_without_a_word_of_python(staged: Staging) -> None:  # G12
    stage = staged(models(["a"], AT))
    saved(stage)
    text = (stage.folder / "plan.json").read_text()
    stage.write(text.replace("hard_refresh", "hard_reset").replace('"POST"', '"GET"'), "plan.json")
    ended = stage.run("apply", "plan.json")
    assert ended.code == 4
    assert 'models.a.refresh: request "GET /api/v1/models/' in ended.err
    assert 'query "hard_reset=true" -> "hard_refresh=true"' in ended.err
    assert not re.search(r"Request\(|datetime\(|[({]'|None", ended.err)


def former(document: dict[str, Any]) -> dict[str, Any]:
    """Write a plan as the first format had it."""
    choice = {key: document["choice"][key] for key in ("select", "force", "hold_unknown")}
    items = {
        address: sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]
        for address, kept in document["items"].items()
    }
    return document | {"format": "reconcile-plan-1", "choice": choice, "items": items}


def test_a_plan_of_the_former_format_is_still_read(staged: Staging) -> None:  # G12
    stage = staged(TWO)
    saved(stage)
    document = json.loads((stage.folder / "plan.json").read_text())
    stage.write(json.dumps(former(document)), "plan.json")
    assert "Still stands: 2 actions" in stage.run("show", "plan.json").out
    stage.write(TWO.replace("6h", "7h"))
    ended = stage.run("apply", "plan.json")
    assert (ended.code, "models.a.refresh: declared otherwise -> declared" in ended.err) == (
        4,
        True,
    )
    stage.write(TWO)
    assert (stage.run("apply", "plan.json").code, len(stage.calls())) == (0, 2)


@pytest.mark.fault("Z18")
@pytest.mark.parametrize("text", ["", "{}", "[" * 5000, '{"format": "reconcile-plan-1"}', "\0"])
def test_what_is_no_saved_plan_is_refused_plainly(staged: Staging, text: str) -> None:
    stage = staged(TWO)
    stage.write(text, "plan.json")
    ended = stage.run("apply", "plan.json")
    assert (ended.code, "Traceback" in ended.err, stage.calls()) == (1, False, [])
    assert "saved-plan" in ended.err


@pytest.mark.fault("Z17")
def test_a_plan_of_another_version_of_the_tool_is_refused(staged: Staging) -> None:
    stage = staged(TWO)
    stage.write('{"format": "reconcile-plan-9"}', "plan.json")
    assert stage.run("apply", "plan.json").code == 4


def test_show_tells_a_saved_plan_and_whether_it_stands(staged: Staging) -> None:
    stage = staged(TWO)
    saved(stage)
    assert "Still stands: 2 actions left to do." in stage.run("show", "plan.json").out
    stage.write(TWO.replace("6h", "7h"))
    ended = stage.run("show", "plan.json")
    assert (ended.code, "Stale" in ended.out) == (0, True)


def test_an_approved_digest_lets_an_apply_go_on(staged: Staging) -> None:
    stage = staged(TWO)
    digest = stage.run("plan", "--format", "json").json()["digest"]
    assert stage.run("apply", "--approve", digest[7:19]).code == 0
    again = stage.run("apply", "--approve", digest)
    assert (again.code, len(stage.calls())) == (4, 2)


def test_a_digest_that_is_too_short_approves_nothing(staged: Staging) -> None:
    stage = staged(TWO)
    digest = stage.run("plan", "--format", "json").json()["digest"]
    refused = stage.run("apply", "--approve", digest[7:12])
    assert (refused.code, "bad-usage" in refused.err, stage.calls()) == (1, True, [])
