"""Plans read back to be compared: whole, bounded, and of a known format, or not at all."""

import json
import os
from pathlib import Path

import pytest

from reconcile.errors import ReconcileError
from reconcile.planning.plan import plan
from reconcile.render.actions import plan_document
from reconcile.render.documents import encode
from reconcile.review.command import load_plan_document
from tests.planning.making import NOON, desired, of, refresh, reset

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
