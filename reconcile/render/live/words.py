"""Each kind of finding in a sentence or two: what differs, then what follows from it."""

from typing import assert_never

from reconcile.model.desired import ScheduleSpec
from reconcile.model.drift import (
    BranchMissing,
    ClockOff,
    ConnectionDiffers,
    ConnectionFilled,
    ConnectionGone,
    ConnectionShared,
    ConnectionSplit,
    Finding,
    ModelDeleted,
    ModelMissing,
    NotChecked,
    PolicyUnknown,
    ScheduleDiffers,
    ScheduleDisabled,
    ScheduleForeign,
    ScheduleMissing,
    SelectionEmpty,
    SelectionJoined,
    SelectionLeft,
    Shadowed,
)
from reconcile.render.escape import escape_terminal
from reconcile.render.instants import duration_text, rfc3339
from reconcile.render.names import counted
from reconcile.render.schedules.words import runs_text

_LIMIT = 80
_LISTED = 5
_WHY_LIMIT = 240


def finding_text(finding: Finding) -> str:
    """Say what was found; names that others gave are quoted and escaped."""
    match finding:
        case ModelMissing() | ModelDeleted() | BranchMissing() | PolicyUnknown():
            return _of_model(finding)
        case (
            ConnectionDiffers()
            | ConnectionSplit()
            | ConnectionShared()
            | ConnectionGone()
            | ConnectionFilled()
        ):
            return _of_connection(finding)
        case (
            ScheduleMissing()
            | ScheduleDiffers()
            | ScheduleDisabled()
            | ScheduleForeign()
            | Shadowed()
        ):
            return _of_schedule(finding)
        case SelectionJoined(model_id=model_id, name=name):
            return (
                f"{quoted(name or model_id)} matches a [[select]] and is not in the lock file. "
                "Let it join with: reconcile lock"
            )
        case SelectionLeft(name=name):
            return (
                f"{quoted(name)} is in the lock file and matches no [[select]] any more. Let it "
                "leave with: reconcile lock"
            )
        case SelectionEmpty(number=number, near=near):
            told = f"[[select]] number {number} matches no model"
            if len(near) == 1:
                return f"{told}. Did you mean {quoted(near[0])}?"
            return f"{told}; near are {', '.join(map(quoted, near))}." if near else f"{told}."
        case ClockOff(ahead_s=ahead_s):
            way = "ahead of" if ahead_s > 0 else "behind"
            told = f"This machine's clock is {duration_text(abs(ahead_s))} {way} Omni's."
            return f"{told} Slots are reckoned by it, and Omni refuses resets in its future."
        case _ as unreachable:
            assert_never(unreachable)


def not_checked_text(part: NotChecked) -> str:
    """Say what was not told, and why: `cache policies of 2 models (403 Forbidden)`."""
    match part.part:
        case "connections":
            what = "connections"
        case "policies":
            what = f"cache policies of {counted(part.count, 'model')}"
        case "schedules":
            what = f"schedules of {counted(part.count, 'connection')}"
        case _ as unreachable:
            assert_never(unreachable)
    why = "an earlier look was not told them" if part.why is None else part.why.rstrip(".")
    return f"{what} ({escape_terminal(why, _WHY_LIMIT)})"


def quoted(name: str) -> str:
    """Show a name that somebody else gave."""
    return f'"{escape_terminal(name, _LIMIT)}"'


def spec_text(spec: ScheduleSpec) -> str:
    """Show a native schedule in a few words."""
    mode = "hard" if spec.hard else "soft"
    return f"{escape_terminal(spec.cron, _LIMIT)} {escape_terminal(spec.zone, _LIMIT)}, {mode}"


