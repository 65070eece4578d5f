"""The schemas of what is recorded, of the log and of the page: true of anything there can be."""

import json

import pytest
from hypothesis import given

from reconcile.controller.situation import situation_json
from reconcile.model.desired import Desired
from reconcile.model.journal import Numbered, Signalled
from reconcile.model.recorded import Recorded, Signal
from reconcile.model.struct import replace
from reconcile.planning.plan import standings
from reconcile.render.records import history_json, records_json
from tests.browser.test_dashboard import situation_of, troubled
from tests.planning.making import NOON
from tests.planning.worlds import worlds
from tests.render.breaking import unnoticed
from tests.render.moments import NOW, SALES
from tests.render.plans import items_json, record_json
from tests.render.samples import plan, troubled_plan
from tests.render.schemas import ENTRIES, validating, validator, words
from tests.render.test_items import FULL, RECORDED, STANDINGS
from tests.strategies import examples, journals, states

list_satisfies, show_satisfies = validating("state-list"), validating("show")
one_satisfies, history_satisfies = validating("state-show"), validating("state-history")


def lasting(recorded: Recorded) -> Recorded:
    """Leave durations as they can be."""
    return replace(
        recorded,
        items={
            address: replace(record, durations_s=tuple(map(abs, record.durations_s)))
            for address, record in recorded.items.items()
        },
    )


@examples(30)
@given(states().map(lasting))
def test_whatever_is_recorded_satisfies_its_schema(recorded: Recorded) -> None:
    list_satisfies(json.loads(records_json(recorded)))
    show_satisfies(json.loads(items_json((), recorded, NOON)))
    for address, record in recorded.items.items():
        one_satisfies(json.loads(record_json(address, record)))
    for address, schedule in recorded.schedules.items():
        one_satisfies(json.loads(record_json(address, schedule)))


@examples(30)
@given(worlds())
def test_however_items_stand_they_satisfy_their_schema(world: tuple[Desired, Recorded]) -> None:
    declared, recorded = world
    show_satisfies(json.loads(items_json(standings(declared, recorded, NOON), recorded, NOON)))


@examples(30)
@given(journals())
def test_any_history_satisfies_its_schema(journal: list[Numbered]) -> None:
    history_satisfies(json.loads(history_json(journal)))


def test_a_signal_without_a_note_satisfies_the_schema_of_histories() -> None:
    signalled = Signalled(NOON, "load", Signal(NOON, NOON))
    history_satisfies(json.loads(history_json([Numbered(1, signalled)])))


def test_every_entry_of_the_journal_has_its_word_in_the_schema_of_histories() -> None:
    assert words("state-history", "entry") == ENTRIES


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("show", items_json(STANDINGS, RECORDED, NOW)),
        ("state-list", records_json(RECORDED)),
        ("state-show", record_json(SALES, FULL)),
        ("run-status", situation_json(situation_of(troubled_plan()), NOW)),
    ],
)
def test_what_is_wrong_anywhere_does_not_satisfy_the_schema(name: str, text: str) -> None:
    assert unnoticed(validator(name), json.loads(text)) == []


def test_the_page_satisfies_its_schema_from_its_beginning_to_its_worst() -> None:
    begun = situation_of(plan(()), plan=None, timeline=None, cycle=None, recorded=None)
    for situation in (begun, troubled(troubled_plan())):
        validating("run-status")(json.loads(situation_json(situation, NOW)))
