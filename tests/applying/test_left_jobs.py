"""Jobs whose end is not seen: looks, what they count for, and when they are awaited no longer."""

from datetime import timedelta

import pytest

from reconcile.model.desired import AfterRefresh, Every
from reconcile.model.journal import Doubted, EndUnseen, Looked
from reconcile.model.plan import Refresh
from reconcile.model.progress import Left
from reconcile.model.reason import Status
from tests.applying.episodes import Applied, Episodes
from tests.applying.omni_on_loopback import (
    BAD_TOKEN,
    BUSY,
    FORBIDDEN,
    LOST,
    NOT_FOUND,
    Answer,
)
from tests.planning.making import desired, hours, model_id, refresh, reset

MINUTE = timedelta(minutes=1)
SIX_HOURS = Every(hours(6))
RUNNING: Answer = (200, {"status": "RUNNING"})
STRANGE: Answer = (200, {"status": "PONDERING"})
BAD_REQUEST: Answer = (400, {"detail": "bad job id"})


def ten() -> Episodes:
    """Ten models on connections of their own, each with a reset that follows its refresh."""
    jobs = [refresh(name, SIX_HOURS, connection=name) for name in "abcdefghij"]
    after = [reset(job.model, AfterRefresh(job.address)) for job in jobs]
    return Episodes(desired(*jobs, *after))


def one(**more: object) -> Episodes:
    job = refresh("a", Every(hours(1)), connection="a", **more)
    return Episodes(desired(job, reset("a", AfterRefresh(job.address))))


def until_unseen(episodes: Episodes) -> Applied:
    """Apply every few minutes until a job is awaited no longer."""
    while not (applied := episodes.apply()).of(EndUnseen):
        episodes.wait(3 * MINUTE)
    return applied


def until_made_again(episodes: Episodes) -> None:
    """Give up on a first job, and come to where the refresh is to be made once more."""
    episodes.omni.on("GET", "-1/status", NOT_FOUND)
    until_unseen(episodes)
    while not any(isinstance(a, Refresh) and a.earlier for a in episodes.plan().actions):
        episodes.wait(MINUTE / 4)
    episodes.omni.asked.clear()


def test_a_refused_poll_stops_no_other_item() -> None:
    # F1
    episodes = ten()
    episodes.omni.on("GET", f"{model_id('e')}-1/", FORBIDDEN)
    applied = episodes.apply()
    done = [result for result in applied.summary.results if result.status == "done"]
    assert len(done) == 18
    assert applied.result("models.e.refresh").status == "running"
    assert applied.result("models.e.cache.daily").message == "models.e.refresh still runs"


def test_one_look_is_recorded_a_visit_however_many_polls_it_took() -> None:
    # F1
    episodes = ten()
    episodes.omni.on("GET", f"{model_id('e')}-1/", FORBIDDEN)
    looks = episodes.apply().of(Looked)
    assert [(look.lack, look.answer[:4]) for look in looks] == [("forbidden", "403:")]
    assert len(episodes.omni.polls(model_id("e"))) == 3


def test_a_job_that_may_not_be_read_at_three_looks_is_a_failure_of_its_item() -> None:
    # F1
    episodes = ten()
    episodes.omni.on("GET", f"{model_id('e')}-", FORBIDDEN)
    for _ in range(3):
        applied = episodes.apply()
        episodes.wait(3 * MINUTE)
    assert applied.of(EndUnseen)[0].forbidden
    assert applied.result("models.e.refresh").status == "failed"
    assert episodes.record("models.e.refresh").failures == 1


def test_a_job_that_may_never_be_read_is_held_at_last_and_called_once_a_slot() -> None:
    # F1
    episodes = ten()
    episodes.omni.on("GET", f"{model_id('e')}-", FORBIDDEN)
    while episodes.standing("models.e.refresh").status is not Status.HELD:
        episodes.apply()
        episodes.wait(10 * MINUTE)
    assert episodes.record("models.e.refresh").failures == 5
    assert len(episodes.omni.posts(f"{model_id('e')}/refresh")) == 5
    assert all(len(episodes.omni.posts(f"{model_id(n)}/refresh")) >= 4 for n in "abcdfghij")


@pytest.mark.parametrize("answer", [NOT_FOUND, BAD_REQUEST])
def test_a_job_that_omni_does_not_know_at_three_looks_is_awaited_no_longer(answer: Answer) -> None:
    # F2
    episodes = one()
    episodes.omni.on("GET", "-1/status", answer)
    began, applied = episodes.now, until_unseen(episodes)
    assert episodes.now - began >= 10 * MINUTE
    assert len(episodes.omni.posts("refresh")) == 1
    assert applied.result("models.a.refresh").status == "unseen"
    assert not episodes.record("models.a.refresh").failures


