"""Saved plans and approvals, as a process."""

import json

import pytest

from tests.cli.conftest import Staging
from tests.cli.stage import Stage, models

TWO = models(["a", "b"], 'refresh = { every = "6h" }')


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


@pytest.mark.fault("Z16")
def test_force_is_not_taken_from_a_saved_plan(staged: Staging) -> None:
    stage = staged(TWO)
    assert stage.run("apply", "--yes").code == 0
    forced = ("--force", "models.a.refresh", "--select", "models.a.refresh")
    assert stage.run("plan", *forced, "--out", "plan.json").code == 0
    assert stage.run("apply", "plan.json").code == 4
    assert stage.run("apply", "plan.json", *forced[:2]).code == 0
    assert len(stage.calls()) == 3


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
    assert (stage.run("apply", "--approve", digest[7:12]).code, stage.calls()) == (4, [])