def _of_model(finding: ModelMissing | ModelDeleted | BranchMissing | PolicyUnknown) -> str:
    match finding:
        case ModelMissing(model_id=model_id, alike=alike):
            told = (
                f"Omni lists no model {escape_terminal(model_id, _LIMIT)}: there is none, or the "
                "token may not see it."
            )
            same = f" A model of this name has the id {escape_terminal(alike or '', _LIMIT)}."
            return told + same if alike else told
        case ModelDeleted(name=name, model_id=model_id, deleted_at=deleted_at):
            return f"The model {quoted(name or model_id)} was deleted at {rfc3339(deleted_at)}."
        case BranchMissing(branch_id=branch_id, branches=branches):
            told = f"The model has no active branch {escape_terminal(branch_id, _LIMIT)}"
            return f"{told}; {_known('branch', branches)}."
        case PolicyUnknown(near=near, known=known):
            told = (
                "The model's file defines no cache policy of this name, and Omni accepts a reset "
                "of any name"
            )
            if near is not None:
                return f"{told}. Did you mean {quoted(near)}?"
            return f"{told}; {_known('policy', known)}."


def _of_connection(
    finding: ConnectionDiffers
    | ConnectionSplit
    | ConnectionShared
    | ConnectionGone
    | ConnectionFilled,
) -> str:
    match finding:
        case ConnectionDiffers(declared=declared, lives_on=place, name=name):
            return f"Declared on {quoted(declared)}, and lives on {quoted(name or place)}."
        case ConnectionSplit(declared=declared, lives_on=places):
            return (
                f"Declared on one connection, {quoted(declared)}, and they live on "
                f"{len(places)}. One call would refresh only one of these."
            )
        case ConnectionShared(declared=declared, lives_on=place, name=name):
            listed = ", ".join(map(quoted, declared))
            return (
                f"Declared on {listed}, which are one connection, {quoted(name or place)}. It is "
                "refreshed once for each."
            )
        case ConnectionGone(declared=declared, deleted_at=deleted_at):
            if deleted_at is None:
                return f"Omni lists no connection {quoted(declared)}."
            return f"The connection {quoted(declared)} was deleted at {rfc3339(deleted_at)}."
        case ConnectionFilled(lives_on=place, name=name):
            return f"The files name no connection; Omni says {quoted(name or place)}."


def _of_schedule(
    finding: ScheduleMissing | ScheduleDiffers | ScheduleDisabled | ScheduleForeign | Shadowed,
) -> str:
    match finding:
        case ScheduleMissing(declared=declared):
            return f"Omni has no such schedule ({spec_text(declared)}). apply --live puts it back."
        case ScheduleDiffers(declared=declared, schedule=schedule):
            theirs, ours = runs_text(schedule.spec, declared), runs_text(declared, schedule.spec)
            return f"Omni runs it {theirs}, the file says {ours.removeprefix('at ')}."
        case ScheduleDisabled(schedule=schedule):
            return f"Omni has disabled it ({spec_text(schedule.spec)}); only Omni can enable it."
        case ScheduleForeign(connection=connection, schedule=schedule):
            told = f"Connection {quoted(connection)} is managed whole and has a schedule besides"
            return f"{told} ({spec_text(schedule.spec)}). apply --live deletes it."
        case Shadowed(kind="redundant", schedule=schedule):
            return (
                f"Omni's own schedule ({spec_text(schedule.spec)}) refreshes the connection at "
                "least as often; this soft refresh adds nothing."
            )
        case Shadowed(schedule=schedule, ours=ours, theirs=theirs):
            return (
                f"Omni's own schedule ({spec_text(schedule.spec)}) refreshes the connection at "
                f"{rfc3339(theirs) if theirs else '?'}, and this refresh is due at "
                f"{rfc3339(ours) if ours else '?'}."
            )


def _known(noun: str, names: tuple[str, ...]) -> str:
    plural = {"branch": "branches", "policy": "policies"}[noun]
    if not names:
        return f"it has no {plural}"
    more = f" and {counted(len(names) - _LISTED, 'more')}" if len(names) > _LISTED else ""
    return f"its {plural}: {', '.join(map(quoted, names[:_LISTED]))}{more.removesuffix('s')}"
