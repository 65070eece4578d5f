"""plan --live, drift and apply --live, as a process against the embedded server."""

import json

import pytest

from reconcile import install_with
from reconcile.model.struct import replace
from reconcile.sandbox.instance import Operation, Role
from tests.stage import OPS, SALES, Stage, Staging, models

FILE = f"""
[state]
url = "state.json"

[models.sales]
id = "{SALES}"
connection = "warehouse"
refresh.every = "6h"
cache.daily.at = "06:00"

[models.ops]
id = "{OPS}"
connection = "warehouse"
refresh.every = "6h"
"""
WITHOUT_CONNECTION = FILE.replace('connection = "warehouse"\n', "")


def asked(stage: Stage) -> int:
    return sum(exchange.call.method == "GET" for exchange in stage.world.log)


def remove(stage: Stage, model_id: str) -> None:
    del stage.world.instance.models[model_id]


def test_an_instance_as_declared_does_not_differ(staged: Staging) -> None:
    done = staged(FILE).run("drift")
    assert (done.code, done.err) == (0, "")
    assert "no difference" in done.out


@pytest.mark.fault("A18")
def test_a_misspelt_policy_differs_and_names_the_near_one(staged: Staging) -> None:
    stage = staged(FILE)
    stage.write(FILE.replace("daily", "dialy"))
    done = stage.run("drift", "--format", "json")
    (finding,) = done.json()["findings"]
    assert (done.code, finding["kind"], finding["near"]) == (8, "policy-unknown", "daily")


FILTERED = FILE.replace(
    'refresh.every = "6h"\ncache',
    'refresh = { every = "6h", mode = "soft", schemas = ["raw"], tables = ["raw.orders"] }\ncache',
)


def test_a_misspelt_schema_differs_and_names_the_near_one(staged: Staging) -> None:
    stage = staged(FILTERED)
    assert stage.run("drift").code == 0
    stage.write(FILTERED.replace('"raw.orders"', '"rwa.orders"'))
    done = stage.run("drift", "--format", "json")
    (finding,) = done.json()["findings"]
    assert (done.code, finding["kind"], finding["near"]) == (8, "schema-unknown", "raw")
    assert "rwa.orders" in stage.run("plan", "--live").out


def test_schemas_that_omni_does_not_tell_are_not_in_order(staged: Staging) -> None:
    stage = staged(FILTERED, faults="schemas:403")
    stage.write(FILTERED.replace('["raw"]', '["rwa"]'))
    done = stage.run("drift")
    assert (done.code, "error[not-all-checked]" in done.err) == (1, True)
    assert "Not checked: schemas of 1 model (" in " ".join(done.out.split())


def test_a_deleted_model_differs(staged: Staging) -> None:
    stage = staged(FILE)
    remove(stage, SALES)
    done = stage.run("drift")
    assert done.code == 8
    assert "Omni lists no model" in " ".join(done.out.split())


def test_drift_cannot_be_applied(staged: Staging) -> None:
    stage = staged(FILE)
    printed = stage.run("drift", "--format", "json").out
    assert {"digest", "actions"}.isdisjoint(json.loads(printed))
    stage.write(printed, "drift.json")
    done = stage.run("apply", "drift.json", "--yes")
    assert (done.code, stage.calls()) == (1, [])
    assert "drift-is-no-plan" in done.err


def test_a_live_plan_fills_connections_in_and_says_when_it_looked(staged: Staging) -> None:
    stage = staged(FILE)
    stage.write(WITHOUT_CONNECTION)
    plain, live = (stage.run("plan", *more, "--format", "json") for more in ((), ("--live",)))
    assert [len(plan.json()["actions"]) for plan in (plain, live)] == [3, 2]
    told = live.json()["live"]
    assert {finding["kind"] for finding in told["findings"]} == {"connection-filled"}
    assert told["observed_at"]
    assert "live" not in plain.json()


def test_a_comment_holds_what_a_look_found_and_how_to_apply_it(staged: Staging) -> None:
    stage = staged(FILE)
    stage.write(WITHOUT_CONNECTION)
    text = stage.run("plan", "--live", "--format", "markdown").out
    assert "#### The live instance" in text
    assert "reconcile apply --live" in text


def test_every_format_of_a_plan_and_of_a_comparison_holds_what_a_look_found(
    staged: Staging,
) -> None:
    stage = staged(FILE)
    stage.write(FILE.replace("daily", "dialy"))
    for against in ((), ("--against", "reconcile.toml")):
        for form in ("text", "json", "markdown", "html"):
            done = stage.run("plan", "--live", "--format", form, *against)
            found = done.json()["live"]["findings"][0]["near"] if form == "json" else done.out
            assert (done.code, done.err) == (0, "")
            assert "daily" in found


def test_an_apply_with_a_look_makes_one_call_for_one_connection(staged: Staging) -> None:
    stage = staged(FILE)
    stage.write(WITHOUT_CONNECTION)
    done = stage.run("apply", "--live", "--yes")
    assert done.code == 0
    assert len(stage.calls(Operation.REFRESH)) == 1


