from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.address import Address
from reconcile.model.journal import (
    Accepted,
    Done,
    Doubted,
    Entry,
    Failed,
    Forgotten,
    Intent,
    Marked,
    Missed,
    Moved,
    Noted,
    NotSent,
    Numbered,
    Rejected,
    Waived,
)
from reconcile.model.plan import Request
from reconcile.model.recorded import Coverage, Kind, Pending, Record, Recorded
from reconcile.planning.replay import replay
from tests.strategies import few_addresses, journals, states

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SALES, OPS = Address("models.sales.refresh"), Address("models.ops.refresh")
EMPTY = Recorded(lineage="lineage")


def intent(
    *covers: Coverage, operation: str = "one", at: datetime = NOON, kind: Kind = "refresh"
) -> Intent:
    return Intent(at, operation, kind, covers, Request("POST", "/refresh"), "https://omni")


def numbered(entries: Sequence[Entry], first: int = 1) -> list[Numbered]:
    return [Numbered(place, entry) for place, entry in enumerate(entries, first)]


def after(*entries: Entry) -> Recorded:
    return replay(EMPTY, numbered(entries))


def sales(*entries: Entry) -> Record:
    return after(*entries).items[SALES]


def test_an_intent_leaves_every_address_it_covers_in_doubt() -> None:
    state = after(intent(Coverage(SALES), Coverage(OPS)))
    assert state.items[SALES].pending == Pending(
        "one", "refresh", NOON, Coverage(SALES), accepted=False
    )
    assert state.items[OPS].pending == Pending(
        "one", "refresh", NOON, Coverage(OPS), accepted=False
    )


def test_the_first_intent_binds_the_host_for_good() -> None:
    elsewhere = Intent(NOON, "two", "reset", (), Request("POST", "/"), "https://elsewhere")
    assert after(intent(), elsewhere).host == "https://omni"


@pytest.mark.parametrize(
    "outcome",
    [NotSent(NOON, "one", "no"), Rejected(NOON, "one", "429: slow down", blames=())],
)
def test_an_outcome_that_says_nothing_about_the_item_is_no_failure_of_it(
    outcome: NotSent | Rejected,
) -> None:
    record = sales(intent(Coverage(SALES)), outcome)
    assert (record.pending, record.failures, record.last_failure) == (None, 0, None)


@pytest.mark.parametrize("kind", [Rejected, Failed])
def test_a_call_that_did_not_work_is_a_failure_and_no_longer_awaited(
    kind: type[Rejected | Failed],
) -> None:
    record = sales(intent(Coverage(SALES)), kind(NOON + HOUR, "one", "no"))
    assert (record.pending, record.failures) == (None, 1)
    assert record.last_failure is not None
    assert (record.last_failure.at, record.last_failure.message) == (NOON + HOUR, "no")
    assert record.last_success is None


def test_an_accepted_call_is_awaited_by_its_job() -> None:
    pending = sales(intent(Coverage(SALES)), Accepted(NOON, "one", "job")).pending
    assert pending == Pending("one", "refresh", NOON, Coverage(SALES), job_id="job", accepted=True)


def test_a_doubt_ends_nothing_and_forgets_no_job() -> None:
    accepted = (intent(Coverage(SALES)), Accepted(NOON, "one", "job"))
    assert sales(*accepted, Doubted(NOON, "one", "no reply")) == sales(*accepted)


def test_a_call_that_our_own_end_cut_off_is_no_doubt_that_counts() -> None:
    begun = intent(Coverage(SALES))
    assert sales(begun, Doubted(NOON, "one", "cut", cut_off=True)) == sales(begun)


def test_a_success_covers_from_when_the_call_was_sent() -> None:
    coverage = Coverage(SALES, slot=NOON - HOUR, content="hash")
    record = sales(intent(coverage), Done(NOON + HOUR, "one", NOON + HOUR, lasted_s=3000.0))
    assert record == Record(
        covered_slot=NOON - HOUR,
        content="hash",
        last_success=NOON,
        completed_at=NOON + HOUR,
        durations_s=(3000.0,),
    )


def test_a_success_ends_a_row_of_failures() -> None:
    failing = (intent(Coverage(SALES)), Failed(NOON, "one", "no"))
    record = sales(*failing, intent(Coverage(SALES), operation="two"), Done(NOON, "two", NOON))
    assert (record.failures, record.last_failure) == (0, None)


