"""What is left of a saved plan once the state has moved on."""

from reconcile.model.desired import AfterRefresh, Desired
from reconcile.model.plan import Choice
from reconcile.model.reason import BackingOff, BlockedBy
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.planning.plan import plan
from reconcile.planning.saved import Confirmed, confirm, saved
from tests.planning.making import NOON, carried_out, desired, hours, recorded, refresh, reset

A = refresh("a")
BEFORE = replace(recorded(), serial=1)
FAILS = frozenset([A.address])


def confirmed(files: Desired, after: Recorded, at_hours: float) -> Confirmed:
    planned = plan(files, BEFORE, NOON)
    reasons = [""] * len(planned.actions)
    kept = saved(planned, files, BEFORE, Choice(), reasons, "reconcile 1")
    found = confirm(kept, files, after, NOON + hours(at_hours))
    assert isinstance(found, Confirmed)
    return found


def applied(files: Desired, before: Recorded, at_hours: float, *, fails: bool) -> Recorded:
    planned = plan(files, before, NOON + hours(at_hours))
    return carried_out(planned, before, fails=FAILS if fails else frozenset())


def test_what_failed_since_waits_and_is_not_covered() -> None:
    files = desired(A)
    found = confirmed(files, applied(files, BEFORE, 0.01, fails=True), 0.01)
    (standing,) = found.waiting
    assert (found.plan.actions, found.covered, standing.address) == ((), (), A.address)
    assert isinstance(standing.reason, BackingOff)


def test_what_waited_is_called_once_its_time_has_come() -> None:
    files = desired(A)
    found = confirmed(files, applied(files, BEFORE, 0.01, fails=True), 1)
    assert (len(found.plan.actions), found.waiting, found.covered) == (1, (), ())


def test_a_slot_that_failed_later_leaves_the_approved_one_covered() -> None:
    files = desired(A)
    done = applied(files, BEFORE, 0.01, fails=False)
    found = confirmed(files, applied(files, done, 7, fails=True), 7)
    assert (found.covered, found.waiting) == ((A.address,), ())


def test_a_reset_waits_with_the_refresh_that_it_follows() -> None:
    follower = reset("b", AfterRefresh(A.address))
    files = desired(A, follower)
    found = confirmed(files, applied(files, BEFORE, 0.01, fails=True), 0.01)
    waiting = {standing.address: standing.reason for standing in found.waiting}
    assert (found.covered, set(waiting)) == ((), {A.address, follower.address})
    assert isinstance(waiting[follower.address], BlockedBy)