def test_a_connection_that_does_not_merge_runs_one_job_after_the_other(staged: Staging) -> None:
    stage = staged(FILE)
    (connection,) = stage.world.instance.connections
    stage.write(WITHOUT_CONNECTION + f'[connections.dwh]\nid = "{connection}"\nmerge = false\n')
    assert stage.run("apply", "--live", "--yes").code == 0
    first, second = sorted(stage.world.instance.jobs.values(), key=lambda job: job.started_at)
    assert first.ends_at is not None
    assert first.ends_at <= second.started_at


def test_a_saved_plan_after_a_look_is_only_applied_after_another(staged: Staging) -> None:
    stage = staged(FILE)
    stage.write(WITHOUT_CONNECTION)
    assert stage.run("plan", "--live", "--out", "plan.json").code == 0
    refused = stage.run("apply", "plan.json", "--yes")
    assert (refused.code, stage.calls()) == (4, [])
    assert "reconcile apply --live plan.json" in refused.err
    assert stage.run("apply", "--live", "plan.json", "--yes").code == 0
    assert len(stage.calls(Operation.REFRESH)) == 1


def test_a_fresh_look_is_taken_again_and_an_old_one_is_not(staged: Staging) -> None:
    stage = staged(FILE)
    stage.run("drift")
    first = asked(stage)
    stage.run("plan", "--live")
    assert asked(stage) == first
    stage.run("drift", "--max-age", "0s")
    assert asked(stage) == 2 * first


def test_a_look_that_says_too_little_is_not_taken_again(staged: Staging) -> None:
    stage = staged(FILE)
    stage.write(FILE.replace("cache.daily", "# cache.daily"))
    stage.run("drift")
    first = asked(stage)
    stage.write(FILE)
    assert stage.run("drift").code == 0
    assert asked(stage) > first


def test_a_look_at_another_instance_is_not_believed(staged: Staging) -> None:
    stage = staged(FILE)
    stage.run("drift")
    other = staged(FILE)
    remove(other, SALES)
    assert other.run("drift").code == 8


def test_a_damaged_look_is_told_and_made_anew(staged: Staging) -> None:
    stage = staged(FILE)
    stage.run("drift")
    (stage.folder / "state.json.observed").write_text("{}")
    done = stage.run("drift")
    assert done.code == 0
    assert "observation-damaged" in done.err


def test_a_refused_token_ends_it_after_one_request(staged: Staging) -> None:
    stage = staged(FILE)
    done = stage.run("drift", OMNI_API_KEY="omni_another_token")
    assert (done.code, asked(stage)) == (1, 1)
    assert "live-refused" in done.err


NIGHTLY = """
[connections.warehouse]
id = "{0}"
manage = "all"

[connections.warehouse.schedules.night]
cron = "30 5 * * ? *"
timezone = "UTC"
"""


def test_schedules_are_compared_and_put_back(staged: Staging) -> None:
    stage = staged(FILE)
    (connection,) = stage.world.instance.connections
    stage.write(FILE.replace('"6h"', '"30h"') + NIGHTLY.format(connection))
    kinds = [f["kind"] for f in stage.run("drift", "--format", "json").json()["findings"]]
    assert kinds == ["schedule-missing"]
    assert stage.run("apply", "--live", "--yes").code == 0
    done = stage.run("drift", "--max-age", "0s")
    assert (done.code, "no difference" in done.out) == (0, True), done.out
    found = stage.world.instance.schedules
    (kept,) = found.values()
    found["other"] = replace(kept, id="other", cron="0 1 * * ? *")
    done = stage.run("drift", "--max-age", "0s", "--format", "json")
    assert [f["kind"] for f in done.json()["findings"]] == ["schedule-foreign"]


# G19
@pytest.mark.parametrize("command", ["drift", "plan --live"])
def test_a_native_schedule_that_was_edited_in_the_file_is_there_with_another_time(
    staged: Staging, command: str
) -> None:
    stage = staged(FILE)
    (connection,) = stage.world.instance.connections
    stage.write(FILE + NIGHTLY.format(connection).replace('cron = "30 5 * * ? *"', 'at = "02:00"'))
    assert stage.run("apply", "--live", "--yes").code == 0
    stage.write(FILE + NIGHTLY.format(connection).replace('cron = "30 5 * * ? *"', 'at = "03:30"'))
    told = " ".join(stage.run(*command.split(), "--max-age", "0s").out.split())
    assert "Omni runs it at 02:00, the file says 03:30." in told
    assert "no such schedule" not in told


def test_a_native_schedule_beside_a_soft_refresh_is_a_warning(staged: Staging) -> None:
    stage = staged(FILE)
    (connection,) = stage.world.instance.connections
    stage.write(NIGHTLY.format(connection))
    assert stage.run("apply", "--live", "--yes").code == 0
    soft = FILE.replace('every = "6h"', 'cron = "0 12 * * *"\nrefresh.mode = "soft"')
    stage.write(soft + NIGHTLY.format(connection))
    live, offline = stage.run("drift", "--max-age", "0s"), stage.run("validate")
    assert live.code == 0, live.out
    assert "adds nothing" in " ".join(live.out.split())
    assert "connection-shadowed" in offline.err


