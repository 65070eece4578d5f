"""The verbs of `state`, as a process on a state that a real apply left."""

import json
import re
import shlex
from datetime import timedelta
from pathlib import Path

import pytest

import reconcile
from reconcile.clock import wall_clock
from reconcile.model.address import Address
from reconcile.model.journal import Intent
from reconcile.model.plan import Request
from reconcile.model.recorded import Coverage
from tests.stage import SALES, Stage, Staging, models
from tests.state.acts import open_at

RUNBOOK = Path(reconcile.__file__).with_name("docs") / "runbook.md"
A = "models.a.refresh"
TEXT = models(["a"], 'refresh = { every = "6h" }\n[models.a.cache.daily]\nat = "00:00"\n')
NEVER_RUN = """refresh = { every = "6h" }
cache.daily = { at = "00:00" }
cache.with_it = { after = "models.b.refresh" }
"""


@pytest.fixture
def applied(staged: Staging) -> Stage:
    stage = staged(TEXT)
    assert stage.run("apply", "--yes").code == 0
    return stage


def statuses(stage: Stage) -> dict[str, str]:
    items = stage.run("plan", "--format", "json").json()["items"]
    return {item["address"]: item["status"] for item in items}


def test_an_item_marked_due_is_due_and_marked_done_is_covered(applied: Stage) -> None:
    for address in (A, "models.a.cache.daily"):
        assert applied.run("state", "mark", address, "--due").code == 0
    assert set(statuses(applied).values()) == {"due"}
    for address in (A, "models.a.cache.daily"):
        assert applied.run("state", "mark", address, "--done").code == 0
    assert set(statuses(applied).values()) == {"covered"}


RENAMED = TEXT.replace("models.a", "models.b")


@pytest.mark.parametrize("name", ["models.b.refresh", A])
def test_a_renamed_item_that_is_marked_done_stays_done(applied: Stage, name: str) -> None:
    for address in (A, "models.a.cache.daily"):
        applied.run("state", "mark", address, "--due")
    applied.write(RENAMED)
    marked = applied.run("state", "mark", name, "--done")
    assert (marked.code, marked.out) == (0, "Marked models.b.refresh as done.\n")
    assert statuses(applied) == {"models.b.cache.daily": "due", "models.b.refresh": "covered"}
    assert "renamed" not in applied.run("plan").out


@pytest.mark.parametrize("name", ["models.b.refresh", A])
def test_a_renamed_item_is_marked_due_by_either_name(applied: Stage, name: str) -> None:
    applied.write(RENAMED)
    assert applied.run("state", "mark", name, "--due").code == 0
    assert statuses(applied) == {"models.b.cache.daily": "covered", "models.b.refresh": "due"}


def test_an_item_marked_done_stays_done_where_its_model_has_another_id_now(applied: Stage) -> None:
    applied.write(re.sub(r"[0-9a-f-]{36}", SALES, TEXT))
    assert statuses(applied)[A] == "due"
    assert applied.run("state", "mark", A, "--done").code == 0
    assert statuses(applied)[A] == "covered"


def test_a_reset_in_doubt_that_is_marked_done_is_done_for_a_slot_that_came_since(
    applied: Stage,
) -> None:
    daily = Address("models.a.cache.daily")
    long_ago = wall_clock().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
    begun = Coverage(daily, long_ago, long_ago)
    request = Request("POST", "/reset")
    applied.run("state", "mark", daily, "--due")
    with open_at(applied.folder / "reconcile.state.json") as session:
        session.append(Intent(long_ago, "op", "reset", (begun,), request, applied.base_url))
    assert "outcome unknown" in applied.run("plan").out
    assert applied.run("state", "mark", daily, "--done").code == 0
    assert statuses(applied)[daily] == "covered"


@pytest.mark.parametrize(
    ("named", "done"),
    [("models.b", 3), ("models.*.refresh", 2), ("models.a.cache.daily models.b", 4)],
)
def test_a_model_a_glob_and_several_addresses_are_marked_at_once(
    staged: Staging, named: str, done: int
) -> None:
    stage = staged(models(["a", "b"], NEVER_RUN))
    marked = stage.run("state", "mark", *named.split(), "--done")
    assert (marked.code, marked.out.count(" as done.\n")) == (0, done)
    assert list(statuses(stage).values()).count("covered") == done
    assert stage.run("state", "mark", *named.split(), "--due").out.count(" as due.\n") == done
    assert "covered" not in statuses(stage).values()


def test_a_lost_state_is_begun_anew_without_a_call_as_the_runbook_says(staged: Staging) -> None:
    told = re.search(r"`reconcile (state mark '.*' --done)`", RUNBOOK.read_text())
    assert told is not None
    stage = staged(models(["a", "b"], NEVER_RUN))
    assert set(statuses(stage).values()) == {"due"}
    assert stage.run(*shlex.split(told[1])).code == 0
    assert set(statuses(stage).values()) == {"covered"}


