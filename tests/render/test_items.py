import json

import pytest

from reconcile.model.address import Address
from reconcile.model.reason import Status
from reconcile.model.recorded import (
    Carrier,
    Coverage,
    Failure,
    Look,
    Pending,
    Record,
    Recorded,
    Unseen,
)
from reconcile.model.struct import replace
from reconcile.render.layout import cells
from reconcile.render.records import records_json
from tests.conftest import Snapshot
from tests.render.moments import CLOSE, DAILY, NEW_YORK, NOW, SALES, SIX, ago, later
from tests.render.plans import items_json, items_text, record_json, record_text
from tests.render.reasons import HELD
from tests.render.samples import standing

GONE = Address("models.gone.refresh")
CARRIER = Carrier("5e0c1a52", "warehouse")
FULL = Record(
    declared={
        "identity": {"model_id": "bc1f9c9f", "branch_id": None},
        "timing": {"every": 21600.0},
    },
    since=ago(9000),
    covered_slot=SIX,
    stamp=SIX,
    content="sha256:ab",
    last_success=ago(372),
    completed_at=ago(371),
    missed_slot=ago(3000),
    failures=2,
    last_failure=Failure(ago(80), "Connection refused\nby the warehouse"),
    pending=Pending(
        "op-7",
        "refresh",
        ago(40),
        Coverage(SALES, SIX, attempt=2),
        job_id="job-42",
        accepted=True,
        carrier=CARRIER,
        look=Look(ago(4), "HTTP 404: no such job", absent=2, forbidden=1, counted_at=ago(5)),
    ),
    durations_s=(38.0, 41.5),
    carrier=CARRIER,
    doubts=2,
    last_doubt=Failure(ago(50), "no complete reply within 30 s"),
    unseen=Unseen(
        ago(390),
        "HTTP 403: no permission",
        Pending(
            "op-6",
            "refresh",
            ago(400),
            Coverage(SALES, SIX),
            job_id="job-41",
            accepted=True,
        ),
        forbidden=True,
    ),
    marked_at=ago(41),
)
RECORDED = Recorded(
    lineage="c0ffee",
    serial=7,
    host="https://myorg.omniapp.co",
    items={SALES: FULL, DAILY: Record(stamp=SIX, last_success=ago(20)), GONE: Record()},
)
STANDINGS = (
    standing(CLOSE, Status.HELD, HELD),
    standing(DAILY, next_slot=later(1418)),
    standing(SALES, Status.DUE, next_slot=later(348)),
)


@pytest.mark.parametrize("width", [120, 60, 30])
def test_every_item_has_its_line(width: int, snapshot: Snapshot) -> None:
    text = items_text(STANDINGS, RECORDED, NOW, width=width, colour=False)
    snapshot(f"items_{width}.txt", text)


def test_no_line_is_wider_than_the_terminal() -> None:
    for width in range(45, 130):
        text = items_text(STANDINGS, RECORDED, NOW, width=width, colour=True)
        for code in ("31", "94", "2", "0"):
            text = text.replace(f"\x1b[{code}m", "")
        assert max(map(cells, text.splitlines())) <= width


def test_a_record_is_told_in_full(snapshot: Snapshot) -> None:
    snapshot("record.txt", record_text(SALES, FULL, NOW, NEW_YORK, width=80))


@pytest.mark.parametrize(
    ("accepted", "told"), [(True, "end unknown"), (False, "may or may not have been sent")]
)
def test_a_doubt_is_told_as_one(accepted: bool, told: str) -> None:  # noqa: FBT001 (a parameter)
    pending = Pending("op-7", "reset", ago(4), Coverage(DAILY), accepted=accepted)
    assert told in record_text(DAILY, Record(pending=pending), NOW, "UTC", width=80)


def test_an_empty_record_is_just_its_address() -> None:
    assert record_text(SALES, Record(), NOW, "UTC", width=80) == "models.sales.refresh\n"


def test_programs_get_the_same(snapshot: Snapshot) -> None:
    snapshot("record.json", record_json(SALES, FULL))
    snapshot("records.json", records_json(RECORDED))
    snapshot("items.json", items_json(STANDINGS, RECORDED, NOW))


def test_records_are_sorted_whatever_their_order() -> None:
    turned = replace(RECORDED, items=dict(reversed(list(RECORDED.items.items()))))
    assert records_json(turned) == records_json(RECORDED)


def test_what_is_only_recorded_is_listed_last() -> None:
    addresses = [i["address"] for i in json.loads(items_json(STANDINGS, RECORDED, NOW))["items"]]
    assert addresses == [CLOSE, DAILY, SALES, GONE]


def test_a_long_table_says_what_it_leaves_out_unless_asked_for_all() -> None:
    many = [standing(Address(f"models.m{number:04}.refresh")) for number in range(1_200)]
    short, whole = (
        items_text(many, RECORDED, NOW, width=120, colour=False, verbose=verbose)
        for verbose in (False, True)
    )
    assert short.endswith("... and 203 more: --verbose lists all of them.\n")
    assert "m0999" in short
    assert "m1000" not in short
    assert "1,203 items" in short.splitlines()[0]
    assert "gone" in whole
    assert len(json.loads(items_json(many, RECORDED, NOW))["items"]) == 1_203
