"""Mending and moving a state, without a hand on any file."""

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from msgspec import Struct

from reconcile.errors import Diagnostic, ReconcileError
from reconcile.model.journal import Numbered
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.planning.replay import replay
from reconcile.state.codec import MalformedError
from reconcile.state.errors import Named, history_damaged, previous_damaged, refusal
from reconcile.state.files import (
    Location,
    ensure_directory,
    is_remote,
    locate,
    read_file,
    remove,
    replace_file,
)
from reconcile.state.journal import Line, keep_history, past_lines, unreadable_lines
from reconcile.state.load import Loaded, decode_at, load, load_from
from reconcile.state.lock import held
from reconcile.state.marker import MAX_MARKER_BYTES, decode_marker
from reconcile.state.session import open_session
from reconcile.state.snapshot import (
    MAX_STATE_BYTES,
    NewerFormatError,
    copy_aside,
    decode_state,
    encode_state,
    move_aside,
)

# What a damaged state can still be, from a base that is whole and the lines that follow it.

STATE_IS_LOST = {"state-damaged", "state-missing"}
JOURNAL_IS_LOST = {"journal-damaged", "journal-foreign"}


class Repaired(Struct, frozen=True):
    """What a repair left, and what it could not keep.

    `lost`: entries that could be read, but not built on. `unreadable`: how many lines say nothing
    any more. `set_aside`: where the damaged files are now.
    """

    recorded: Recorded
    lost: tuple[Numbered, ...]
    unreadable: int
    set_aside: tuple[Path | str, ...]


def rebuilt(
    base: Recorded, found: Sequence[Line], reached: int = 0
) -> tuple[Recorded, tuple[Numbered, ...]]:
    """Return a base brought on as far as lines reach, and the entries that it cannot have.

    `reached`: the last sequence that is known to have been given, readable or not.
    """
    lines = [line for line in found if line.lineage == base.lineage]
    recorded = replay(base, [line.numbered for line in _chain(base, lines)])
    lost = [line.numbered for line in lines if line.numbered.sequence > recorded.sequence]
    recorded = replace(
        recorded,
        # Past every line there is: none of them may be taken for a later one.
        serial=max([base.serial, *(line.base for line in lines)]) + 1,
        sequence=max([recorded.sequence, reached, *(numbered.sequence for numbered in lost)]),
    )
    return recorded, tuple(lost)


def beginning(state: Named, lines: Sequence[Line]) -> Recorded:
    """Return the empty state that the oldest line was written on, if that was the very first."""
    first = lines[0] if lines else None
    # A history that was cut keeps how the run began in whose midst it was.
    cut = len(lines) > 1 and lines[1].numbered.sequence != lines[0].numbered.sequence + 1
    if first is None or first.numbered.sequence > 1 or cut:
        raise refusal(
            "nothing-to-restore",
            f"There is no previous version of {state}, and its history does not reach "
            "back to its beginning.",
            path=state,
            hint="Put a copy in its place: reconcile state push --force FILE",
        )
    return Recorded(lineage=first.lineage)


def refuse_unless(lost: set[str], read: Callable[[], object], state: Named, command: str) -> None:
    """Refuse to mend what `read` takes for whole, or refuses for another reason than these."""
    try:
        read()
    except ReconcileError as error:
        if error.diagnostics[0].code in lost:
            return
        raise
    raise refusal(
        "nothing-to-repair",
        f"{state} and its journal are whole, so {command} has nothing to do.",
        path=state,
    )


def is_whole(data: bytes) -> bool:
    """Tell whether bytes are a state as it was saved."""
    try:
        decode_state(data)
    except (MalformedError, NewerFormatError):
        return False
    return True


def _chain(base: Recorded, lines: Sequence[Line]) -> list[Line]:
    """Return the lines that follow a state without a gap, each on the same state or a later."""
    by_sequence = {line.numbered.sequence: line for line in lines}
    chain: list[Line] = []
    serial, sequence = base.serial, base.sequence + 1
    while (line := by_sequence.get(sequence)) is not None and line.base >= serial:
        chain.append(line)
        serial, sequence = line.base, sequence + 1
    return chain


