"""What a live look found, and what an instance has: for people and for programs."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import assert_never

from reconcile.live import discovery
from reconcile.live import observed as found
from reconcile.model.observed import Shadowed
from reconcile.model.struct import rfc3339
from reconcile.render.layout import (
    DOT,
    LEAST_WIDTH,
    Cell,
    Ink,
    Row,
    both_ends,
    escape_terminal,
    listing,
    pad,
    paint,
    wrap,
)
from reconcile.render.reasons import runs_text, shadow_text, spec_text
from reconcile.render.words import Vantage, addresses_text, counted, duration_text

# A live look, listed: what differs first, then warnings, then what is only worth knowing.

_INKS = {found.Weight.DIFFERS: Ink.BAD, found.Weight.WARNS: Ink.HARD, found.Weight.NOTES: Ink.DIM}
_NOUNS = {
    found.Weight.DIFFERS: "difference",
    found.Weight.WARNS: "warning",
    found.Weight.NOTES: "note",
}


def findings_text(  # noqa: PLR0913 -- what was found, and how it is laid out
    findings: Sequence[found.Finding],
    *,
    observed_at: datetime,
    now: datetime,
    not_checked: Sequence[found.NotChecked],
    width: int,
    colour: bool,
    complete: Callable[[str], str] = str,
) -> str:
    """Return the findings as a section of its own; ends with a line break. Instants are UTC.

    `complete`: gives a command that is told the options of the running one.
    """
    room = max(width, LEAST_WIDTH)
    lines = wrap(_headline(findings, observed_at, now), room)
    ranked = sorted(findings, key=lambda finding: list(found.Weight).index(found.weight(finding)))
    rows = (_row(finding, complete) for finding in ranked)
    lines += listing(rows, room, colour=colour)
    for part in not_checked:
        lines += wrap(f"Not checked: {not_checked_text(part)}", room)
    return "\n".join(lines) + "\n"


def _headline(findings: Iterable[found.Finding], observed_at: datetime, now: datetime) -> str:
    weights = [found.weight(finding) for finding in findings]
    told = [counted(weights.count(kind), noun) for kind, noun in _NOUNS.items() if kind in weights]
    age = duration_text(max(0.0, (now - observed_at).total_seconds()))
    when = f"Live, seen at {rfc3339(observed_at.replace(microsecond=0))} ({age} ago)"
    return f"{when}: {DOT.join(told) or 'no difference'}"


def _row(finding: found.Finding, complete: Callable[[str], str]) -> Row:
    kind = found.weight(finding)
    told = finding_text(finding, complete)
    return Row(Cell(kind.value, _INKS[kind]), _subject(finding), Cell(""), (told,))


def _subject(finding: found.Finding) -> str:
    match finding:
        case found.SelectionJoined(name=name, model_id=model_id):
            return f"model {quoted(name or model_id)}"
        case found.SelectionEmpty(selects=selects):
            return f"[[select]] {quoted(selects)}"
        case found.ForeignSchedule(connection=connection):
            return f"connection {quoted(connection)}"
        case found.ClockOff():
            return "clock"
        case _:
            return addresses_text(finding.addresses)


# Each kind of finding in a sentence or two: what differs, then what follows from it.

_LIMIT = 80
_LISTED = 5
_WHY_LIMIT = 240


_OfModel = (
    found.ModelMissing
    | found.ModelDeleted
    | found.BranchMissing
    | found.PolicyUnknown
    | found.SchemaUnknown
)
_OfConnection = (
    found.ConnectionDiffers
    | found.ConnectionSplit
    | found.ConnectionShared
    | found.ConnectionGone
    | found.ConnectionFilled
)
_OfSchedule = (
    found.ScheduleMissing
    | found.ScheduleDiffers
    | found.ScheduleDisabled
    | found.ForeignSchedule
    | Shadowed
)


def finding_text(finding: found.Finding, complete: Callable[[str], str] = str) -> str:
    """Say what was found; names that others gave are quoted and escaped."""
    if isinstance(finding, _OfModel):
        return _of_model(finding)
    if isinstance(finding, _OfConnection):
        return _of_connection(finding)
    if isinstance(finding, _OfSchedule):
        return _of_schedule(finding)
    match finding:
        case found.SelectionJoined(model_id=model_id, name=name):
            return (
                f"{quoted(name or model_id)} matches a [[select]] and is not in the lock file. "
                f"Let it join with: {complete('reconcile lock')}"
            )
        case found.SelectionLeft(name=name):
            return (
                f"{quoted(name)} is in the lock file and matches no [[select]] any more. Let it "
                f"leave with: {complete('reconcile lock')}"
            )
        case found.SelectionEmpty(number=number, near=near):
            told = f"[[select]] number {number} matches no model"
            if len(near) == 1:
                return f"{told}. Did you mean {quoted(near[0])}?"
            return f"{told}; near are {', '.join(map(quoted, near))}." if near else f"{told}."
        case found.ClockOff(ahead_s=ahead_s):
            way = "ahead of" if ahead_s > 0 else "behind"
            told = f"This machine's clock is {duration_text(abs(ahead_s))} {way} Omni's."
            return f"{told} Slots are reckoned by it, and Omni refuses resets in its future."
        case _ as unreachable:
            assert_never(unreachable)


_PARTS: Mapping[found.Part, tuple[str, str]] = {
    "connections": ("connections", ""),
    "policies": ("cache policies", "model"),
    "schedules": ("schedules", "connection"),
    "schemas": ("schemas", "model"),
}


def not_checked_text(part: found.NotChecked) -> str:
    """Say what was not told, and why: `cache policies of 2 models (403 Forbidden)`."""
    what, of = _PARTS[part.part]
    what += f" of {counted(part.count, of)}" if of else ""
    why = "an earlier look was not told them" if part.why is None else part.why.rstrip(".")
    return f"{what} ({escape_terminal(why, _WHY_LIMIT)})"


def quoted(name: str) -> str:
    """Show a name that somebody else gave."""
    return f'"{escape_terminal(name, _LIMIT)}"'


def _of_model(finding: _OfModel) -> str:
    match finding:
        case found.ModelMissing(model_id=model_id, alike=alike):
            told = (
                f"Omni lists no model {escape_terminal(model_id, _LIMIT)}: there is none, or the "
                "token may not see it."
            )
            same = f" A model of this name has the id {escape_terminal(alike or '', _LIMIT)}."
            return told + same if alike else told
        case found.ModelDeleted(name=name, model_id=model_id, deleted_at=deleted_at):
            return f"The model {quoted(name or model_id)} was deleted at {rfc3339(deleted_at)}."
        case found.BranchMissing(branch_id=branch_id, branches=branches):
            told = f"The model has no active branch {escape_terminal(branch_id, _LIMIT)}"
            return f"{told}; {_known('branch', branches)}."
        case found.PolicyUnknown(near=near, known=known):
            told = (
                "The model's file defines no cache policy of this name, and Omni accepts a reset "
                "of any name"
            )
            if near is not None:
                return f"{told}. Did you mean {quoted(near)}?"
            return f"{told}; {_known('policy', known)}."
        case found.SchemaUnknown(key=key, name=name, near=near, known=known):
            told = (
                f"{key} has {quoted(name)}, which is of no schema that Omni lists of the model, "
                "and Omni ends a refresh as COMPLETED whether its names match anything or not"
            )
            if near is not None:
                return f"{told}. Did you mean the schema {quoted(near)}?"
            return f"{told}; {_known('schema', known)}."


def _of_connection(finding: _OfConnection) -> str:
    match finding:
        case found.ConnectionDiffers(declared=declared, lives_on=place, name=name):
            return f"Declared on {quoted(declared)}, and lives on {quoted(name or place)}."
        case found.ConnectionSplit(declared=declared, lives_on=places):
            return (
                f"Declared on one connection, {quoted(declared)}, and they live on "
                f"{len(places)}. One call would refresh only one of these."
            )
        case found.ConnectionShared(declared=declared, lives_on=place, name=name):
            listed = ", ".join(map(quoted, declared))
            return (
                f"Declared on {listed}, which are one connection, {quoted(name or place)}. It is "
                "refreshed once for each."
            )
        case found.ConnectionGone(declared=declared, deleted_at=deleted_at):
            if deleted_at is None:
                return f"Omni lists no connection {quoted(declared)}."
            return f"The connection {quoted(declared)} was deleted at {rfc3339(deleted_at)}."
        case found.ConnectionFilled(lives_on=place, name=name):
            return f"The files name no connection; Omni says {quoted(name or place)}."


def _of_schedule(finding: _OfSchedule) -> str:
    match finding:
        case found.ScheduleMissing(declared=declared):
            return f"Omni has no such schedule ({spec_text(declared)}). apply --live puts it back."
        case found.ScheduleDiffers(declared=declared, schedule=schedule):
            theirs, ours = runs_text(schedule.spec, declared), runs_text(declared, schedule.spec)
            return f"Omni runs it {theirs}, the file says {ours.removeprefix('at ')}."
        case found.ScheduleDisabled(schedule=schedule):
            return f"Omni has disabled it ({spec_text(schedule.spec)}); only Omni can enable it."
        case found.ForeignSchedule(connection=connection, schedule=schedule):
            told = f"Connection {quoted(connection)} is managed whole and has a schedule besides"
            return f"{told} ({spec_text(schedule.spec)}). apply --live deletes it."
        case Shadowed():
            return shadow_text(finding)


def _known(noun: str, names: tuple[str, ...]) -> str:
    plural = {"branch": "branches", "policy": "policies", "schema": "schemas"}[noun]
    if not names:
        return f"it has no {plural}"
    more = f" and {counted(len(names) - _LISTED, 'more')}" if len(names) > _LISTED else ""
    return f"its {plural}: {', '.join(map(quoted, names[:_LISTED]))}{more.removesuffix('s')}"


# What a live look found, below a plan in a comment on a change.

MOST_LINES = 80
"""A comment has a limited length, and nobody reads more of this."""

_BACKTICKS = re.compile(r"`{3,}")


def findings_markdown(text: str) -> str:
    """Return the listing in a block of code, which no name in it can leave.

    The fence is longer than any run of backticks inside; see `markdown_code` for why code.
    """
    lines = text.rstrip("\n").splitlines()
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"... {len(lines) - MOST_LINES} more lines"]
    listing = "\n".join(lines)
    fence = "`" * max([2, *map(len, _BACKTICKS.findall(listing))]) + "`"
    return f"\n#### The live instance\n\n{fence}text\n{listing}\n{fence}\n"


# What an instance has, connection by connection: for people, and for programs.

_NAME_LIMIT = 60
_POLICY_LIMIT = 200
"""Longer than a name: a policy's is copied into the file letter by letter."""

