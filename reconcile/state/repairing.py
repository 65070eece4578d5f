"""Getting a damaged state or journal back, without a hand on any file."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.journal import Numbered
from reconcile.model.recorded import Recorded
from reconcile.planning.replay import replay
from reconcile.state.aside import copy_aside, move_aside
from reconcile.state.files import read_file, replace_file
from reconcile.state.history import keep_history, past_lines, unreadable_lines
from reconcile.state.journal import Line
from reconcile.state.loading import decode_at, load_from
from reconcile.state.location import Location, locate
from reconcile.state.lock import held
from reconcile.state.refusals import refusal, warning
from reconcile.state.saving import encode_state
from reconcile.state.snapshot import MAX_STATE_BYTES, NewerFormatError, decode_state
from reconcile.state.strict import MalformedError

_STATE_IS_LOST = {"state-damaged", "state-missing"}
_JOURNAL_IS_LOST = {"journal-damaged", "journal-foreign"}


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair left, and what it could not keep.

    `lost`: entries that could be read, but not built on. `unreadable`: how many lines say nothing
    any more. `set_aside`: where the damaged files are now.
    """

    recorded: Recorded
    lost: tuple[Numbered, ...]
    unreadable: int
    set_aside: tuple[Path, ...]


def restore(url: str, *, now: datetime) -> Repaired:
    """Go back to the previous version of the state, and on again as far as lines reach.

    History and journal hold what happened since, so as a rule nothing is lost. `now` (UTC) is for
    the lock. Raises ReconcileError: for a state that is whole, for one with nothing to go back
    to, and with exit code 5 while somebody holds the lock.
    """
    location = locate(url)
    with held(location.lock, command="state restore", now=now):
        _refuse_unless(_STATE_IS_LOST, location, "state restore")
        return _rebuild(location, _previous(location))


def repair(url: str, *, now: datetime) -> Repaired:
    """Keep the good part of a damaged or foreign journal and set the file aside.

    `now` (UTC) is for the lock. Raises ReconcileError: for a journal that is whole, for a state
    that is damaged itself, and with exit code 5 while somebody holds the lock.
    """
    location = locate(url)
    with held(location.lock, command="state repair", now=now):
        _refuse_unless(_JOURNAL_IS_LOST, location, "state repair")
        return _rebuild(location, _saved(location))


def verify(url: str) -> tuple[Diagnostic, ...]:
    """Check every file of a state; no diagnostics, no fault. Takes no lock, writes nothing."""
    location = locate(url)
    try:
        found = list(load_from(location).warnings)
        previous = read_file(location.previous, MAX_STATE_BYTES)
        if previous is not None and not _is_whole(previous):
            found.append(
                warning(
                    "previous-damaged",
                    "The previous version is damaged",
                    f"{location.previous} is not what was saved, so there would be less to go "
                    "back to. The state itself is whole; the next save replaces the file.",
                    path=location.previous,
                )
            )
        if unreadable := unreadable_lines(location.history):
            found.append(
                warning(
                    "history-damaged",
                    "The history has gaps",
                    f"{unreadable} lines of {location.history} cannot be read. Nothing is decided "
                    "by them.",
                    path=location.history,
                )
            )
    except ReconcileError as error:
        return error.diagnostics
    return tuple(found)


def _rebuild(location: Location, base: Recorded) -> Repaired:
    """Put a state in place that has all the lines it can have, then set the journal aside.

    Stopped anywhere, it can be run again: lines are in the history before their file goes.
    """
    lines = [line for line in past_lines(location) if line.lineage == base.lineage]
    recorded = replay(base, [line.numbered for line in _chain(base, lines)])
    lost = [line.numbered for line in lines if line.numbered.sequence > recorded.sequence]
    unreadable = unreadable_lines(location.journal)
    recorded = replace(
        recorded,
        # Past every line there is: none of them may be taken for a later one.
        serial=max([base.serial, *(line.base for line in lines)]) + 1,
        sequence=max([recorded.sequence, *(numbered.sequence for numbered in lost)]),
    )
    keep_history(location)
    set_aside = copy_aside(location.state)
    replace_file(location.state, encode_state(recorded))
    set_aside += move_aside(location.journal)
    return Repaired(recorded, tuple(lost), unreadable, set_aside)


def _chain(base: Recorded, lines: Sequence[Line]) -> list[Line]:
    """Return the lines that follow a state without a gap, each on the same state or a later."""
    by_sequence = {line.numbered.sequence: line for line in lines}
    chain: list[Line] = []
    serial, sequence = base.serial, base.sequence + 1
    while (line := by_sequence.get(sequence)) is not None and line.base >= serial:
        chain.append(line)
        serial, sequence = line.base, sequence + 1
    return chain


def _saved(location: Location) -> Recorded:
    saved = read_file(location.state, MAX_STATE_BYTES)
    if saved is not None:
        return decode_at(location.state, saved)
    if os.path.lexists(location.previous):
        return _previous(location)
    # Nothing was ever saved. Where even the first line is damaged, this is all there is.
    return Recorded(lineage=next((line.lineage for line in past_lines(location)), str(uuid4())))


def _previous(location: Location) -> Recorded:
    previous = read_file(location.previous, MAX_STATE_BYTES)
    if previous is None or not _is_whole(previous):
        return _beginning(location)
    return decode_at(location.previous, previous)


def _beginning(location: Location) -> Recorded:
    """Return the empty state that the oldest line was written on, if that was the very first."""
    first = next(iter(past_lines(location)), None)
    if first is None or first.numbered.sequence > 1:
        raise refusal(
            "nothing-to-restore",
            "There is nothing to go back to",
            f"There is no previous version of {location.state}, and its history does not reach "
            "back to its beginning.",
            path=location.state,
            hint="Put a copy in its place: reconcile state push --force FILE",
        )
    return Recorded(lineage=first.lineage)


def _refuse_unless(lost: set[str], location: Location, command: str) -> None:
    try:
        load_from(location)
    except ReconcileError as error:
        if error.diagnostics[0].code in lost:
            return
        raise
    raise refusal(
        "nothing-to-repair",
        "There is nothing to repair",
        f"{location.state} and its journal are whole, so {command} has nothing to do.",
        path=location.state,
    )


def _is_whole(data: bytes) -> bool:
    try:
        decode_state(data)
    except (MalformedError, NewerFormatError):
        return False
    return True
