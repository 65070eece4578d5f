"""`lock`: which models the templates stand for, written down from the live instance."""

from reconcile.config.merge import LOCK_NAME
from reconcile.model.struct import replace
from tests.live.test_command import FILE, asked, remove
from tests.stage import OPS, SALES, Stage, Staging

ELSEWHERE = "11111111-1111-4111-8111-111111111111"
TEMPLATE = """
[state]
url = "state.json"

[[select]]
name = "[so]*"
refresh = { every = "6h", on_change = "now" }
"""


def locked(staged: Staging) -> Stage:
    stage = staged(FILE)
    stage.write(TEMPLATE)
    assert stage.run("lock").code == 0
    return stage


def test_a_plan_without_a_lock_file_names_the_command_that_writes_it(staged: Staging) -> None:
    stage = staged(FILE)
    stage.write(TEMPLATE)
    done = stage.run("plan")
    assert done.code == 1
    assert "lock-missing" in done.err
    assert "reconcile lock" in done.err


def test_a_plan_with_a_lock_file_asks_nobody(staged: Staging) -> None:
    stage = locked(staged)
    before = asked(stage)
    actions = stage.run("plan", "--format", "json").json()["actions"]
    assert [action["addresses"] for action in actions] == [
        ["models.ops.refresh", "models.sales.refresh"]
    ]
    assert asked(stage) == before


def test_locking_again_changes_nothing(staged: Staging) -> None:
    stage = locked(staged)
    before = (stage.folder / LOCK_NAME).read_bytes()
    assert "Nobody joined" in stage.run("lock").out
    assert (stage.folder / LOCK_NAME).read_bytes() == before
    assert stage.run("drift").code == 0


def test_a_model_declared_by_hand_without_items_neither_joins_nor_lends_its_name(
    staged: Staging,
) -> None:
    stage = staged(FILE)
    stage.write(TEMPLATE + f'[models.ops]\nid = "{SALES}"\n')
    (joined,) = stage.run("lock", "--format", "json").json()["joined"]
    assert (joined["id"], joined["name"]) == (OPS, "ops_2")
    assert stage.run("drift").code == 0


def test_who_left_the_instance_is_drift_until_it_is_locked_again(staged: Staging) -> None:
    stage = locked(staged)
    remove(stage, SALES)
    drift = stage.run("drift", "--format", "json")
    kinds = [finding["kind"] for finding in drift.json()["findings"]]
    assert (drift.code, kinds) == (8, ["model-missing", "selection-left"])
    told = stage.run("lock", "--format", "json").json()
    assert [model["name"] for model in told["left"]] == ["sales"]
    assert stage.run("drift", "--max-age", "0s").code == 0


def test_who_joined_shows_in_drift_and_in_the_lock_file(staged: Staging) -> None:
    stage = locked(staged)
    there = stage.world.instance.models
    new = replace(there[SALES], id=SALES.replace("b", "a"), name="Orders")
    there[new.id] = replace(new, name="orders \x1b[2J")
    assert stage.run("drift").code == 8
    done = stage.run("lock")
    assert "models.orders_2j" in done.out
    assert "\x1b" not in done.out
    assert b"\x1b" not in (stage.folder / LOCK_NAME).read_bytes()
    assert stage.run("plan").code == 0


def test_a_lock_says_who_moved_to_another_connection(staged: Staging) -> None:
    stage = locked(staged)
    there = stage.world.instance.models
    there[OPS] = replace(there[OPS], connection_id=ELSEWHERE)
    assert f'  moves   models.ops  "ops"  to connection {ELSEWHERE}\n' in stage.run("lock").out
    assert "Nobody joined" in stage.run("lock").out


def test_a_file_without_templates_has_nothing_to_lock(staged: Staging) -> None:
    stage = staged(FILE)
    done = stage.run("lock")
    assert (done.code, asked(stage)) == (1, 0)
    assert "nothing-to-lock" in done.err


# G5
def test_a_template_that_matches_nothing_is_an_error_and_the_lock_file_stays(
    staged: Staging,
) -> None:
    stage = locked(staged)
    before = (stage.folder / LOCK_NAME).read_bytes()
    stage.write(TEMPLATE.replace("[so]*", "Saels*"))
    done = stage.run("lock")
    assert (done.code, "error[select-without-models]" in done.err) == (1, True)
    assert '(SHARED Saels*) matches no model; did you mean "sales"?' in " ".join(done.err.split())
    assert (stage.folder / LOCK_NAME).read_bytes() == before


# G5
def test_a_template_whose_models_have_all_left_is_a_warning(staged: Staging) -> None:
    stage = locked(staged)
    remove(stage, SALES)
    remove(stage, OPS)
    done = stage.run("lock")
    assert (done.code, "warning[select-without-models]" in done.err) == (0, True)
    assert done.out.count("leaves") == 2
    drift = stage.run("drift", "--max-age", "0s")
    assert "matches no model" in " ".join(drift.out.split())


# G7
def test_a_lock_file_lies_beside_the_file_that_selects(staged: Staging) -> None:
    stage = staged(FILE)
    (stage.folder / "sub").mkdir()
    stage.write("[state]\nurl = 'state.json'\n")
    stage.write(TEMPLATE.replace('[state]\nurl = "state.json"\n', ""), "sub/select.toml")
    both = ("-f", "reconcile.toml", "-f", "sub/select.toml")
    assert stage.run("lock", *both).out.startswith(f"sub/{LOCK_NAME}: 2 models.")
    assert len(stage.run("plan", *both, "--format", "json").json()["items"]) == 2
