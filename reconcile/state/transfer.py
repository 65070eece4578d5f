"""Taking a state out as one file, and putting one in place."""

from dataclasses import replace
from datetime import datetime

from reconcile.model.diagnostic import ReconcileError
from reconcile.model.recorded import Recorded
from reconcile.state.aside import copy_aside, move_aside
from reconcile.state.files import ensure_directory, remove, replace_file
from reconcile.state.history import keep_history
from reconcile.state.loading import load_from
from reconcile.state.location import Location, locate
from reconcile.state.lock import held
from reconcile.state.refusals import refusal
from reconcile.state.saving import encode_state
from reconcile.state.snapshot import NewerFormatError, decode_state
from reconcile.state.strict import MalformedError

FORCE = "If it is right all the same: reconcile state push --force FILE"


def pull(url: str) -> bytes:
    """Return the state as one file, what is in the journal included.

    Takes no lock. Raises ReconcileError if there is no state, or it cannot be read.
    """
    location = locate(url)
    loaded = load_from(location)
    if not loaded.exists:
        raise refusal(
            "no-state",
            "There is no state yet",
            f"There is no {location.state}: no apply has saved one.",
            path=location.state,
        )
    return encode_state(loaded.recorded)


def push(url: str, data: bytes, *, now: datetime, force: bool = False) -> Recorded:
    """Put a state file's content in place, and return the state there is then.

    It must be of the same lineage and later than what is there; `force` takes it whatever is
    there, damaged or not. `now` (UTC) is for the lock. Raises ReconcileError: for content that
    is no whole state file, and with exit code 5 while somebody holds the lock.
    """
    location = locate(url)
    pushed = _decode(location, data)
    ensure_directory(location.state.parent)
    with held(location.lock, command="state push", now=now):
        present, whole = None, True
        try:
            loaded = load_from(location)
            present = loaded.recorded if loaded.exists else None
        except ReconcileError:
            if not force:
                raise
            whole = False
        if present is not None and replace(present, serial=pushed.serial) == pushed:
            return present
        if present is not None and not force:
            _refuse_unless_later(location, present, pushed)
        elif present is not None and present.lineage == pushed.lineage:
            pushed = _later_than(present, pushed)
        _put(location, pushed, whole=whole)
        return pushed


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


def _later_than(present: Recorded, pushed: Recorded) -> Recorded:
    """Go on counting: no serial and no sequence may ever mean two things."""
    return replace(
        pushed,
        serial=max(present.serial, pushed.serial) + 1,
        sequence=max(present.sequence, pushed.sequence),
    )


def _refuse_unless_later(location: Location, present: Recorded, pushed: Recorded) -> None:
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
        "The pushed state does not continue the present one",
        f"What was pushed would take the place of {location.state}, but {why}. What was done "
        "since would be done again.",
        path=location.state,
        hint=FORCE,
    )


def _decode(location: Location, data: bytes) -> Recorded:
    try:
        return decode_state(data)
    except MalformedError as error:
        why = f"it is not a whole state file: {error}"
    except NewerFormatError as error:
        why = f"it was written by {error}, whose format this version does not know"
    raise refusal(
        "push-damaged",
        "What was pushed is not a state",
        f"{location.state} was left as it is. As for what was pushed, {why}.",
        path=location.state,
    )