def test_a_slot_once_covered_stays_covered() -> None:
    record = sales(
        intent(Coverage(SALES, slot=NOON)),
        Done(NOON, "one", NOON),
        intent(Coverage(SALES, slot=NOON - HOUR), operation="two"),
        Done(NOON, "two", NOON),
    )
    assert record.covered_slot == NOON


def test_a_forced_reset_may_move_the_stamp_back() -> None:
    record = sales(
        intent(Coverage(SALES, stamp=NOON), kind="reset"),
        Done(NOON, "one", NOON),
        intent(Coverage(SALES, stamp=NOON - HOUR), kind="reset", operation="two"),
        Done(NOON, "two", NOON),
    )
    assert record.stamp == NOON - HOUR
    assert record.durations_s == ()


def test_the_newest_eight_durations_are_kept() -> None:
    entries: list[Entry] = []
    for seconds in range(10):
        entries += [
            intent(Coverage(SALES), operation=str(seconds)),
            Done(NOON, str(seconds), NOON, lasted_s=float(seconds)),
        ]
    assert sales(*entries).durations_s == (2, 3, 4, 5, 6, 7, 8, 9)


def test_a_success_of_which_no_poll_told_how_long_it_took_leaves_no_duration() -> None:
    assert sales(intent(Coverage(SALES)), Done(NOON + HOUR, "one", NOON + HOUR)).durations_s == ()


def test_a_resent_call_takes_the_place_of_the_one_in_doubt() -> None:
    resent = intent(Coverage(SALES), operation="two", at=NOON + HOUR)
    record = sales(intent(Coverage(SALES)), resent, NotSent(NOON, "one", "late news"))
    assert record.pending == Pending("two", "refresh", NOON + HOUR, Coverage(SALES), accepted=False)
    assert record.failures == 0


AGAIN = intent(Coverage(SALES), operation="two", at=NOON + HOUR)
CAME_TO_NOTHING: list[NotSent | Rejected] = [
    NotSent(NOON + HOUR, "two", "no connection"),
    Rejected(NOON + HOUR, "two", "429: slow down", blames=()),
    Rejected(NOON + HOUR, "two", "404: no such model"),
]


@pytest.mark.parametrize("outcome", CAME_TO_NOTHING)
def test_what_proves_that_a_resent_call_did_nothing_says_nothing_of_the_one_in_doubt(
    outcome: NotSent | Rejected,
) -> None:
    lost = Doubted(NOON + HOUR / 2, "one", "no reply")
    pending = sales(intent(Coverage(SALES)), lost, AGAIN, outcome).pending
    assert pending == Pending("two", "refresh", lost.at, Coverage(SALES), accepted=False)


def test_a_resent_call_that_was_not_sent_leaves_the_row_of_doubts_as_it_was() -> None:
    lost = (intent(Coverage(SALES)), Doubted(NOON, "one", "no reply"))
    before, left = sales(*lost), sales(*lost, AGAIN, CAME_TO_NOTHING[0])
    assert (left.doubts, left.last_doubt) == (before.doubts, before.last_doubt)


@pytest.mark.parametrize("outcome", CAME_TO_NOTHING)
def test_a_call_that_our_own_end_cut_off_stays_in_doubt_while_resent_ones_do_nothing(
    outcome: NotSent | Rejected,
) -> None:
    third = intent(Coverage(SALES), operation="three", at=NOON + 2 * HOUR)
    again = (AGAIN, outcome, third, NotSent(NOON + 2 * HOUR, "three", "no connection"))
    record = sales(intent(Coverage(SALES)), *again)
    assert record.pending is not None
    assert (record.pending.job_id, record.doubts) == (None, 0)


@pytest.mark.parametrize("outcome", CAME_TO_NOTHING)
def test_a_job_is_awaited_as_before_once_a_forced_call_beside_it_did_nothing(
    outcome: NotSent | Rejected,
) -> None:
    runs = (intent(Coverage(SALES)), Accepted(NOON, "one", "job"))
    record = sales(*runs, AGAIN, outcome)
    assert (record.pending, record.unseen) == (sales(*runs).pending, None)


def test_a_resent_call_that_is_accepted_and_fails_leaves_nothing_in_doubt() -> None:
    lost = (intent(Coverage(SALES)), Doubted(NOON, "one", "no reply"))
    record = sales(*lost, AGAIN, Accepted(NOON + HOUR, "two", "job"), Failed(NOON, "two", "no"))
    assert (record.pending, record.failures) == (None, 1)


def test_an_outcome_of_an_unknown_operation_changes_nothing() -> None:
    before = after(intent(Coverage(SALES)))
    later = replay(before, [Numbered(2, Done(NOON, "never heard of", NOON))])
    assert later.items == before.items


