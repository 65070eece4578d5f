"""`import`: what the instance has, written into the file without touching the rest."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconcile.config.edit import starter_text
from reconcile.config.load import load
from reconcile.errors import ReconcileError
from reconcile.live.command import chosen
from reconcile.model.desired import RefreshItem
from reconcile.model.observed import ObservedModel
from reconcile.model.struct import replace
from reconcile.sandbox.instance import Schedule
from tests.live.test_command import FILE
from tests.stage import OPS, SALES, Stage, Staging

KEPT = f"""\
# Kept, to the byte.
[state]
url   = 'state.json'   # odd spacing

[models.mine]
id = "{OPS}"
refresh.at = "06:00"  # by hand

# A last word.
"""


def importing(staged: Staging, text: str = KEPT) -> Stage:
    stage = staged(FILE)
    stage.write(text)
    return stage


def content(stage: Stage) -> str:
    return (stage.folder / "reconcile.toml").read_text()


def test_an_import_keeps_every_line_and_every_comment(staged: Staging) -> None:
    stage = importing(staged)
    assert stage.run("import", "s*").code == 0
    after = content(stage)
    kept = iter(after.splitlines())
    assert all(line in kept for line in KEPT.splitlines())
    assert f'id = "{SALES}"' in after


def test_what_was_imported_is_declared_and_not_due(staged: Staging) -> None:
    stage = importing(staged)
    stage.run("import", "*", "--policies")
    plan = stage.run("plan", "--format", "json").json()
    statuses = {item["address"]: item["status"] for item in plan["items"]}
    assert {address for address, status in statuses.items() if status == "due"} == {
        "models.mine.refresh"
    }
    assert {"models.sales.refresh", "models.sales.cache.daily"} <= statuses.keys()


def test_a_second_import_changes_nothing(staged: Staging) -> None:
    stage = importing(staged)
    stage.run("import", "*", "--policies")
    once = content(stage)
    assert "has them already" in stage.run("import", "*", "--policies").out
    assert content(stage) == once


def test_fmt_leaves_what_was_imported_alone(staged: Staging) -> None:
    stage = importing(staged, '[state]\nurl = "state.json"\n')
    stage.run("import", "*", "--policies", "--schedules")
    assert stage.run("fmt", "--check").code == 0
    assert stage.run("drift").code == 0


def test_native_schedules_are_imported_as_they_are(staged: Staging) -> None:
    stage = importing(staged, '[state]\nurl = "state.json"\n')
    connection = stage.world.instance.models[SALES].connection_id
    at = datetime(2026, 11, 1, tzinfo=UTC)
    for name, cron in (("a", "00 09 * * ? *"), ("b", "0 18 ? * MON-FRI *")):
        stage.world.instance.schedules[name] = Schedule(
            id=name,
            connection_id=connection,
            cron=cron,
            zone="America/New_York",
            hard=name == "b",
            created_at=at,
            updated_at=at,
        )
    assert stage.run("import", "*", "--schedules").code == 0
    once = content(stage)
    assert once.count(".schedules.native_") == 2
    assert 'cron = "0 18 ? * MON-FRI *"' in once
    drift = stage.run("drift", "--format", "json").json()
    assert {finding["weight"] for finding in drift["findings"]} <= {"notes", "warns"}
    stage.run("import", "*", "--schedules")
    assert content(stage) == once


def test_a_look_ahead_writes_nothing(staged: Staging) -> None:
    stage = importing(staged)
    done = stage.run("import", "*", "--diff")
    assert f'+id = "{SALES}"' in done.out
    assert content(stage) == KEPT


def test_a_started_file_can_be_imported_into(staged: Staging) -> None:
    stage = staged(FILE)
    (stage.folder / "reconcile.toml").unlink()
    stage.run("init")
    assert stage.run("import", "*").code == 0
    assert stage.run("validate").code == 0


@pytest.mark.parametrize(
    "title",
    ["a\nb]", '"quoted"', "x\x1b[2J", "\u202eevil", "[models.x]", "#", "é" * 300, "..", " "],
)
def test_a_hostile_name_becomes_a_plain_key(staged: Staging, title: str) -> None:
    stage = importing(staged)
    there = stage.world.instance.models
    there[SALES] = replace(there[SALES], name=title)
    done = stage.run("import", SALES)
    assert done.code == 0, done.err
    assert "\x1b" not in done.out + content(stage)
    (added,) = {item.model for item in load(stage.folder).desired.items} - {"mine"}
    assert added.isascii()
    assert added.replace("_", "").isalnum()


def test_without_a_pattern_and_a_terminal_nothing_is_chosen(staged: Staging) -> None:
    stage = importing(staged)
    done = stage.run("import")
    assert done.code == 1
    assert "nothing-chosen" in done.err
    assert content(stage) == KEPT


def test_an_import_starts_the_file_where_there_is_none(staged: Staging) -> None:
    stage = staged(FILE)
    Path(stage.folder / "reconcile.toml").unlink()
    assert stage.run("import", "*", "--diff").code == 0
    assert not (stage.folder / "reconcile.toml").exists()
    assert stage.run("import", "*").code == 0
    assert content(stage).startswith(starter_text().partition("[omni]")[0])
    assert "Valid: 2 models" in stage.run("validate").out
    assert stage.run("fmt", "--check").code == 0


LABELLED = f"""\
[models.shop]
id = "{SALES}"
connection = "lake"
refresh.every = "6h"
"""


def test_a_name_of_my_own_is_given_to_no_other_connection(staged: Staging) -> None:
    stage = importing(staged, LABELLED)
    there, lake = stage.world.instance, "11111111-1111-4111-8111-111111111111"
    first = there.connections[there.models[SALES].connection_id]
    there.connections[lake] = replace(first, id=lake, name="Lake")
    there.models[OPS] = replace(there.models[OPS], connection_id=lake)
    assert stage.run("import", "ops").code == 0
    items = load(stage.folder).desired.items
    on = {item.model: item.connection for item in items if isinstance(item, RefreshItem)}
    assert on == {"shop": "lake", "ops": "lake_2"}


SELECTING = """\
[[select]]
name = "*"
refresh.every = "6h"
cache.daily = { at = "06:00", after = "refresh" }
"""


def test_an_import_by_pattern_leaves_selected_models_to_their_template(staged: Staging) -> None:
    stage = importing(staged, SELECTING)
    stage.run("lock")
    done = stage.run("import", "*")
    assert (done.code, done.out) == (0, "reconcile.toml has them already.\n")
    assert content(stage) == SELECTING


@pytest.mark.parametrize("command", [("import", "sales"), ("init", "--model", f"sales={SALES}")])
def test_a_model_that_leaves_its_template_is_named(
    staged: Staging, command: tuple[str, ...]
) -> None:
    stage = importing(staged, SELECTING)
    stage.run("lock")
    done = stage.run(*command)
    assert (done.code, "warning[leaves-select]" in done.err) == (0, True)
    assert "models.sales no longer takes its refresh" in " ".join(done.err.split())
    assert "Valid: 2 models, 2 refreshes, 1 reset." in stage.run("validate").out


def test_a_model_with_parts_in_two_files_is_there(staged: Staging) -> None:
    stage = importing(staged, LABELLED)
    stage.write('[models.shop.cache.daily]\nat = "06:00"\n', "z.toml")
    assert "has them already" in stage.run("import", "sales", "-f", ".").out


def test_a_policy_that_looks_like_another_is_left_out_by_name(staged: Staging) -> None:
    stage = importing(staged)
    there = stage.world.instance.models
    there[SALES] = replace(there[SALES], policies=frozenset(["hourly", "Daily", "daily"]))
    done = stage.run("import", "sales", "--policies")
    assert (done.code, "warning[policies-left-out]" in done.err) == (0, True)
    added = tomllib.loads(content(stage))["models"]["sales"]["cache"].keys()
    (left,) = {"Daily", "daily"} - added
    assert f'models.sales: "{left}".' in done.err
    assert "hourly" in added


def test_an_import_into_a_folder_of_other_files_adds_its_models_alone(staged: Staging) -> None:
    stage = importing(staged)
    (stage.folder / "reconcile.toml").rename(stage.folder / "omni.toml")
    assert stage.run("import", "s*", "-f", ".").code == 0
    assert tomllib.loads(content(stage)).keys() == {"connections", "models"}
    assert stage.run("validate", "-f", ".").code == stage.run("fmt", "--check").code == 0


LIST = [ObservedModel(model_id=str(n), name=name) for n, name in enumerate(("Sales", "Ops", "HR"))]


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        ("", []),
        ("2", ["Ops"]),
        ("1-2, 3", ["Sales", "Ops", "HR"]),
        ("3 1", ["Sales", "HR"]),
        ("*", ["Sales", "Ops", "HR"]),
        ("S* 3", ["Sales", "HR"]),
    ],
)
def test_an_answer_names_numbers_ranges_and_globs(answer: str, names: list[str]) -> None:
    assert [model.name for model in chosen(answer, LIST)] == names


@pytest.mark.parametrize("answer", ["0", "4", "2-1", "1-9", "x", "99999999", "\x1b"])
def test_any_other_answer_is_refused(answer: str) -> None:
    with pytest.raises(ReconcileError):
        chosen(answer, LIST)


# G5
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nomatch*",), 'No model of the instance matches "nomatch*". Nothing was written.'),
        (("Saels*",), 'matches "Saels*"; did you mean "sales"?'),
        (("s*", "oops"), 'matches "oops"; did you mean "ops"?'),
        (("*", "--connection", "wearhouse"), 'No connection of the instance matches "wearhouse"'),
        (("*", "--kind", "SHARD"), 'No kind of model of the instance matches "SHARD"; did you'),
    ],
)
def test_a_pattern_that_matches_nothing_is_an_error_and_nothing_is_written(
    staged: Staging, arguments: tuple[str, ...], told: str
) -> None:
    stage = importing(staged)
    done = stage.run("import", *arguments)
    assert (done.code, done.out) == (1, "")
    assert "error[no-match]" in done.err
    assert told in " ".join(done.err.split())
    assert content(stage) == KEPT


# G5
def test_a_model_that_is_declared_is_no_mistake(staged: Staging) -> None:
    done = importing(staged).run("import", OPS)
    assert (done.code, done.out) == (0, "reconcile.toml has them already.\n")


# G7
def test_an_import_knows_every_file_and_writes_to_the_first(staged: Staging) -> None:
    stage = importing(staged)
    other = stage.write(f'[models.there]\nid = "{SALES}"\n', "other.toml")
    assert (
        "has them already" in stage.run("import", "*", "-f", "reconcile.toml", "-f", str(other)).out
    )
    assert stage.run("import", "*", "-f", str(other), "-f", "reconcile.toml").code == 0
    assert content(stage) == KEPT


# G6
@pytest.mark.parametrize(
    ("faults", "option"), [("yaml:403", "--policies"), ("schedules:403", "--schedules")]
)
def test_what_was_asked_for_and_not_read_is_not_left_out_without_a_word(
    staged: Staging, faults: str, option: str
) -> None:
    stage = staged(FILE, faults=faults)
    stage.write(KEPT)
    done = stage.run("import", "s*", option)
    assert (done.code, "error[live-part-unseen]" in done.err) == (1, True), done.err
    assert "were not read" in " ".join(done.err.split())
    assert content(stage) == KEPT


def test_an_import_goes_by_what_the_other_files_declare(staged: Staging) -> None:
    stage = importing(staged, '[models.mine.cache.weekly]\nat = "06:00"\n')
    stage.write(f'{KEPT}[defaults]\nrefresh = {{ every = "1h" }}\n', "models.toml")
    assert stage.run("import", "s*", "-f", ".").code == 0
    assert '[models.sales.refresh]\non_change = "next"\n' in content(stage)
    assert stage.run("validate", "-f", ".").code == 0