# Getting a damaged state or journal back, without a hand on any file.


def restore(url: str, *, now: datetime) -> Repaired:
    """Go back to the previous version of the state, and on again as far as lines reach.

    History and journal hold what happened since, so as a rule nothing is lost. `now` (UTC) is for
    the lock. Raises ReconcileError: for a state that is whole, for one with nothing to go back
    to, and with exit code 5 while somebody holds the lock.
    """
    if is_remote(url):
        from reconcile.state.remote import mend  # noqa: PLC0415 - remote states only

        return mend.restore(url, now=now)
    location = locate(url)
    with held(location.lock, command="state restore", now=now):
        _refuse_unless(STATE_IS_LOST, location, "state restore")
        return _rebuild(location, _previous(location))


def repair(url: str, *, now: datetime) -> Repaired:
    """Keep the good part of a damaged or foreign journal and set the file aside.

    `now` (UTC) is for the lock. Raises ReconcileError: for a journal that is whole, for a state
    that is damaged itself, and with exit code 5 while somebody holds the lock.
    """
    if is_remote(url):
        from reconcile.state.remote import mend  # noqa: PLC0415 - remote states only

        return mend.repair(url, now=now)
    location = locate(url)
    with held(location.lock, command="state repair", now=now):
        _refuse_unless(JOURNAL_IS_LOST, location, "state repair")
        return _rebuild(location, _saved(location))


def verify(url: str) -> tuple[Diagnostic, ...]:
    """Check every file of a state; no diagnostics, no fault. Takes no lock, writes nothing."""
    if is_remote(url):
        from reconcile.state.remote import mend  # noqa: PLC0415 - remote states only

        return mend.verify(url)
    location = locate(url)
    try:
        found = list(load_from(location).warnings)
        previous = read_file(location.previous, MAX_STATE_BYTES)
        if previous is not None and not is_whole(previous):
            found.append(previous_damaged(location.previous))
        if unreadable := unreadable_lines(location.history):
            found.append(history_damaged(location.history, unreadable))
    except ReconcileError as error:
        return error.diagnostics
    return tuple(found)


def _rebuild(location: Location, base: Recorded) -> Repaired:
    """Put a state in place that has all the lines it can have, then set the journal aside.

    Stopped anywhere, it can be run again: lines are in the history before their file goes.
    """
    marker = decode_marker(read_file(location.session, MAX_MARKER_BYTES))
    known = marker is not None and marker.lineage == base.lineage
    recorded, lost = rebuilt(base, past_lines(location), marker.newest if marker and known else 0)
    unreadable = unreadable_lines(location.journal)
    keep_history(location)
    set_aside = copy_aside(location.state)
    replace_file(location.state, encode_state(recorded))
    set_aside += move_aside(location.journal)
    remove(location.session)
    return Repaired(recorded, lost, unreadable, set_aside)


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
    if previous is None or not is_whole(previous):
        return beginning(location.state, past_lines(location))
    return decode_at(location.previous, previous)


def _refuse_unless(lost: set[str], location: Location, command: str) -> None:
    refuse_unless(lost, lambda: load_from(location), location.state, command)


# Moving a state from one place to another, lineage and all.


def migrate(source: str, target: str, *, lock_timeout_s: float = 0.0, now: datetime) -> Recorded:
    """Copy the state at one URL to another, its journal folded in, and return what is there then.

    Both are locked meanwhile; `now` is UTC. What is at the source stays. Raises ReconcileError: if
    there is no state at the source, or one at the target that this does not continue.
    """
    if source == target:
        raise refusal(
            "migrate-same",
            f"Both URLs are {source}.",
            path=source,
            hint="reconcile state migrate state/prod.json s3://BUCKET/prod.json",
        )
    pull(source)  # without making one there
    command = "reconcile state migrate"
    with open_session(source, command=command, lock_timeout_s=lock_timeout_s, now=now) as session:
        return push(target, encode_state(session.recorded), now=now)


# Taking a state out as one file, and putting one in place.

FORCE = "If it is right all the same: reconcile state push --force FILE"