def test_a_look_takes_few_requests(staged: Staging) -> None:
    body = 'connection = "warehouse"\nrefresh.every = "6h"\n'
    names = [f"m{number}" for number in range(250)]
    bearing = models(names[:5], body + 'cache.daily.at = "06:00"\n')
    rest = models(names[5:], body).replace("00000000-0000-4000-8000", "00000001-0000-4000-8000")
    stage = staged(f'[state]\nurl = "state.json"\n{bearing}\n{rest}', limit=600)
    done = stage.run("drift")
    assert done.code == 0, done.out
    pages = -(-len(stage.world.instance.models) // 100)
    assert asked(stage) <= pages + 5 + 2


def test_a_name_in_omni_cannot_forge_a_line(staged: Staging) -> None:
    stage = staged(FILE)
    (connection,) = stage.world.instance.connections.values()
    hostile = "warehouse\x1b[2J\n  differs  models.fake"
    known = stage.world.instance.connections
    known[connection.id] = replace(connection, name=hostile)
    stage.write(WITHOUT_CONNECTION)
    done = stage.run("drift")
    assert "\x1b" not in done.out
    assert not any(line.startswith("  differs") for line in done.out.splitlines())


@pytest.mark.parametrize("command", ["plan", "drift"])
def test_a_file_for_another_instance_sends_nothing(staged: Staging, command: str) -> None:
    stage = staged(FILE)
    stage.write(f'[omni]\nbase_url = "https://myorg.omniapp.co"\n{FILE}')
    done = stage.run(command, *(["--live"] if command == "plan" else []))
    assert (done.code, asked(stage)) == (1, 0)
    assert "wrong-host" in done.err


def test_a_token_that_may_not_see_connections_says_so_and_concludes_nothing(
    staged: Staging,
) -> None:
    stage = staged(FILE, role=Role.MODELER)
    done = stage.run("drift")
    assert done.code == 0, done.err
    assert "Not checked: connections (" in " ".join(done.out.split())


# G6
def test_a_drift_that_could_not_check_a_policy_does_not_end_well(staged: Staging) -> None:
    stage = staged(FILE, faults="yaml:403")
    stage.write(FILE.replace("daily", "dialy"))
    done = stage.run("drift")
    assert (done.code, "error[not-all-checked]" in done.err) == (1, True)
    assert "Not checked: cache policies of 1 model (" in " ".join(done.out.split())


# G6
def test_what_differs_is_told_before_what_could_not_be_checked(staged: Staging) -> None:
    stage = staged(FILE, faults="yaml:403")
    remove(stage, OPS)
    done = stage.run("drift", "--format", "json")
    assert (done.code, "warning" in done.err) == (8, True)
    (part,) = done.json()["not_checked"]
    assert (part["part"], part["count"], part["declared"]) == ("policies", 1, True)


# G6
def test_a_look_that_could_not_check_everything_is_made_anew(staged: Staging) -> None:
    stage = staged(FILE, faults="yaml#1:403")
    assert [stage.run("drift").code, stage.run("drift").code] == [1, 0]


# G6
def test_schedules_that_are_declared_and_not_seen_are_not_in_order(staged: Staging) -> None:
    stage = staged(FILE, role=Role.MODELER)
    (connection,) = stage.world.instance.connections
    stage.write(NIGHTLY.format(connection))
    done = stage.run("drift", "--format", "json")
    parts = {part["part"] for part in done.json()["not_checked"] if part["declared"]}
    assert (done.code, parts) == (1, {"connections", "schedules"})


# G6
def test_a_drift_of_nothing_is_no_agreement(staged: Staging) -> None:
    stage = staged(FILE)
    stage.write('[state]\nurl = "state.json"\n')
    done = stage.run("drift")
    assert (done.code, done.out, asked(stage)) == (1, "", 0)


def without_yaml(stage: Stage) -> dict[str, str]:
    """Let the tool start as if PyYAML were not installed."""
    (stage.folder / "hidden").mkdir()
    hiding = "import sys\nsys.modules['yaml'] = None\n"
    (stage.folder / "hidden" / "sitecustomize.py").write_text(hiding)
    return {"PYTHONPATH": str(stage.folder / "hidden")}


# G6
@pytest.mark.parametrize("command", ["drift", "import sales --policies"])
def test_without_a_reader_of_policies_it_says_what_to_install(
    staged: Staging, command: str
) -> None:
    stage = staged(FILE)
    before = (stage.folder / "reconcile.toml").read_bytes()
    done = stage.run(*command.split(), **without_yaml(stage))
    assert done.code == 1
    assert install_with("live") in done.err
    assert (stage.folder / "reconcile.toml").read_bytes() == before