_ORDINARY = "SHARED"
_LABEL = 10
_STEP = 2


def inventory_text(
    told: discovery.InventoryDocument, *, brief: bool, width: int, colour: bool
) -> str:
    """Return the listing; ends with a line break. Runs are in each schedule's own zone.

    `brief`: neither policies nor schedules were asked for.
    """
    room = max(width, LEAST_WIDTH)
    models = sum(len(place.models) for place in told.connections)
    known = sum(place.id is not None for place in told.connections)
    lines = wrap(f"{told.host}: {counted(known, 'connection')}, {counted(models, 'model')}", room)
    for place in told.connections:
        lines.append("")
        lines += (paint(line, Ink.BOLD, colour=colour) for line in _heading(place, room))
        if not brief and place.id is not None:
            lines += _schedules(place.schedules, told.observed_at, room)
        for model in place.models:
            lines += _model(model, room, brief=brief)
    return "\n".join(lines) + "\n"


def _heading(place: discovery.ConnectionDocument, width: int) -> list[str]:
    if place.id is None:
        return ["(on no connection)"]
    about = [place.dialect, place.database]
    if place.deleted_at is not None:
        about.append(f"deleted {rfc3339(place.deleted_at)}")
    facts = ", ".join(_shown(fact) for fact in about if fact)
    name = _shown(place.name)
    return both_ends(f"{name}  {facts}" if facts else name, _shown(place.id), width)


