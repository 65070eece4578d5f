"""Plans read back to be compared: whole, bounded, and of a known format, or not at all."""

import json
import os
from pathlib import Path

import pytest

from reconcile.errors import ReconcileError
from reconcile.model.comparison import PrintedPlan
from reconcile.model.desired import ScheduleSpec
from reconcile.model.plan import Plan
from reconcile.model.struct import replace
from reconcile.planning.fields import diff_plans
from reconcile.planning.plan import plan
from reconcile.render.actions import plan_document
from reconcile.render.documents import encode
from reconcile.review.command import load_plan_document
from tests.applying.native import Stage, declared
from tests.planning.making import NOON, carried_out, desired, hours, of, refresh, reset

PRINTED = encode(
    plan_document(plan(desired(refresh("ops"), reset("web")), of({}), NOON), host="http://omni")
)


def refused(path: Path) -> str:
    with pytest.raises(ReconcileError) as caught:
        load_plan_document(path)
    return caught.value.diagnostics[0].code


def edited(**parts: object) -> str:
    return json.dumps(json.loads(PRINTED) | parts)


def test_a_printed_plan_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(PRINTED, encoding="utf-8")
    read = load_plan_document(tmp_path / "a.json")
    assert (read.now, read.host) == (NOON, "http://omni")
    assert [call.address for call in read.calls] == ["models.ops.refresh", "models.web.cache.daily"]
    assert read.statuses == (("models.ops.refresh", "due"), ("models.web.cache.daily", "due"))


def scheduled(cron: str, *, hard: bool) -> Plan:
    return Stage().planned(declared({("north", "n"): ScheduleSpec(cron, "UTC", hard=hard)}))


def read_back(folder: Path, planned: Plan) -> PrintedPlan:
    (folder / "a.json").write_text(encode(plan_document(planned)), encoding="utf-8")
    return load_plan_document(folder / "a.json")


def test_plans_of_native_schedules_differ_by_what_is_written(tmp_path: Path) -> None:
    before = read_back(tmp_path, scheduled("0 2 * * ? *", hard=False))
    after = read_back(tmp_path, scheduled("0 3 * * ? *", hard=True))
    ((change,),) = (call.fields for call in diff_plans(before, after).calls)
    assert change.before == ("schedule=0 2 * * ? *", "timezone=UTC", "hardRefresh=false")
    assert change.after == ("schedule=0 3 * * ? *", "timezone=UTC", "hardRefresh=true")


def test_of_a_renamed_item_that_is_due_the_call_is_compared(tmp_path: Path) -> None:
    old, new = (replace(refresh(name), model_id="same") for name in ("old", "new"))
    before = carried_out(plan(desired(old), of({}), NOON), of({}))
    (call,) = read_back(tmp_path, plan(desired(new), before, NOON + hours(9))).calls
    assert ("kind", "refresh") in call.fields


@pytest.mark.fault("Z18")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not-a-plan"),
        ("[]", "not-a-plan"),
        ("{}", "not-a-plan"),
        ("[" * 100_000, "not-a-plan"),
        ('{"a":' * 40 + "1" + "}" * 40, "not-a-plan"),
        (PRINTED[:-10], "not-a-plan"),
        (edited(now="2026-01-01T00:00:00"), "not-a-plan"),
        (edited(now=7), "not-a-plan"),
        (edited(actions={}), "not-a-plan"),
        (edited(actions=json.loads(PRINTED)["actions"] * 2), "not-a-plan"),
        (edited(format_version=99), "plan-of-another-format"),
        (edited(format_version=True), "not-a-plan"),
        (" " * (10 * 1024 * 1024 + 1), "file-too-large"),
    ],
)
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    assert refused(tmp_path / "a.json") == code


@pytest.mark.fault("Z18")
def test_a_pipe_and_a_missing_plan_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe") == "not-a-file"
    assert refused(tmp_path / "gone") == "file-not-found"
