"""What a live look found, as a listing and as JSON."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.live.drift import drift_json
from reconcile.live.observed import (
    BranchMissing,
    ClockOff,
    ConnectionDiffers,
    ConnectionFilled,
    ConnectionGone,
    ConnectionShared,
    ConnectionSplit,
    Finding,
    ForeignSchedule,
    ModelDeleted,
    ModelMissing,
    NotChecked,
    PolicyUnknown,
    ScheduleDiffers,
    ScheduleDisabled,
    ScheduleMissing,
    SchemaUnknown,
    SelectionEmpty,
    SelectionJoined,
    SelectionLeft,
)
from reconcile.live.text import finding_text, findings_markdown, findings_text
from reconcile.model.address import Address
from reconcile.model.desired import NativeSchedule, ScheduleSpec
from reconcile.model.observed import Shadowed
from reconcile.model.struct import replace
from tests.conftest import Snapshot
from tests.render.schemas import validating

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SALES, DAILY = Address("models.sales.refresh"), Address("models.sales.cache.daily")
NIGHT = Address("connections.dwh.schedules.night")
ID = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"
HOSTILE = "x\x1b[2J\u202e\n  differs  models.fake ::error::"
drift_satisfies = validating("drift")


def every_kind(name: str) -> tuple[Finding, ...]:
    spec = ScheduleSpec("0 6 * * ? *", "UTC", hard=True)
    native = NativeSchedule(schedule_id=name, connection_id=name, spec=spec)
    sales = (SALES,)
    return (
        ModelMissing(addresses=sales, model_id=ID, alike=name),
        ModelDeleted(addresses=sales, model_id=ID, name=name, deleted_at=NOON),
        ConnectionDiffers(addresses=sales, model_id=ID, declared=name, lives_on=name, name=name),
        ConnectionSplit(addresses=sales, declared=name, lives_on=(name, ID)),
        ConnectionShared(addresses=sales, declared=(name, ID), lives_on=ID, name=name),
        ConnectionGone(addresses=sales, declared=name),
        BranchMissing(addresses=sales, model_id=ID, branch_id=ID, branches=(name,) * 7),
        PolicyUnknown(addresses=(DAILY,), model_id=ID, policy="daily", near=name),
        PolicyUnknown(addresses=(DAILY,), model_id=ID, policy="daily"),
        SchemaUnknown(addresses=sales, model_id=ID, key="tables", name=name, near=name),
        SchemaUnknown(addresses=sales, model_id=ID, key="schemas", name=name, known=(name,)),
        ConnectionFilled(addresses=sales, lives_on=ID, name=name),
        ScheduleMissing(addresses=(NIGHT,), declared=spec),
        ScheduleDiffers(addresses=(NIGHT,), declared=replace(spec, cron=name), schedule=native),
        ScheduleDisabled(addresses=(NIGHT,), schedule=native),
        ForeignSchedule(addresses=(), connection=name, schedule=native),
        Shadowed(addresses=sales, schedule=native, kind="redundant"),
        Shadowed(addresses=sales, schedule=native, kind="close", ours=NOON, theirs=NOON),
        SelectionJoined(addresses=(), model_id=ID, name=name),
        SelectionLeft(addresses=sales, model_id=ID, name=name),
        SelectionEmpty(addresses=(), number=2, selects=f"SHARED {name}", near=(name,)),
        ClockOff(addresses=(), ahead_s=-90.0),
    )


def shown(findings: tuple[Finding, ...], width: int = 100) -> str:
    later = NOON + timedelta(minutes=3)
    blind = (NotChecked(part="connections", count=1, why=HOSTILE, declared=False),)
    return findings_text(
        findings, observed_at=NOON, now=later, not_checked=blind, width=width, colour=False
    )


def test_findings_are_listed_by_weight(snapshot: Snapshot) -> None:
    snapshot("live_findings.txt", shown(every_kind("Sales EMEA")))


@pytest.mark.parametrize("width", [60, 80])
def test_no_line_is_wider_than_asked_but_for_a_long_word(width: int) -> None:
    lines = shown(every_kind("Sales"), width).splitlines()
    assert all(len(line) <= width or " " not in line.strip() for line in lines)


def test_a_hostile_name_forges_nothing() -> None:
    text = shown(every_kind(HOSTILE))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not any(line.startswith("  differs  models.fake") for line in text.splitlines())


# G19
@pytest.mark.parametrize(
    ("theirs", "ours", "told"),
    [
        (("0 2 * * ? *", "UTC"), ("30 3 * * ? *", "UTC"), ("at 02:00,", "says 03:30.")),
        (("0 2 * * ? *", "UTC"), ("0 2 * * ? *", "Asia/Tokyo"), ("at 02:00 UTC", "02:00 Asia")),
        (("0 2 * * ? *", "UTC", True), ("0 2 * * ? *", "UTC"), ("runs it hard", "says soft")),
        (
            ("0 2 1 * ? *", "UTC", True),
            ("0 2 * * ? *", "UTC"),
            ("on 0 2 1 * ? *, hard", "02:00, soft"),
        ),
    ],
)
def test_a_schedule_that_was_edited_is_told_by_both_sides(
    theirs: tuple[str, str], ours: tuple[str, str], told: tuple[str, str]
) -> None:
    there = NativeSchedule(schedule_id="x", connection_id="c", spec=ScheduleSpec(*theirs))
    found = ScheduleDiffers(addresses=(NIGHT,), declared=ScheduleSpec(*ours), schedule=there)
    text = finding_text(found)
    assert text.startswith("Omni runs it ")
    assert all(words in text for words in told)


@given(st.text(max_size=300))
def test_json_satisfies_its_schema_whatever_the_names_are(name: str) -> None:
    told = drift_json(
        every_kind(name), host="https://x", observed_at=NOON, now=NOON, not_checked=()
    )
    assert told.isascii()
    document = json.loads(told)
    drift_satisfies(document)
    assert document["differs"]
    assert {"digest", "actions"}.isdisjoint(document)


@given(st.text(max_size=100) | st.just("````"))
def test_no_name_leaves_the_block_of_a_comment(name: str) -> None:
    lines = findings_markdown(shown(every_kind(name))).splitlines()
    fence = lines[3].removesuffix("text")
    assert [number for number, line in enumerate(lines) if line.startswith(fence)] == [
        3,
        len(lines) - 1,
    ]