def _schedules(
    schedules: Sequence[discovery.ScheduleDocument] | None, now: datetime, width: int
) -> Iterator[str]:
    if schedules is None:
        yield from _facts("schedules", ["not seen"], width, indent=_STEP)
    for schedule in schedules or ():
        mode = "hard" if schedule.hard else "soft"
        following = "no next run"
        if schedule.disabled_at is not None:
            following = f"disabled {rfc3339(schedule.disabled_at)}"
        elif schedule.next_run is not None:
            following = f"next {Vantage(schedule.timezone, now).local(schedule.next_run)}"
        parts = [f"{_shown(schedule.cron)}  {_shown(schedule.timezone)}", mode, following]
        yield from _facts("schedule", parts, width, indent=_STEP)


def _model(model: discovery.ModelDocument, width: int, *, brief: bool) -> Iterator[str]:
    marks = [model.kind] if model.kind and model.kind != _ORDINARY else []
    if model.deleted_at is not None:
        marks.append(f"deleted {rfc3339(model.deleted_at)}")
    marked = f"  ({_shown(', '.join(marks))})" if marks else ""
    for line in both_ends(f"{_shown(model.name)}{marked}", _shown(model.id), width - _STEP):
        yield " " * _STEP + line
    if model.policies is None and not brief and model.deleted_at is None:
        yield from _facts("policies", ["not seen"], width, indent=2 * _STEP)
    if model.policies:
        policies = (_shown(policy, _POLICY_LIMIT) for policy in model.policies)
        yield from _facts("policies", policies, width, indent=2 * _STEP)
    if model.branches:
        names = sorted(_shown(branch.name) for branch in model.branches)
        yield from _facts("branches", names, width, indent=2 * _STEP)


def _facts(label: str, values: Iterable[str], width: int, *, indent: int) -> Iterator[str]:
    first, *rest = wrap(", ".join(values), width - indent - _LABEL, ", ")
    yield " " * indent + pad(label, _LABEL) + first
    yield from (" " * (indent + _LABEL) + line for line in rest)


def _shown(text: str | None, limit: int = _NAME_LIMIT) -> str:
    return escape_terminal(text, limit) if text else "(unnamed)"
