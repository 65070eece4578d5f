"""Whom a refusal is blamed on: an item, the carrier of a call, or nobody at all."""

from collections.abc import Iterable

import pytest

from reconcile.model.desired import Every, Mode
from reconcile.model.journal import Blamed, Intent, Rejected
from reconcile.model.progress import FailedCall
from reconcile.model.reason import Status
from tests.applying.episodes import Applied, Episodes
from tests.applying.omni_on_loopback import (
    BAD_TOKEN,
    BUSY,
    FORBIDDEN,
    LOST,
    NO_CONNECTION,
    NOT_FOUND,
    Answer,
)
from tests.planning.making import desired, hours, model_id, refresh, reset

SIX_HOURS = Every(hours(6))
BAD_REQUEST: Answer = (400, {"detail": "no such branch"})
CONFLICT: Answer = (409, {"detail": "busy"})


def models(names: str, connections: str = "", **more: object) -> Episodes:
    """Declare one refresh a letter, each on a connection of its own or on the one given."""
    pairs = zip(names, connections or names, strict=True)
    return Episodes(desired(*(refresh(n, SIX_HOURS, connection=c, **more) for n, c in pairs)))


def forbid(episodes: Episodes, names: Iterable[str], answer: Answer = FORBIDDEN) -> None:
    for name in names:
        episodes.omni.on("POST", f"{model_id(name)}/refresh", answer)


def failures(episodes: Episodes) -> dict[str, int]:
    return {
        address.split(".")[1]: record.failures
        for address, record in episodes.recorded.items.items()
        if record.failures
    }


def carriers(episodes: Episodes) -> list[str]:
    """Name the models whose ids carried calls, in order."""
    names = {model_id(chr(code)): chr(code) for code in range(ord("a"), ord("z") + 1)}
    return [names[path.split("/")[-2]] for path in episodes.omni.posts("/refresh")]


def codes(applied: Applied) -> list[str]:
    return [trouble.code for trouble in applied.summary.troubles]


FORTY = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN"


def test_one_forbidden_item_of_forty_is_its_own_failure_and_the_rest_is_done() -> None:
    # F6
    episodes = models(FORTY)
    forbid(episodes, "q")
    applied = episodes.apply()
    statuses = [result.status for result in applied.summary.results]
    assert (statuses.count("done"), statuses.count("failed"), codes(applied)) == (39, 1, [])
    assert failures(episodes) == {"q": 1}


@pytest.mark.parametrize("forbidden", ["a", "abc", "abcdefg", "hij"])
def test_forbidden_items_keep_none_of_the_others_back_wherever_they_stand(forbidden: str) -> None:
    # F6
    episodes = models("abcdefghij")
    forbid(episodes, forbidden)
    for _ in range(4):
        episodes.apply()
        episodes.wait(hours(6.1))
    assert set(failures(episodes)) == set(forbidden)
    done = {name for name in "abcdefghij" if episodes.record(f"models.{name}.refresh").last_success}
    assert done == set("abcdefghij") - set(forbidden)


def test_a_forbidden_item_that_came_first_is_blamed_once_another_was_accepted() -> None:
    # F6
    episodes = models("ab")
    forbid(episodes, "a")
    episodes.apply()
    assert failures(episodes) == {"a": 1}
    episodes.wait(hours(6.1))
    episodes.apply()
    assert failures(episodes) == {"a": 2}


def test_what_was_remembered_is_written_as_blame_with_its_own_words() -> None:
    # F6
    episodes = models("abc")
    first = carriers_of_first(episodes)
    forbid(episodes, first)
    applied = episodes.apply()
    assert [entry.blames for entry in applied.of(Rejected)] == [()]
    assert [entry.addresses for entry in applied.of(Blamed)] == [(f"models.{first}.refresh",)]


def carriers_of_first(episodes: Episodes) -> str:
    """Find which model goes first, by trying it on an Omni that is thrown away."""
    trial = Episodes(episodes.desired)
    trial.apply()
    return carriers(trial)[0]


@pytest.mark.parametrize("refusal", [BAD_TOKEN, (403, {"detail": "Invalid bearer token"})])
def test_a_bad_token_stops_after_one_request_and_blames_nobody(refusal: Answer) -> None:
    # F6
    episodes = models(FORTY)
    episodes.omni.on("POST", "", refusal)
    applied = episodes.apply()
    assert len(episodes.omni.asked) == 1
    assert (codes(applied), failures(episodes)) == (["token-refused"], {})
    assert not [event for event in applied.events if isinstance(event, FailedCall)]


