"""K7: of workers with different files, those with the older ones stand back."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from reconcile.config.fleet import FleetMember, Seat
from reconcile.fleet.worker import GIVEN_WAY, Versions, due
from reconcile.model.struct import replace
from tests.planning.making import NOON

ACME = FleetMember(name="acme", file="/acme", state_url=None, credential="acme")
SEAT = Seat(instance="acme", ran_at=NOON, content="old")
LOOK = timedelta(seconds=5)


def runs(seat: Seat, files: dict[str, str], now: datetime, versions: dict[str, Versions]) -> str:
    """Return which worker reconciles, of those that look at the same instant; none: empty."""
    for worker, content in files.items():
        if versions.setdefault(worker, Versions()).older(seat, content, now):
            continue
        if due((ACME,), {"acme": seat}, {"acme": content}, now):
            return worker
    return ""


def rolled_out(phases: Iterable[tuple[dict[str, str], timedelta]]) -> list[str]:
    """Return the contents reconciled from, look by look, while workers have these files."""
    seat, now, versions, done = SEAT, NOON, dict[str, Versions](), list[str]()
    for files, lasts in phases:
        end = now + lasts
        while now < end:
            now += LOOK
            if worker := runs(seat, files, now, versions):
                seat = replace(seat, content=files[worker], ran_at=now)
                done.append(files[worker])
    return done


def test_a_roll_out_reconciles_once_from_the_newer_files() -> None:
    both = {"one": "old", "two": "new"}
    phases = [({"one": "old"}, LOOK), (both, GIVEN_WAY), ({"one": "new", "two": "new"}, GIVEN_WAY)]
    assert rolled_out(phases) == ["new"]


def test_going_back_to_older_files_is_a_roll_out_too() -> None:
    started_anew = {"two": "new", "three": "old"}
    phases = [({"two": "new"}, 2 * LOOK), (started_anew, GIVEN_WAY), ({"three": "old"}, GIVEN_WAY)]
    assert rolled_out(phases) == ["new", "old"]


def test_files_edited_back_and_forth_are_taken_up_each_time() -> None:
    phases = [({"one": content}, LOOK) for content in ("old", "new", "newer", "old")]
    assert rolled_out(phases) == ["new", "newer", "old"]


def test_an_instance_that_those_with_newer_files_left_behind_is_taken_up_again() -> None:
    alone = ({"one": "old"}, GIVEN_WAY + 2 * LOOK)
    phases = [({"one": "old"}, LOOK), ({"one": "old", "two": "new"}, LOOK), alone]
    assert rolled_out(phases) == ["new", "old"]
