"""Workers whose clock is wrong, by libfaketime; Omni and Postgres go by the real one."""

import pytest

from tests.fleet.conftest import Yarding
from tests.fleet.test_fleet import QUICK
from tests.fleet.yard import FAKETIME, model_id

pytestmark = [
    pytest.mark.long,
    pytest.mark.needs_root,
    pytest.mark.skipif(FAKETIME is None, reason="needs the Debian package libfaketime"),
]

REFRESHED = f'[models.m1]\nid = "{model_id(1)}"\nrefresh = {{ every = "6h", mode = "soft" }}\n'


@pytest.mark.fault("T01")
def test_a_worker_whose_clock_is_set_back_goes_on_looking(yarded: Yarding) -> None:
    yard = yarded({"acme": REFRESHED}, settings=QUICK, limit=600)
    yard.set_clock("+4m")  # As far as Omni lets pass.
    yard.start_worker()
    yard.wait_until(lambda: "acme: done" in yard.log_of(0))
    yard.set_clock("+0")
    with (yard.folder / "acme" / "reconcile.toml").open("a") as acme:
        acme.write('[models.m1.cache.weekly]\nevery = "7d"\n')
    yard.wait_until(lambda: len(yard.posts()) == 2)


@pytest.mark.fault("T05")
def test_a_worker_whose_clock_was_ahead_keeps_no_instance_from_the_others(yarded: Yarding) -> None:
    yard = yarded({"acme": REFRESHED}, settings=QUICK, limit=600)
    yard.set_clock("+1d")
    ahead = yard.start_worker("--name", "ahead")
    yard.wait_until(lambda: "acme: " in yard.log_of(0))
    ahead.kill()
    ahead.wait()
    yard.faked = {}
    assert "the clock of ahead was ahead" in yard.run("fleet", "status").stdout
    yard.start_worker("--name", "right")
    yard.wait_until(lambda: yard.status()["instances"][0]["worker"] == "right")