def test_a_mark_ends_a_hold(staged: Staging) -> None:
    stage = staged("[defaults]\nhold_after = 1\n" + TEXT, faults="refresh#1:fail")
    assert stage.run("apply", "--yes").code == 6
    assert statuses(stage)[A] == "held"
    assert stage.run("state", "mark", A, "--due").code == 0
    assert statuses(stage)[A] == "due"


def test_a_record_moves_with_a_renamed_model(applied: Stage) -> None:
    assert applied.run("state", "mv", A, "models.b.refresh").code == 0
    applied.write(TEXT.replace("models.a", "models.b"))
    assert statuses(applied)["models.b.refresh"] == "covered"


def test_history_tells_what_happened_to_an_item(applied: Stage) -> None:
    entries = applied.run("state", "history", A, "--format", "json").json()["entries"]
    assert [entry["entry"] for entry in entries] == [
        "began",
        "noted",
        "intent",
        "accepted",
        "done",
    ]


def test_a_state_that_never_was_is_neither_whole_nor_merely_empty(staged: Staging) -> None:
    stage = staged(TEXT)
    verified, listed = stage.run("state", "verify"), stage.run("state", "list")
    assert (verified.code, verified.out, listed.code) == (1, "", 0)
    assert "error[no-state]" in verified.err
    assert "warning[no-state]" in listed.err


def test_a_whole_state_verifies(applied: Stage) -> None:
    assert applied.run("state", "verify").code == 0


@pytest.mark.fault("S03", "S01")
@pytest.mark.parametrize("damage", [b"", b"\0" * 4000, b"{}"])
def test_a_damaged_state_stops_everything_and_is_restored_by_one_command(
    applied: Stage, damage: bytes
) -> None:
    assert applied.run("apply", "--yes", "--force", A).code == 0
    (applied.folder / "reconcile.state.json").write_bytes(damage)
    ended = applied.run("apply", "--yes")
    assert (ended.code, "reconcile state restore" in ended.err) == (1, True)
    assert applied.run("state", "restore").code == 0
    assert set(statuses(applied).values()) == {"covered"}


@pytest.mark.fault("S14")
def test_a_journal_damaged_in_the_middle_stops_and_is_repaired_by_one_command(
    applied: Stage,
) -> None:
    journal = applied.folder / "reconcile.state.json.journal"
    journal.write_bytes(b"00000000 {}\n00000000 {}\n")
    ended = applied.run("plan")
    assert (ended.code, "reconcile state repair" in ended.err) == (1, True)
    assert applied.run("state", "repair").code == 0
    assert set(statuses(applied).values()) == {"covered"}


def test_a_pulled_state_can_be_pushed_back_and_an_older_one_cannot(applied: Stage) -> None:
    old = applied.run("state", "pull").out
    applied.write(old, "old.json")
    assert applied.run("apply", "--yes", "--force", A).code == 0
    assert applied.run("state", "push", "old.json").code == 1
    assert applied.run("state", "push", "old.json", "--force").code == 0
    assert json.loads(applied.run("state", "list", "--format", "json").out)


@pytest.mark.parametrize("source", ["none", ".", "-"])
def test_what_cannot_be_read_is_not_pushed(applied: Stage, source: str) -> None:
    ended = applied.run("state", "push", source)
    assert (ended.code, f"{source} could not be read" in ended.err) == (1, True)
    assert "hint" not in ended.err


def test_a_state_is_not_migrated_onto_another_name_of_itself(applied: Stage) -> None:
    (applied.folder / "link").symlink_to(".")
    for name in ("link/reconcile.state.json", "./none/../reconcile.state.json"):
        ended = applied.run("state", "migrate", "reconcile.state.json", name)
        assert (ended.code, "migrate-same" in ended.err) == (1, True)


def test_a_refused_migration_tells_commands_for_the_place_that_refused(applied: Stage) -> None:
    applied.write(applied.run("state", "pull").out, "old.json")
    applied.run("state", "mark", A, "--due")
    ended = applied.run("state", "migrate", "old.json", "reconcile.state.json")
    assert ended.err.endswith("reconcile state push --force FILE --state reconcile.state.json\n")
    applied.write("", "old.json")
    ended = applied.run("state", "migrate", "old.json", "reconcile.state.json")
    assert ended.err.endswith("reconcile state restore --state old.json\n")


def test_looking_at_a_state_needs_no_desired_state_beside_it(applied: Stage) -> None:
    (applied.folder / "reconcile.toml").unlink()
    assert applied.run("state", "verify", "--state", "reconcile.state.json").code == 0