def test_a_token_that_may_do_nothing_stops_after_three_groups_and_blames_nobody() -> None:
    # F6
    episodes = models(FORTY)
    episodes.omni.on("POST", "", FORBIDDEN)
    applied = episodes.apply()
    assert len(episodes.omni.asked) == 3
    assert (codes(applied), failures(episodes)) == (["token-refused"], {})
    assert {result.status for result in applied.summary.results} == {"skipped"}


def test_a_group_of_several_has_refused_once_two_of_its_members_were() -> None:
    # F6
    episodes = models("abcdefghi", "xxxyyyzzz")
    episodes.omni.on("POST", "", FORBIDDEN)
    applied = episodes.apply()
    assert 6 <= len(episodes.omni.asked) <= 7
    assert (codes(applied), failures(episodes)) == (["token-refused"], {})


def test_the_token_is_judged_by_resets_as_well() -> None:
    # F6
    episodes = Episodes(desired(*(reset(name) for name in "abcdef")))
    episodes.omni.on("POST", "", FORBIDDEN)
    assert codes(episodes.apply()) == ["token-refused"]
    assert len(episodes.omni.asked) == 3


def test_a_refusal_without_a_decision_blames_nobody() -> None:
    # F6
    episodes = models("abc")
    episodes.omni.on("POST", "", BUSY)
    forbid(episodes, "a")
    applied = episodes.apply()
    assert (failures(episodes), codes(applied)) == ({}, [])
    assert applied.result("models.a.refresh").status == "failed"


@pytest.mark.parametrize("refusal", [FORBIDDEN, NOT_FOUND, BAD_REQUEST])
def test_a_refused_carrier_is_blamed_and_another_carries_the_call_in_the_same_apply(
    refusal: Answer,
) -> None:
    # F5
    episodes = models("abc", "xxx")
    forbid(episodes, "a", refusal)
    applied = episodes.apply()
    assert carriers(episodes) == ["a", "b"]
    assert failures(episodes) == {"a": 1}
    assert applied.result("models.c.refresh").status == "done"


def test_a_call_goes_through_two_models_of_a_group_in_one_apply_at_most() -> None:
    # F5
    episodes = models("abcd", "xxxx")
    forbid(episodes, "abc", NOT_FOUND)
    applied = episodes.apply()
    assert carriers(episodes) == ["a", "b"]
    assert applied.result("models.d.refresh").status == "skipped"
    episodes.apply()
    assert carriers(episodes) == ["a", "b", "c", "d"]
    assert episodes.standing("models.d.refresh").status is Status.COVERED


def test_a_model_that_always_fails_never_keeps_its_neighbour_from_being_refreshed() -> None:
    # F5
    episodes = models("ab", "xx")
    forbid(episodes, "a", NOT_FOUND)
    for _ in range(12):
        assert episodes.apply().result("models.b.refresh").status == "done"
        episodes.wait(hours(6.1))
    assert episodes.standing("models.b.refresh").status is Status.DUE


def test_the_others_call_asks_for_what_they_ask_for_alone() -> None:
    # F5
    files = desired(
        refresh("a", SIX_HOURS, connection="x", mode=Mode.HARD),
        refresh("b", SIX_HOURS, connection="x", mode=Mode.SOFT, schemas=("s",)),
    )
    episodes = Episodes(files)
    forbid(episodes, "a", NOT_FOUND)
    queries = [dict(entry.request.query) for entry in episodes.apply().of(Intent)]
    assert queries[0]["hard_refresh"] == "true"
    assert queries[1] == {"hard_refresh": "false", "schemas": "s"}


def test_any_other_refusal_of_a_merged_call_blames_all_its_members() -> None:
    # F5
    episodes = models("abc", "xxx")
    forbid(episodes, "a", CONFLICT)
    episodes.apply()
    assert carriers(episodes) == ["a"]
    assert failures(episodes) == {"a": 1, "b": 1, "c": 1}


def test_the_record_keeps_who_carried_a_call() -> None:
    # F5
    episodes = models("ab", "xx")
    episodes.apply()
    carrier = episodes.record("models.b.refresh").carrier
    assert carrier is not None
    assert carrier.model_id == model_id("a")
    assert episodes.record("models.a.refresh").carrier is None


@pytest.mark.parametrize("answer", [BUSY, LOST, NO_CONNECTION])
def test_an_outage_of_an_hour_leaves_no_failure_and_nothing_held(answer: Answer) -> None:
    # F6
    episodes = models("abcdef", "uuvvww")
    episodes.omni.on("POST", "", answer)
    for _ in range(12):
        episodes.apply()
        episodes.wait(hours(1 / 12))
    assert failures(episodes) == {}
    episodes.omni.rules.clear()
    episodes.wait(hours(1))
    assert {result.status for result in episodes.apply().summary.results} == {"done"}