def declared(timing: object = "6h", identity: object = "id", request: object = "hard") -> Noted:
    parts = {"timing": timing, "identity": identity, "request": request}
    return Noted(NOON + HOUR, SALES, parts)


FIRST = Noted(NOON, SALES, {"timing": "6h", "identity": "id", "request": "hard"})
FAILED = (intent(Coverage(SALES)), Failed(NOON, "one", "no"))


def test_an_unchanged_declaration_changes_nothing() -> None:
    assert sales(FIRST, *FAILED, declared()) == sales(FIRST, *FAILED)


def test_changed_timing_starts_a_new_since_and_releases_a_hold() -> None:
    record = sales(FIRST, *FAILED, declared(timing="1h"))
    assert (record.since, record.failures, record.last_failure) == (NOON + HOUR, 0, None)


def test_a_changed_request_releases_a_hold_and_keeps_since() -> None:
    record = sales(FIRST, *FAILED, declared(request="soft"))
    assert (record.since, record.failures) == (NOON, 0)


def test_a_changed_identity_drops_what_was_known_of_another_model() -> None:
    done = (intent(Coverage(SALES, slot=NOON)), Done(NOON, "one", NOON))
    changed = declared(identity="another")
    assert sales(FIRST, *done, changed) == Record(declared=changed.declared, since=NOON + HOUR)


def test_a_first_declaration_keeps_what_is_recorded() -> None:
    record = sales(intent(Coverage(SALES)), FIRST)
    assert record.pending is not None
    assert record.since == NOON


def test_a_missed_slot_is_remembered_and_does_not_go_back() -> None:
    record = sales(Missed(NOON, SALES, NOON), Missed(NOON, SALES, NOON - HOUR))
    assert record == Record(missed_slot=NOON)


def test_a_forgotten_item_leaves_nothing_that_an_outcome_could_bring_back() -> None:
    state = after(intent(Coverage(SALES)), Forgotten(NOON, SALES), Done(NOON, "one", NOON))
    assert state.items == {}


def test_a_mark_done_covers_and_ends_the_doubt() -> None:
    covers = Coverage(SALES, slot=NOON, stamp=NOON, content="hash")
    record = sales(*FAILED, intent(Coverage(SALES)), Marked(NOON + HOUR, SALES, covers))
    assert record == Record(
        covered_slot=NOON,
        stamp=NOON,
        content="hash",
        last_success=NOON + HOUR,
        completed_at=NOON + HOUR,
    )


def test_a_mark_due_leaves_nothing_that_would_still_cover_the_item() -> None:
    done = Marked(NOON, SALES, Coverage(SALES, slot=NOON, stamp=NOON, content="hash"))
    assert sales(done, *FAILED, Marked(NOON, SALES, None)) == Record(marked_at=NOON)


def test_a_moved_record_takes_the_call_it_awaits_with_it() -> None:
    state = after(intent(Coverage(SALES)), Moved(NOON, SALES, OPS), Done(NOON, "one", NOON))
    assert state.items.keys() == {OPS}
    assert state.items[OPS].last_success == NOON


def test_a_waiver_touches_no_item() -> None:
    assert after(Waived(NOON, "calls", 80)).items == {}


@pytest.mark.fault("S16")
@given(states(few_addresses), journals())
def test_replaying_again_changes_nothing(state: Recorded, journal: list[Numbered]) -> None:
    once = replay(state, journal)
    assert replay(once, journal) == once


@given(journals(), st.integers(0, 20))
def test_replaying_in_two_parts_is_replaying_at_once(journal: list[Numbered], cut: int) -> None:
    assert replay(replay(EMPTY, journal[:cut]), journal[cut:]) == replay(EMPTY, journal)


@pytest.mark.fault("T08")
@given(journals(), st.randoms(use_true_random=False))
def test_only_the_sequence_orders_entries(journal: list[Numbered], random: Random) -> None:
    shuffled = random.sample(journal, len(journal))
    assert replay(EMPTY, shuffled) == replay(EMPTY, journal)


@given(journals())
def test_every_prefix_replays_and_counts_on(journal: list[Numbered]) -> None:
    for length in range(len(journal) + 1):
        assert replay(EMPTY, journal[:length]).sequence == length


@given(states(few_addresses), journals())
def test_a_replay_leaves_the_state_it_starts_from_alone(
    state: Recorded, journal: list[Numbered]
) -> None:
    before = dict(state.items)
    replay(state, journal)
    assert state.items == before
