"""One instance of a fleet, as its files and its state tell it just now. Blocking."""

from dataclasses import replace
from datetime import datetime, timedelta
from shlex import quote

from reconcile.controller.cycle import load_with_state
from reconcile.controller.mishaps import mishap
from reconcile.fleet.due import is_held
from reconcile.model.diagnostic import Diagnostic
from reconcile.model.fleet import Member, Seat
from reconcile.planning.ahead import timeline
from reconcile.planning.item import overdue
from reconcile.planning.plan import plan
from reconcile.render.situation import Cycle, Situation
from reconcile.render.words import rfc3339
from reconcile.state.load import load as load_recorded

AHEAD = timedelta(days=3)


def look(member: Member, seat: Seat, now: datetime) -> Situation:
    """Plan as of `now`, UTC, without a lock and without a call.

    What keeps it from planning is part of the situation: nothing is raised.
    """
    known = Situation(
        name=member.name,
        host="",
        started_at=now,
        cycle=_last_run(seat),
        wake_at=None if is_held(seat, now) else seat.wake_at,
        problems=_troubles(seat, now),
        of_fleet=True,
    )
    try:
        desired, _ = load_with_state(member.file, member.state_url)
        recorded = load_recorded(desired.state_url).recorded
        planned = plan(desired, recorded, now)
        return replace(
            known,
            host=desired.base_url or "",
            plan=planned,
            recorded=recorded,
            late=overdue(desired, recorded, planned),
            timeline=timeline(desired, recorded, planned, AHEAD),
        )
    except Exception as error:  # noqa: BLE001 -- a page about a broken instance tells what broke
        return replace(known, refused=mishap(error))


def _last_run(seat: Seat) -> Cycle | None:
    if seat.ran_at is None or seat.outcome is None:
        return None
    return Cycle(
        at=seat.ran_at,
        verdict=seat.outcome,
        well=seat.failures == 0,
        took_s=seat.took_s or 0.0,
    )


def _troubles(seat: Seat, now: datetime) -> tuple[Diagnostic, ...]:
    found = []
    if seat.hold is not None and is_held(seat, now):
        end = seat.hold.until
        until = "until it is resumed" if end is None else f"until {rfc3339(end)}"
        found.append(
            Diagnostic(
                code="instance-paused",
                summary="This instance is paused",
                detail=f"No worker looks at it {until}: {seat.hold.reason}",
                hint=f"reconcile fleet resume {quote(seat.instance)}",
            )
        )
    if seat.trouble is not None and seat.failures:
        found.append(
            Diagnostic(
                code="instance-run-failed",
                summary="The last run of this instance did not end well",
                detail=seat.trouble,
                hint=None,
            )
        )
    return tuple(found)
