"""Whole runs of the tool under a clock that is wrong, by libfaketime."""

from pathlib import Path

import pytest

from tests.applying.omni_on_loopback import Place, models
from tests.stage import Ended

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
ITEMS = models(
    "ab",
    "[models.NAME.refresh]\nevery = '6h'\n[models.NAME.cache.daily]\nat = ['00:00', '12:00']\n",
)

pytestmark = [
    pytest.mark.long,
    pytest.mark.needs_root,
    pytest.mark.skipif(FAKETIME is None, reason="needs the Debian package libfaketime"),
]


def at(place: Place, shift: str, *arguments: str) -> Ended:
    """Run the tool as on a machine whose clock is off by so much."""
    faked = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME": shift,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    return place.stage.run(*arguments, **faked)


@pytest.mark.parametrize("shift", ["+2d", "+400d", "+9000d"])
def test_one_apply_under_a_clock_that_is_ahead_hides_nothing_afterwards(
    place: Place, shift: str
) -> None:
    # F3
    place.write(ITEMS)
    assert place.apply().code == 0
    place.omni.asked.clear()
    ahead = at(place, shift, "apply", "--yes")
    assert ahead.err.count("error[clock-differs]") == 1
    assert len(place.omni.asked) == 1
    place.apply()
    later = at(place, "+7h", "plan", "--format", "json").json()
    due = {item["address"] for item in later["items"] if item["status"] == "due"}
    assert {"models.a.refresh", "models.b.refresh"} <= due
    assert later["valid_until"] < "2027-06-01"


@pytest.mark.parametrize("now", ["@1969-06-01 12:00:00", "@2230-01-01 12:00:00"])
def test_a_clock_that_is_beyond_all_plans_is_one_plain_error(place: Place, now: str) -> None:
    place.write(ITEMS)
    for command in (("plan",), ("apply", "--yes")):
        ended = at(place, now, *command)
        assert (ended.code, ended.err.count("error[bad-instant]")) == (1, 1)
        assert "the clock of this machine is wrong" in ended.err


@pytest.mark.parametrize("shift", ["-2d", "-10m"])
def test_an_apply_under_a_clock_that_is_behind_sends_one_request(place: Place, shift: str) -> None:
    # F3
    place.write(ITEMS)
    ended = at(place, shift, "apply", "--yes")
    assert ended.err.count("error[clock-differs]") == 1
    assert "behind" in ended.err
    assert len(place.omni.asked) == 1


def test_a_state_written_under_a_clock_that_was_ahead_is_mended_by_the_next_apply(
    place: Place,
) -> None:
    # F3
    place.write(ITEMS)
    place.omni.dated = False
    assert at(place, "+400d", "apply", "--yes").code == 0
    assert '"last_success": "2028' in (place.stage.folder / "state.json").read_text()
    place.omni.dated = True
    assert place.apply().code == 0
    assert '"2028' not in (place.stage.folder / "state.json").read_text()
    assert "clock_mended" in (place.stage.folder / "state.json.history").read_text()
