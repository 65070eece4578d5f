"""What a native schedule says and why it stands as it does, as parts of a sentence."""

import re
from typing import assert_never

from reconcile.model.desired import ScheduleSpec
from reconcile.model.reason import (
    Forced,
    ScheduleDrifted,
    ScheduleDue,
    ScheduleEdited,
    ScheduleForeign,
    ScheduleFound,
    ScheduleInDoubt,
    ScheduleInPlace,
    ScheduleReason,
    ScheduleUndeclared,
    ScheduleUnmade,
    ScheduleVanished,
)
from reconcile.render.escape import escape_terminal
from reconcile.render.instants import Vantage

_DAILY = re.compile(r"([0-9]{1,2}) ([0-9]{1,2}) \* \* \? \*")
_LIMIT = 160
_ID_LIMIT = 64


def spec_text(spec: ScheduleSpec) -> str:
    """Return `0 2 * * ? * America/New_York, soft`."""
    return f"{_shown(spec.cron)} {_shown(spec.zone)}, {_mode(hard=spec.hard)}"


def runs_text(spec: ScheduleSpec, other: ScheduleSpec) -> str:
    """Say when a schedule runs and how, as far as it differs from the other: `at 02:00`.

    What is not plainly daily is told by its cron.
    """
    daily = _DAILY.fullmatch(spec.cron)
    when = f"at {int(daily[2]):02}:{int(daily[1]):02}" if daily else f"on {_shown(spec.cron)}"
    if spec.zone != other.zone:
        when = f"{when} {_shown(spec.zone)}"
    if spec.hard == other.hard:
        return when
    mode = _mode(hard=spec.hard)
    same_time = (spec.cron, spec.zone) == (other.cron, other.zone)
    return mode if same_time else f"{when}, {mode}"


def changes_text(before: ScheduleSpec, after: ScheduleSpec) -> str:
    """Return each value that differs as `cron 0 2 * * ? * -> 0 3 * * ? *`."""
    pairs = (
        ("cron", _shown(before.cron), _shown(after.cron)),
        ("timezone", _shown(before.zone), _shown(after.zone)),
        ("mode", _mode(hard=before.hard), _mode(hard=after.hard)),
    )
    told = [f"{name} {old} -> {new}" for name, old, new in pairs if old != new]
    return ", ".join(told) or f"sent again: {spec_text(after)}"


def schedule_reason(reason: ScheduleReason | ScheduleInPlace, view: Vantage) -> str:
    """Return why a schedule is acted on, or is not, safe for a terminal."""
    match reason:
        case Forced():
            return "forced, whatever is recorded"
        case ScheduleInPlace(schedule_id):
            return f"in place as {_id(schedule_id)}"
        case ScheduleUndeclared():
            return "no longer declared"
        case ScheduleForeign():
            return 'nobody declares it, and the connection says manage = "all"'
        case _:
            return _due(reason, view)


def _due(reason: ScheduleDue, view: Vantage) -> str:
    match reason:
        case ScheduleUnmade():
            return "not made yet"
        case ScheduleVanished(schedule_id):
            return f"removed in Omni, where it was {_id(schedule_id)}"
        case ScheduleFound(schedule_id):
            return f"Omni has it already, as {_id(schedule_id)}"
        case ScheduleEdited(changed):
            return f"edited in the file: {', '.join(changed)}"
        case ScheduleDrifted(changed):
            return f"edited in Omni: {', '.join(changed)}"
        case ScheduleInDoubt(since):
            return f"outcome unknown since {view.both(since)}, harmless to repeat"
        case ScheduleUndeclared() | ScheduleForeign():
            return schedule_reason(reason, view)
        case _:
            assert_never(reason)


def _mode(*, hard: bool) -> str:
    return "hard" if hard else "soft"


def _shown(text: str) -> str:
    return escape_terminal(text, _LIMIT)


def _id(schedule_id: str) -> str:
    return escape_terminal(schedule_id, _ID_LIMIT)
