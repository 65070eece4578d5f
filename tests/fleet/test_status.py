"""What `fleet status`, the page and the metrics say of instances, from their rows alone."""

import json
import re
from datetime import timedelta

import pytest

from reconcile.config.fleet import Hold, Seat
from reconcile.controller.cycle import Outcome, Verdict
from reconcile.controller.page import live_html
from reconcile.errors import diagnose
from reconcile.fleet.text import Totals, fleet_json, fleet_text, is_troubled
from reconcile.fleet.web import Excerpt, fleet_metrics, fleet_page
from reconcile.fleet.worker import trouble_in
from reconcile.model.recorded import Failure, Record
from reconcile.model.struct import replace
from reconcile.planning.plan import plan
from reconcile.render.table import ItemEntry
from tests.controller.watching import samples
from tests.planning.making import NOON, desired, hours, of, refresh

REVOKED = "Omni refused the token: the answer was 401"
WELL = Seat(instance="acme", ran_at=NOON, outcome="idle", wake_at=NOON + hours(1))
HELD_ITEM = replace(WELL, instance="held", trouble="models.m.refresh is held: 5 failures")
PARTLY = replace(WELL, instance="revoked", outcome="partly", trouble=REVOKED)
FAILED = replace(WELL, instance="broken", outcome="failed", failures=2, trouble="not TOML")
LATE = replace(WELL, instance="late", wake_at=NOON - hours(1))
LOCKED = replace(WELL, instance="locked", outcome="locked", trouble="Another run holds the lock")
LOCKED_LONG = replace(LOCKED, instance="left", wake_at=NOON - hours(1))
NEVER_RUN = Seat(instance="unseen", wake_at=NOON - hours(1))
PAUSED = replace(FAILED, instance="paused", hold=Hold(until=None, reason="they migrate"))
ALL = [WELL, FAILED, HELD_ITEM, LATE, LOCKED, LOCKED_LONG, PAUSED, PARTLY, NEVER_RUN]
TROUBLED = ["broken", "held", "late", "left", "revoked", "unseen"]


def outcome(verdict: Verdict, **more: object) -> Outcome:
    return replace(Outcome(verdict=verdict, began_at=NOON, ended_at=NOON), **more)


def text(seats: list[Seat], **more: bool) -> str:
    return fleet_text(seats, NOON, width=100, colour=False, **more)


def test_what_does_not_go_on_is_trouble_and_a_pause_or_another_run_is_none() -> None:  # K4
    assert [seat.instance for seat in ALL if is_troubled(seat, NOON)] == TROUBLED


def test_text_and_json_begin_with_totals_and_troubles() -> None:  # K10
    told = json.loads(fleet_json(ALL, NOON))
    assert told["totals"] == {"instances": 9, "in_trouble": 6, "due": 3, "paused": 1}
    names = [seat["instance"] for seat in told["instances"]]
    assert sorted(names[:6]) == TROUBLED
    first, *lines = text(ALL).splitlines()
    assert first.startswith("9 instances · 6 in trouble · 3 due · 1 paused")
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == names


def test_only_troubles_may_be_listed_and_the_totals_are_still_of_all() -> None:  # K10
    told = json.loads(fleet_json(ALL, NOON, troubled_only=True))
    assert sorted(seat["instance"] for seat in told["instances"]) == TROUBLED
    assert told["totals"]["instances"] == 9
    assert "acme" not in text(ALL, troubled_only=True)


def test_two_thousand_instances_are_no_two_thousand_lines_unless_asked_for() -> None:  # K10
    many = [replace(WELL, instance=f"i{number:04}") for number in range(2_000)]
    lines = text([*many, PARTLY]).splitlines()
    assert len(lines) < 60
    assert lines[1].startswith("revoked")
    assert lines[-1] == "and 1,951 more, which -v lists"
    assert len(text([*many, PARTLY], whole=True).splitlines()) > 2_000