def test_all_records_of_a_model_move_to_its_new_name(applied: Stage) -> None:  # G9
    assert applied.run("state", "mv", "models.a", "models.b").code == 0
    applied.write(TEXT.replace("models.a", "models.b"))
    assert set(statuses(applied).values()) == {"covered"}


def test_records_are_removed_by_model_or_by_glob(applied: Stage) -> None:  # G9
    assert applied.run("state", "rm", "models.*.cache.*").code == 0
    assert applied.run("state", "rm", "models.a").code == 0
    assert applied.run("state", "list", "--format", "json").json()["items"] == []


def test_a_name_that_no_record_has_is_told_with_the_nearest(applied: Stage) -> None:
    ended = applied.run("state", "rm", "models.aa")
    assert ended.code == 1
    assert "models.a" in ended.err.replace("models.aa", "")


def test_a_record_does_not_move_onto_another(applied: Stage) -> None:
    assert applied.run("state", "mv", A, "models.a.cache.daily").code == 1
    assert applied.run("state", "mv", "models.a.cache.*", "models.b.refresh").code == 1


TWO = models(["a", "b"], 'refresh = { every = "6h" }\n') + "".join(
    f"""
[connections.{name}]
id = "{number}d1f6f0e-5b52-4c8f-9c3e-1f2a3b4c5d6e"
schedules.nightly.at = "02:00"
"""
    for number, name in enumerate(["v", "w"], 1)
)


@pytest.mark.parametrize(
    ("several", "one"),
    [("models.*.refresh", "models.c"), ("connections.*.schedules.nightly", "connections.x")],
)
def test_two_records_do_not_move_onto_one_address(staged: Staging, several: str, one: str) -> None:
    stage = staged(TWO)
    assert stage.run("apply", "--yes").code == 0
    before = stage.run("state", "pull").out
    moved = stage.run("state", "mv", several, one)
    assert (moved.code, "bad-move" in moved.err) == (1, True)
    assert stage.run("state", "pull").out == before


def test_a_model_renamed_in_the_file_is_renamed_and_nothing_is_called(applied: Stage) -> None:  # G9
    before = len(applied.calls())
    applied.write(TEXT.replace("models.a", "models.b"))
    assert "renamed from models.a.refresh" in applied.run("plan").out
    assert applied.run("apply", "--yes").code == 0
    assert len(applied.calls()) == before
    assert applied.run("plan", "--detailed-exitcode").code == 0
    history = applied.run("state", "history", "--format", "json").json()["entries"]
    assert [entry["entry"] for entry in history].count("renamed") == 1


# G5
@pytest.mark.parametrize("verb", ["show", "history", "mark --due"])
@pytest.mark.parametrize("address", ["models.aa.refresh", "models.a.refrsh", "nomatch*"])
def test_an_address_that_the_state_does_not_know_is_an_error(
    applied: Stage, verb: str, address: str
) -> None:
    done = applied.run("state", *verb.split(), address)
    assert (done.code, done.out) == (1, "")
    assert "not-recorded" in done.err
    assert ("The nearest is models.a.refresh." in done.err) == (address != "nomatch*")


# G15
def test_a_history_that_is_kept_elsewhere_is_not_nothing(applied: Stage) -> None:
    (applied.folder / "reconcile.state.json.history").unlink()
    done = applied.run("state", "history")
    assert done.code == 0
    assert "Nothing has happened" not in done.out
    assert "No history is kept here; the state is at serial " in done.out
    assert "warning[history-elsewhere]" in done.err


# G15
@pytest.mark.fault("L17")
@pytest.mark.parametrize("command", ["apply --yes --force", "state rm", "state mark --due"])
def test_a_state_that_cannot_be_saved_at_the_end_is_told(applied: Stage, command: str) -> None:
    (applied.folder / "reconcile.state.json.prev/in the way").mkdir(parents=True)
    ended = applied.run(*command.split(), A)
    assert (ended.code, ended.err.count("warning[state-file-error]")) == (0, 1)
    assert "the next run folds it in" in " ".join(ended.err.split())


def test_without_a_state_nothing_has_happened(staged: Staging) -> None:
    done = staged(TEXT).run("state", "history")
    assert (done.code, done.out, done.err) == (0, "Nothing has happened yet.\n", "")


# G13
@pytest.mark.parametrize("command", ["plan", f"why {A}", f"state show {A}"])
def test_an_item_that_ran_and_was_marked_due_was_marked_and_not_never_run(
    applied: Stage, command: str
) -> None:
    applied.run("state", "mark", A, "--due")
    told = " ".join(applied.run(*command.split()).out.split())
    assert "marked due " in told
    assert "never run" not in told