def test_a_refresh_that_nobody_saw_end_is_made_once_more() -> None:
    # F2
    episodes = one()
    episodes.omni.on("GET", "-1/status", NOT_FOUND)
    for _ in range(8):
        episodes.apply()
        episodes.wait(4 * MINUTE)
    assert len(episodes.omni.posts("refresh")) == 2
    assert episodes.standing("models.a.refresh").status is Status.COVERED


@pytest.mark.parametrize("answer", [NOT_FOUND, RUNNING, STRANGE, LOST])
def test_a_job_that_is_never_seen_to_end_is_called_no_more_than_twice_a_slot(
    answer: Answer,
) -> None:
    # F2
    job = refresh("a", Every(hours(48)), connection="a")
    episodes = Episodes(desired(job))
    episodes.omni.on("GET", "status", answer)
    while episodes.now < Episodes(desired()).now + hours(47.5):
        episodes.apply()
        episodes.wait(20 * MINUTE)
    assert len(episodes.omni.posts("refresh")) == 2


@pytest.mark.parametrize("answer", [RUNNING, STRANGE, BUSY, LOST])
def test_a_job_is_followed_to_its_timeout_and_looked_at_by_each_apply_for_a_day(
    answer: Answer,
) -> None:
    # F2
    episodes = one(timeout=timedelta(minutes=15))
    episodes.omni.on("GET", "-1/status", answer)
    began = episodes.now
    left = episodes.apply().result("models.a.refresh")
    assert timedelta(minutes=15) <= episodes.now - began <= timedelta(minutes=16)
    assert left.job is not None
    assert left.job.until == left.job.since + hours(24)
    episodes.now = began + hours(23.9)
    assert episodes.apply().result("models.a.refresh").status == "running"


def test_what_follows_a_refresh_nobody_saw_end_waits_and_says_why() -> None:
    # F2
    episodes = one()
    episodes.omni.on("GET", "-1/status", NOT_FOUND)
    applied = until_unseen(episodes)
    told = applied.result("models.a.cache.daily")
    assert (told.status, told.message) == ("skipped", "models.a.refresh was not seen to end")
    assert not episodes.omni.posts("cache_reset")


def unseen_once() -> Episodes:
    episodes = one()
    until_made_again(episodes)
    return episodes


def test_an_old_job_found_completed_covers_after_all_and_nothing_is_sent() -> None:
    # F2
    episodes = unseen_once()
    episodes.omni.rules.clear()
    applied = episodes.apply()
    assert not episodes.omni.posts("refresh")
    assert applied.result("models.a.refresh").status == "done"
    assert len(episodes.omni.posts("cache_reset")) == 1


@pytest.mark.parametrize("answer", [(200, {"status": "FAILED"}), NOT_FOUND, RUNNING, BUSY])
def test_an_old_job_that_did_not_complete_is_looked_at_once_and_the_call_is_made(
    answer: Answer,
) -> None:
    # F2
    episodes = unseen_once()
    episodes.omni.on("GET", "-1/status", answer)
    applied = episodes.apply()
    assert episodes.omni.asked[0][0] == "GET"
    assert len(episodes.omni.polls("-1/status")) == 1
    assert len(episodes.omni.posts("refresh")) == 1
    assert applied.result("models.a.refresh").status == "done"


def test_an_old_job_may_have_done_it_for_some_members_of_a_call_only() -> None:
    # F2
    episodes = Episodes(desired(*(refresh(n, Every(hours(48)), connection="x") for n in "ab")))
    until_made_again(episodes)
    third = refresh("c", Every(hours(48)), connection="x")
    episodes.desired = desired(*episodes.desired.items, third)
    episodes.omni.rules.clear()
    applied = episodes.apply()
    assert [path.split("/")[-2] for path in episodes.omni.posts()] == [model_id("c")]
    assert {r.status for r in applied.summary.results} == {"done"}


def test_a_poll_that_refuses_the_token_stops_the_run_and_says_nothing_of_the_job() -> None:
    # F1
    episodes = ten()
    episodes.omni.on("GET", "status", BAD_TOKEN)
    applied = episodes.apply()
    assert [trouble.code for trouble in applied.summary.troubles] == ["token-refused"]
    assert {look.lack for look in applied.of(Looked)} == {"unreadable"}
    assert len(episodes.omni.polls()) <= 10