def test_two_thousand_instances_are_a_page_that_is_small_and_names_those_in_trouble_first() -> None:
    # K11
    many = [replace(WELL, instance=f"i{number:04}") for number in range(2_000)]
    page = fleet_page([*many, PARTLY], NOON, "one")
    assert page.items is not None
    first, *_, note = page.items.rows
    assert isinstance(first, ItemEntry)
    assert first.name == "revoked"
    assert note == "1,701 more instances: /?page=2, or by name: /?match=eu-*"
    assert len(live_html(page)) < 300_000


def test_instances_are_found_on_the_page_by_name_and_page_by_page() -> None:  # K11
    many = [replace(WELL, instance=f"i{number:04}") for number in range(2_000)]

    def names(**query: str) -> list[str]:
        items = fleet_page(many, NOON, "one", Excerpt.asked_for(query)).items
        rows = () if items is None else items.rows
        return [row.name for row in rows if isinstance(row, ItemEntry)]

    assert names(match="i17*", page="1") == [f"i17{number:02}" for number in range(100)]
    assert names(page="7") == [f"i{number:04}" for number in range(1_800, 2_000)]
    assert names(page="none") == names()


def test_page_and_metrics_name_the_same_instances() -> None:  # K4
    page = fleet_page(ALL, NOON, "one")
    assert page.head.headline == "6 instances in trouble"
    assert page.items is not None
    rows = {row.name: row for row in page.items.rows if isinstance(row, ItemEntry)}
    assert sorted(name for name, row in rows.items() if row.tone == "failed") == TROUBLED
    assert REVOKED in rows["revoked"].why
    figures = samples(fleet_metrics(ALL, NOON))
    named = {seat.instance: f'{{instance="{seat.instance}"}}' for seat in ALL}
    values = {it: figures[f"reconcile_fleet_instance_in_trouble{on}"] for it, on in named.items()}
    assert sorted(name for name, value in values.items() if value) == TROUBLED


@pytest.mark.parametrize("seats", [[], [WELL], [PAUSED, LOCKED], [Seat(instance="new")]])
def test_a_fleet_without_trouble_has_none(seats: list[Seat]) -> None:
    assert Totals.of(seats, NOON).in_trouble == 0


def test_a_refused_token_is_named_whatever_else_the_run_did() -> None:  # K4
    refused = diagnose("token-refused", "The answer was 401.")
    told = trouble_in(outcome(Verdict.PARTLY, problems=(refused,)))
    assert told == f"{refused.summary}: The answer was 401."


def test_items_that_are_held_or_tried_again_later_are_named_though_the_run_was_idle() -> None:
    records = {
        it.address: Record(failures=number, last_failure=Failure(NOON, "500 from Omni"))
        for it, number in ((refresh("a"), 1), (refresh("b"), 9))
    }
    items = [refresh("a"), refresh("b"), refresh("c")]
    planned = plan(desired(*items), of(records), NOON + timedelta(seconds=1))
    told = trouble_in(outcome(Verdict.IDLE, plan=planned))
    assert told is not None
    assert told.startswith("models.b.refresh is held: ")
    assert told.endswith('"500 from Omni"; and 1 more item')


def test_what_is_kept_of_a_run_tells_no_distance_from_its_end() -> None:
    record = Record(failures=1, last_failure=Failure(NOON, "500 from Omni"))
    items = [refresh("a")]
    planned = plan(desired(*items), of({items[0].address: record}), NOON + timedelta(seconds=1))
    told = trouble_in(outcome(Verdict.IDLE, plan=planned))
    assert told is not None
    assert re.search(r"tries again Sun 22 Nov \d\d:\d\d\S*$", told), told


def test_where_all_goes_on_there_is_no_trouble() -> None:
    planned = plan(desired(refresh("a")), of({}), NOON)
    assert trouble_in(outcome(Verdict.IDLE, plan=planned)) is None
