"""What an apply tries before its first call."""

import pytest

from reconcile.sandbox.instance import Operation, Published, Role
from tests.cli.test_native_schedules import HEAD, NIGHTLY
from tests.live.test_command import FILE, asked, remove
from tests.stage import OPS, SALES, Staging, models

APART = FILE.replace('connection = "warehouse"\n', "")


def test_without_it_an_apply_reads_nothing_first(staged: Staging) -> None:
    stage = staged(FILE)
    assert stage.run("apply", "--yes", "--no-preflight").code == 0
    first = stage.world.log[0]
    assert first.call.method == "POST"


@pytest.mark.fault("A06")
def test_a_refused_token_is_found_out_before_the_first_call(staged: Staging) -> None:
    stage = staged(FILE)
    done = stage.run("apply", "--yes", "--preflight", OMNI_API_KEY="omni_another_token")
    assert (done.code, asked(stage), stage.calls()) == (1, 1, [])
    assert "preflight-refused" in done.err
    state = stage.run("state", "list").out
    assert "unknown" not in state


def test_a_missing_model_holds_its_items_and_no_others(staged: Staging) -> None:
    stage = staged(APART)
    remove(stage, SALES)
    done = stage.run("apply", "--yes", "--preflight")
    assert done.code == 6
    assert "models.sales.cache.daily, models.sales.refresh" in " ".join(done.err.split())
    assert [call.model_id for call in stage.calls()] == [OPS]
    still = stage.run("plan", "--format", "json").json()["actions"]
    assert {address for action in still for address in action["addresses"]} == {
        "models.sales.refresh",
        "models.sales.cache.daily",
    }


def test_a_shared_refresh_goes_on_through_a_model_that_is_there(staged: Staging) -> None:
    stage = staged(FILE)
    remove(stage, OPS)
    assert stage.run("apply", "--yes", "--preflight").code == 6
    assert [call.model_id for call in stage.calls(Operation.REFRESH)] == [SALES]


def test_a_refusal_after_a_model_was_held_is_tried_through_another(staged: Staging) -> None:
    shared = 'connection = "w"\nrefresh = { every = "6h", mode = "soft", schemas = ["raw"] }\n'
    stage = staged(models(["gone", "a", "b"], shared), faults="refresh#1:403")
    gone, a, b, *_ = sorted(stage.world.instance.models)
    remove(stage, gone)
    assert stage.run("apply", "--yes", "--preflight").code == 6
    sent = [call for call in stage.world.log if call.operation is Operation.REFRESH]
    assert [call.model_id for call in sent] == [a, b]
    assert all(("schemas", "raw") in call.call.query for call in sent)


def test_a_missing_model_is_held_though_another_carries_its_call(staged: Staging) -> None:
    stage = staged(models(["a", "gone"], 'connection = "w"\nrefresh.every = "6h"\n'))
    there, gone, *_ = sorted(stage.world.instance.models)
    remove(stage, gone)
    done = stage.run("apply", "--yes", "--preflight")
    assert (done.code, "model-not-there" in done.err) == (6, True)
    assert [call.model_id for call in stage.calls()] == [there]
    left = stage.run("plan", "--format", "json").json()["actions"]
    assert [action["addresses"] for action in left] == [["models.gone.refresh"]]


def test_it_goes_with_a_live_apply_unless_declined(staged: Staging) -> None:
    stage = staged(FILE)
    stage.run("drift")
    looked = asked(stage)
    assert stage.run("apply", "--live", "--yes", "--no-preflight").code == 0
    first_post = next(n for n, e in enumerate(stage.world.log) if e.call.method == "POST")
    assert first_post == looked


def test_a_weak_role_is_a_warning_and_the_calls_are_tried(staged: Staging) -> None:
    stage = staged(FILE, role=Role.VIEWER)
    done = stage.run("apply", "--yes", "--preflight")
    assert "role-may-not-do" in done.err
    assert any(exchange.call.method == "POST" for exchange in stage.world.log)


def test_an_instance_that_does_not_tell_roles_is_asked_for_its_models(staged: Staging) -> None:
    stage = staged(FILE, published=Published.SPEC_A)
    done = stage.run("apply", "--yes", "--preflight")
    assert (done.code, len(stage.calls(Operation.RESET))) == (0, 1)
    assert "role-may-not-do" not in done.err


def test_many_models_are_looked_up_in_one_list(staged: Staging) -> None:
    many = models([f"m{n}" for n in range(15)], 'refresh.every = "6h"\n')
    stage = staged("[omni]\nrequests_per_minute = 6000\n" + many, limit=6000)
    assert stage.run("apply", "--yes", "--preflight").code == 0
    before = [e.call.method for e in stage.world.log].index("POST")
    assert before <= 2


def test_a_refused_token_is_found_out_before_a_schedule_is_written(staged: Staging) -> None:
    stage = staged(HEAD + NIGHTLY)
    done = stage.run("apply", "--yes", "--preflight", OMNI_API_KEY="omni_another_token")
    assert (done.code, asked(stage), stage.calls()) == (1, 1, [])
    assert "preflight-refused" in done.err


def test_a_list_that_is_not_there_says_no_model_is_missing(staged: Staging) -> None:
    many = models([f"m{n}" for n in range(15)], 'refresh.every = "6h"\n')
    stage = staged(many, limit=600, faults="models:404")
    done = stage.run("apply", "--yes", "--preflight")
    assert (done.code, stage.calls()) == (1, [])
    assert "preflight-failed" in done.err
