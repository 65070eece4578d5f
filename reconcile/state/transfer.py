"""Taking a state out as one file, and putting one in place."""

from dataclasses import replace
from datetime import datetime

from reconcile.model.diagnostic import ReconcileError
from reconcile.model.recorded import Recorded
from reconcile.state.aside import copy_aside, move_aside
from reconcile.state.files import ensure_directory, remove, replace_file
from reconcile.state.history import keep_history
from reconcile.state.loading import Loaded, load, load_from
from reconcile.state.location import Location, is_remote, locate
from reconcile.state.lock import held
from reconcile.state.refusals import Named, refusal
from reconcile.state.saving import encode_state
from reconcile.state.snapshot import NewerFormatError, decode_state
from reconcile.state.strict import MalformedError

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
            "There is no state yet",
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
        from reconcile.state.remote import mending  # noqa: PLC0415 - remote states only

        return mending.push(url, data, now=now, force=force)
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
        "The pushed state does not continue the present one",
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
        "What was pushed is not a state",
        f"{state} was left as it is. As for what was pushed, {why}.",
        path=state,
    )
