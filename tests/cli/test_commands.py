"""Every command once, as a process; whole outputs where they do not depend on the moment."""

import json
from pathlib import Path

import jsonschema
import pytest

from reconcile.cli.explain import schema
from tests.conftest import Snapshot
from tests.stage import SALES, Staging, models, without_moments

EVERY = f"""
[omni]
requests_per_minute = 60
[defaults]
timezone = "America/New_York"
[models.sales]
id = "{SALES}"
connection = "warehouse"
refresh = {{ every = "6h", mode = "soft" }}
[models.sales.cache.daily]
at = "06:00"
after = "models.sales.refresh"
[models.sales.cache.each]
after = "models.sales.refresh"
[models.sales.cache.close]
reset_at = 2199-12-01T07:00:00-05:00
"""
AT = ("--at", "2026-11-22T11:22:00Z")


def test_plan_reads_as_it_should(staged: Staging, snapshot: Snapshot) -> None:
    snapshot("plan.txt", staged(EVERY).run_from_start("plan", *AT).out)


def test_plan_json_follows_its_schema_and_does_not_change_from_run_to_run(
    staged: Staging, snapshot: Snapshot
) -> None:
    stage = staged(EVERY)
    texts = {
        stage.run_from_start("plan", *AT, "--format", "json", PYTHONHASHSEED=s).out for s in "012"
    }
    (text,) = texts
    snapshot("plan.json", text)
    jsonschema.validate(json.loads(text), schema("plan"))


def test_validate_counts_what_is_declared(staged: Staging) -> None:
    ended = staged(EVERY).run_from_start("validate")
    assert (ended.code, ended.out) == (0, "Valid: 1 model, 1 refresh, 3 resets.\n")


def test_show_lists_every_item(staged: Staging) -> None:
    shown = staged(EVERY).run_from_start("show").out
    assert all(name in shown for name in ("sales.refresh", "daily", "each", "close"))


def test_state_is_listed_shown_and_removed(staged: Staging) -> None:
    stage = staged(EVERY)
    assert stage.run_from_start("apply", "--yes").code == 0
    assert "models.sales.refresh" in stage.run_from_start("state", "list").out
    assert "last success" in stage.run_from_start("state", "show", "models.sales.refresh").out
    assert stage.run_from_start("state", "rm", "models.sales.refresh").code == 0
    statuses = {
        item["address"]: item["status"]
        for item in stage.run_from_start("plan", "--format", "json").json()["items"]
    }
    assert statuses["models.sales.refresh"] == "due"


def test_showing_what_is_not_recorded_says_so(staged: Staging) -> None:
    ended = staged(EVERY).run_from_start("state", "show", "models.nope.refresh")
    assert (ended.code, "not-recorded" in ended.err) == (1, True)


def test_rehearse_applies_to_a_copy_and_leaves_the_state_alone(staged: Staging) -> None:
    stage = staged(EVERY)
    ended = stage.run_from_start("rehearse")
    assert ended.code == 0, ended.err
    assert "3 of 3 calls done" in ended.out
    assert "No calls are due" in ended.out
    assert list(stage.world.log) == []
    assert [path.name for path in stage.folder.iterdir()] == ["reconcile.toml"]


def test_rehearse_takes_faults(staged: Staging) -> None:
    ended = staged(EVERY).run_from_start("rehearse", "--faults", "refresh:fail")
    assert ended.code == 6


def test_rehearse_refuses_what_an_apply_refuses_and_passes_what_is_allowed(staged: Staging) -> None:
    stage = staged(f"{EVERY}[limits]\ncalls = 1\n")
    blocked = stage.run_from_start("rehearse")
    assert (blocked.code, "over-limit-calls" in blocked.err) == (3, True)
    assert "reconcile rehearse --allow calls=3" in blocked.err
    assert stage.run_from_start("rehearse", "--allow", "calls=3").code == 0


def test_a_rehearsal_awaits_the_job_that_the_state_awaits(staged: Staging) -> None:
    stage = staged(EVERY.replace('mode = "soft"', 'timeout = "1s"'), faults="refresh:stuck")
    assert stage.run_from_start("apply", "--yes").code == 6
    stage.write(EVERY)
    ended = stage.run_from_start("rehearse")
    assert (ended.code, "1 of 1 awaited job done" in ended.out) == (0, True), ended.out
    assert "No calls are due" in ended.out


def test_schema_is_a_json_schema(staged: Staging) -> None:
    schema = staged(EVERY).run_from_start("schema").json()
    jsonschema.Draft202012Validator.check_schema(schema)


def test_version_is_told(staged: Staging) -> None:
    assert staged(EVERY).run_from_start("--version").out.startswith("reconcile ")


def test_another_state_may_be_named(staged: Staging, tmp_path: Path) -> None:
    stage = staged(EVERY)
    assert stage.run_from_start("apply", "--yes", "--state", "other/state.json").code == 0
    assert (tmp_path / "other" / "state.json").is_file()


@pytest.mark.parametrize("colour", ["always", "never"])
def test_colour_is_as_asked(staged: Staging, colour: str) -> None:
    ended = staged(EVERY).run_from_start("plan", "--color", colour)
    assert ("\x1b[" in ended.out) == (colour == "always")


def test_progress_is_plain_timestamped_lines_when_piped(staged: Staging) -> None:
    stage = staged(models(["a"], 'refresh = { every = "6h" }'))
    lines = without_moments(stage.run_from_start("apply", "--yes").err).splitlines()
    assert [line.split("  ", 1)[1] for line in lines[:1]] == [
        "models.a.refresh: hard refresh started"
    ]