def test_a_forbidden_poll_before_anything_was_accepted_says_nothing_of_the_job() -> None:
    # F1
    episodes = one()
    episodes.omni.on("GET", "status", FORBIDDEN)
    episodes.apply(stopped_after_s=1.0)
    looks = episodes.apply().of(Looked)
    assert [look.lack for look in looks] == ["unreadable"]


def test_a_job_that_was_not_to_be_read_before_is_not_the_tokens_fault_now() -> None:
    # F1
    episodes = one()
    episodes.omni.on("GET", "status", FORBIDDEN)
    episodes.apply()
    episodes.wait(3 * MINUTE)
    applied = episodes.apply()
    assert not applied.summary.troubles
    assert [look.lack for look in applied.of(Looked)] == ["forbidden"]


def test_a_stop_leaves_the_last_answer_of_each_job_it_followed() -> None:
    # F1
    episodes = one()
    episodes.omni.on("GET", "status", RUNNING)
    applied = episodes.apply(stopped_after_s=60.0)
    assert [(look.answer, look.lack) for look in applied.of(Looked)] == [("RUNNING", None)]
    left = applied.result("models.a.refresh").job
    assert left is not None
    assert left.answer == "RUNNING"


def test_the_result_and_the_event_of_a_job_say_what_the_record_says() -> None:
    # F2
    episodes = one()
    episodes.omni.on("GET", "status", RUNNING)
    applied = episodes.apply()
    told, pending = (
        applied.result("models.a.refresh").job,
        episodes.record("models.a.refresh").pending,
    )
    assert told is not None
    assert pending is not None
    assert pending.look is not None
    assert (told.since, told.looked_at, told.answer) == (
        pending.since,
        pending.look.at,
        pending.look.answer,
    )
    assert [event.job for event in applied.events if isinstance(event, Left)] == [told]


def test_polls_go_on_through_lost_replies_until_omni_tells() -> None:
    # F2
    episodes = one()
    for answer in (LOST, BUSY, RUNNING, BUSY):
        episodes.omni.on("GET", "status", answer, times=2)
    assert episodes.apply().result("models.a.refresh").status == "done"


def test_an_unknown_refresh_backs_off_with_the_same_slot_and_is_never_held() -> None:
    # F7
    episodes = Episodes(desired(refresh("a", SIX_HOURS, connection="a")))
    episodes.omni.on("POST", "refresh", LOST)
    for _ in range(8):
        episodes.apply()
    assert len(episodes.omni.posts()) == 1
    for _ in range(300):
        episodes.apply()
        episodes.wait(MINUTE)
    record = episodes.record("models.a.refresh")
    assert not record.failures
    assert len(episodes.omni.posts()) == record.doubts <= 12


def test_a_call_that_our_own_stop_cut_off_is_sent_again_at_once() -> None:
    # F7
    episodes = Episodes(desired(refresh("a", SIX_HOURS, connection="a")))
    episodes.omni.slow_s = 30.0
    applied = episodes.apply(stopped_after_s=1.0)
    assert [doubt.cut_off for doubt in applied.of(Doubted)] == [True]
    assert episodes.standing("models.a.refresh").status is Status.DUE


def test_a_refresh_accepted_without_a_job_is_unknown_and_nothing_follows_it() -> None:
    # F9
    episodes = one()
    episodes.omni.on("POST", "refresh", (200, {"modelId": model_id("a"), "status": "running"}))
    applied = episodes.apply()
    assert applied.result("models.a.refresh").status == "unknown"
    told = applied.result("models.a.cache.daily")
    assert told.message == "models.a.refresh may or may not have run"
    assert not episodes.omni.posts("cache_reset")


@pytest.mark.parametrize("status", [402, 405, 410, 413, 414, 415, 421, 425, 431, 451, 501, 505])
def test_a_status_that_refuses_is_a_failure_and_no_doubt(status: int) -> None:
    # F8
    episodes = Episodes(desired(refresh("a", SIX_HOURS, connection="a")))
    episodes.omni.on("POST", "refresh", (status, {"detail": "no"}))
    assert episodes.apply().result("models.a.refresh").status == "failed"
    record = episodes.record("models.a.refresh")
    assert (record.failures, record.doubts, record.pending) == (1, 0, None)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 303])
def test_a_status_that_proves_nothing_is_a_doubt_and_no_failure(status: int) -> None:
    # F8
    episodes = Episodes(desired(refresh("a", SIX_HOURS, connection="a")))
    episodes.omni.on("POST", "refresh", (status, {"detail": "well"}))
    assert episodes.apply().result("models.a.refresh").status == "unknown"
    record = episodes.record("models.a.refresh")
    assert (record.failures, record.doubts) == (0, 1)
