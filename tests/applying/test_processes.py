"""The same as a user meets it: the command as a process, Omni on loopback, files."""

from datetime import timedelta

import pytest

from tests.applying.omni_on_loopback import (
    BAD_TOKEN,
    BUSY,
    FORBIDDEN,
    LOST,
    NOT_FOUND,
    Place,
    id_of,
    models,
)

REFRESH = "[models.NAME.refresh]\nevery = '6h'\n"
AFTER = "[models.NAME.cache.daily]\nafter = 'models.NAME.refresh'\n"
RESET = "[models.NAME.cache.daily]\nat = '00:00'\n"
FUTURE = (400, {"detail": "resetAt must not be future dated"})


def test_nine_of_ten_go_on_where_the_poll_of_the_fifth_is_forbidden(place: Place) -> None:
    # F1
    place.write(models("abcdefghij", REFRESH + AFTER))
    place.omni.on("GET", f"{id_of('e')}-1/status", FORBIDDEN)
    code, results = place.summary()
    done = {address for address, result in results.items() if result["status"] == "done"}
    assert (code, len(done)) == (6, 18)
    assert results["models.e.refresh"]["job"]["answer"].startswith("403:")
    assert place.record("models.e.refresh")["pending"]["look"]["forbidden"] == 1


def test_a_forbidden_job_keeps_no_later_apply_from_what_is_due(place: Place) -> None:
    # F1
    place.write(models("ab", REFRESH))
    place.omni.on("GET", f"{id_of('a')}-1/status", FORBIDDEN)
    place.apply()
    place.write(models("abc", REFRESH))
    code, results = place.summary()
    assert (code, results["models.c.refresh"]["status"]) == (6, "done")
    assert len(place.omni.posts(f"{id_of('c')}/refresh")) == 1


def test_the_summary_says_all_of_a_job_and_names_the_command_that_frees_it(place: Place) -> None:
    # F2
    place.write(models("a", REFRESH))
    place.omni.on("GET", "-1/status", NOT_FOUND)
    out = " ".join(place.apply().out.split())
    for words in ("running since", "last looked at", '"404: No such thing"', "awaited until"):
        assert words in out
    assert "reconcile apply --force models.a.refresh" in out
    assert place.stage.run("apply", "--yes", "--force", "models.a.refresh").code == 0


def test_the_metrics_tell_of_the_job_too(place: Place) -> None:
    # F2
    place.write(models("a", REFRESH))
    place.omni.on("GET", "-1/status", NOT_FOUND)
    place.apply("--metrics", "apply.prom")
    told = (place.stage.folder / "apply.prom").read_text()
    for name in ("since", "looked_at", "awaited_until"):
        line = f'reconcile_item_job_{name}_timestamp_seconds{{address="models.a.refresh"}}'
        assert line in told
    assert 'reconcile_last_run_actions{status="running"} 1' in told


def test_a_bad_token_is_said_once_and_ends_with_1(place: Place) -> None:
    # F6
    place.write(models("abcdefgh", REFRESH + RESET))
    place.omni.on("POST", "", BAD_TOKEN)
    ended = place.apply()
    assert ended.code == 1
    assert ended.err.count("error[token-refused]") == 1
    assert place.stage.base_url in ended.err
    # The port of the server is chosen at random, and may have these digits.
    assert ended.err.replace(place.stage.base_url, "").count("401") == 1
    assert len(place.omni.asked) == 1


def test_a_token_that_is_revoked_in_mid_apply_ends_with_6(place: Place) -> None:
    # F6
    place.write(models("abc", REFRESH + AFTER))
    place.omni.on("POST", "cache_reset", BAD_TOKEN)
    ended = place.apply()
    assert ended.code == 6
    assert ended.err.count("error[token-refused]") == 1


def test_one_forbidden_model_of_twelve_is_its_own_failure(place: Place) -> None:
    # F6
    place.write(models("abcdefghijkl", REFRESH))
    place.omni.on("POST", f"{id_of('c')}/refresh", FORBIDDEN)
    code, results = place.summary()
    statuses = [result["status"] for result in results.values()]
    assert (code, statuses.count("done"), results["models.c.refresh"]["status"]) == (
        6,
        11,
        "failed",
    )
    assert place.record("models.c.refresh")["failures"] == 1


@pytest.mark.parametrize("refusal", [NOT_FOUND, FORBIDDEN])
def test_a_refused_carrier_does_not_take_its_neighbour_with_it(
    place: Place, refusal: tuple[int, object]
) -> None:
    # F5
    place.write(models("ab", REFRESH, "xx"))
    place.omni.on("POST", f"{id_of('a')}/refresh", refusal)
    code, results = place.summary()
    assert code == 6
    assert results["models.b.refresh"]["status"] == "done"
    assert place.record("models.a.refresh")["failures"] == 1


def test_a_lost_reply_backs_off_however_often_apply_is_run(place: Place) -> None:
    # F7
    place.write(models("a", REFRESH))
    place.omni.on("POST", "refresh", LOST)
    codes = [place.apply().code for _ in range(4)]
    assert codes == [6, 0, 0, 0]
    assert len(place.omni.posts()) == 1


def test_nothing_follows_a_refresh_that_was_accepted_without_a_job(place: Place) -> None:
    # F9
    place.write(models("a", REFRESH + AFTER))
    reply = {"modelId": id_of("a"), "status": "running"}
    place.omni.on("POST", "refresh", (200, reply))
    code, results = place.summary()
    assert (code, results["models.a.refresh"]["status"]) == (6, "unknown")
    assert not place.omni.posts("cache_reset")


def test_a_server_in_trouble_adds_no_failure_to_any_item(place: Place) -> None:
    # F6
    place.write(models("abc", REFRESH + RESET))
    place.omni.on("POST", "", BUSY)
    assert place.apply().code == 6
    assert not any(record.get("failures") for record in place.state()["items"].values())


@pytest.mark.parametrize(("ahead", "words"), [(-2, "2d ahead"), (2, "2d behind")])
def test_clocks_that_differ_are_told_with_both_and_what_to_do(
    place: Place, ahead: int, words: str
) -> None:
    # F3
    place.write(models("abc", RESET))
    place.omni.ahead = timedelta(days=ahead)
    ended = place.apply()
    told = " ".join(ended.err.split())
    assert ended.code == 6
    assert len(place.omni.asked) == 1
    assert told.count("error[clock-differs]") == 1
    assert words in told
    assert "chronyc" in told


def test_where_a_wrong_clock_kept_all_back_the_exit_code_is_1(place: Place) -> None:
    # F3
    place.write(models("abc", RESET))
    place.omni.ahead = timedelta(days=-2)
    place.omni.on("POST", "", FUTURE)
    assert place.apply().code == 1


def test_a_machine_blamed_for_a_stamp_still_makes_its_refreshes(place: Place) -> None:
    # F3
    place.write(models("ab", REFRESH + RESET))
    place.omni.on("POST", "cache_reset", FUTURE)
    ended = place.apply()
    assert ended.code == 6
    assert ended.err.count("error[stamp-refused]") == 1
    assert "2 of 4 calls done (2 refreshes)" in ended.out


def test_what_kept_everything_back_is_in_the_summary_for_programs(place: Place) -> None:
    # F6
    place.write(models("ab", REFRESH))
    place.omni.on("POST", "", BAD_TOKEN)
    ended = place.apply("--format", "json")
    assert [trouble["code"] for trouble in ended.json()["troubles"]] == ["token-refused"]
    assert ended.json()["statuses"]["failed"] == 0