def pull(url: str, loaded: Loaded | None = None) -> bytes:
    """Return the state as one file, what is in the journal included.

    Takes no lock. `loaded`: what was read there already. Raises ReconcileError if there is no
    state, or it cannot be read.
    """
    loaded = load(url) if loaded is None else loaded
    if not loaded.exists:
        state = url if is_remote(url) else locate(url).state
        raise refusal(
            "no-state",
            f"There is no {state}: no apply has saved one.",
            path=state,
        )
    return encode_state(loaded.recorded)


def push(url: str, data: bytes, *, now: datetime, force: bool = False) -> Recorded:
    """Put a state file's content in place, and return the state there is then.

    It must be of the same lineage and later than what is there; `force` takes it whatever is
    there, damaged or not. `now` (UTC) is for the lock. Raises ReconcileError: for content that
    is no whole state file, and with exit code 5 while somebody holds the lock.
    """
    if is_remote(url):
        from reconcile.state.remote import mend  # noqa: PLC0415 - remote states only

        return mend.push(url, data, now=now, force=force)
    location = locate(url)
    pushed = decode_pushed(location.state, data)
    ensure_directory(location.state.parent)
    with held(location.lock, command="state push", now=now):
        present, whole = None, True
        try:
            loaded = load_from(location)
            present = reached(loaded)
        except ReconcileError:
            if not force:
                raise
            whole = False
        successor = succeeding(location.state, present, pushed, force=force)
        if successor is not None:
            _put(location, successor, whole=whole)
            # A person said what is true; nothing of an earlier session is missing from that.
            remove(location.session)
        return successor or present or pushed


def reached(loaded: Loaded) -> Recorded | None:
    """Return what is there, as far as it ever reached; None if nothing is."""
    return replace(loaded.recorded, sequence=loaded.reached) if loaded.exists else None


def _put(location: Location, pushed: Recorded, *, whole: bool) -> None:
    keep_history(location)
    if whole:
        replace_file(location.state, encode_state(pushed), previous=location.previous)
        remove(location.journal)
    else:
        # What is damaged must not become the version one goes back to.
        copy_aside(location.state)
        replace_file(location.state, encode_state(pushed))
        move_aside(location.journal)


def succeeding(
    state: Named, present: Recorded | None, pushed: Recorded, *, force: bool
) -> Recorded | None:
    """Return what is to take the present state's place; None if that is the same already.

    Raises ReconcileError if it would not continue it, unless by `force`.
    """
    if present is None:
        return pushed
    if replace(present, serial=pushed.serial) == pushed:
        return None
    if not force:
        _refuse_unless_later(state, present, pushed)
    elif present.lineage == pushed.lineage:
        return _later_than(present, pushed)
    return pushed


def _later_than(present: Recorded, pushed: Recorded) -> Recorded:
    """Go on counting: no serial and no sequence may ever mean two things."""
    return replace(
        pushed,
        serial=max(present.serial, pushed.serial) + 1,
        sequence=max(present.sequence, pushed.sequence),
    )


def _refuse_unless_later(state: Named, present: Recorded, pushed: Recorded) -> None:
    if pushed.lineage != present.lineage:
        why = f"its lineage is {pushed.lineage}, that of the state {present.lineage}"
    elif pushed.serial <= present.serial or pushed.sequence < present.sequence:
        why = (
            f"it ends at serial {pushed.serial} and entry {pushed.sequence}, the state at serial "
            f"{present.serial} and entry {present.sequence}"
        )
    else:
        return
    raise refusal(
        "push-not-later",
        f"What was pushed would take the place of {state}, but {why}. What was done "
        "since would be done again.",
        path=state,
        hint=FORCE,
    )


def decode_pushed(state: Named, data: bytes) -> Recorded:
    """Decode what is to be a state. Raises ReconcileError `push-damaged`."""
    try:
        return decode_state(data)
    except MalformedError as error:
        why = f"it is not a whole state file: {error}"
    except NewerFormatError as error:
        why = f"it was written by {error}, whose format this version does not know"
    raise refusal(
        "push-damaged",
        f"{state} was left as it is. As for what was pushed, {why}.",
        path=state,
    )
