"""Getting a damaged state or journal back, without a hand on any file."""

import os
from datetime import datetime
from uuid import uuid4

from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.recorded import Recorded
from reconcile.state.aside import copy_aside, move_aside
from reconcile.state.files import read_file, remove, replace_file
from reconcile.state.history import keep_history, past_lines, unreadable_lines
from reconcile.state.loading import decode_at, load_from
from reconcile.state.location import Location, is_remote, locate
from reconcile.state.lock import held
from reconcile.state.marker import MAX_MARKER_BYTES, decode_marker
from reconcile.state.rebuilding import (
    JOURNAL_IS_LOST,
    STATE_IS_LOST,
    Repaired,
    beginning,
    is_whole,
    rebuilt,
    refuse_unless,
)
from reconcile.state.refusals import history_damaged, previous_damaged
from reconcile.state.saving import encode_state
from reconcile.state.snapshot import MAX_STATE_BYTES


def restore(url: str, *, now: datetime) -> Repaired:
    """Go back to the previous version of the state, and on again as far as lines reach.

    History and journal hold what happened since, so as a rule nothing is lost. `now` (UTC) is for
    the lock. Raises ReconcileError: for a state that is whole, for one with nothing to go back
    to, and with exit code 5 while somebody holds the lock.
    """
    if is_remote(url):
        from reconcile.state.remote import mending  # noqa: PLC0415 - remote states only

        return mending.restore(url, now=now)
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
        from reconcile.state.remote import mending  # noqa: PLC0415 - remote states only

        return mending.repair(url, now=now)
    location = locate(url)
    with held(location.lock, command="state repair", now=now):
        _refuse_unless(JOURNAL_IS_LOST, location, "state repair")
        return _rebuild(location, _saved(location))


def verify(url: str) -> tuple[Diagnostic, ...]:
    """Check every file of a state; no diagnostics, no fault. Takes no lock, writes nothing."""
    if is_remote(url):
        from reconcile.state.remote import looking  # noqa: PLC0415 - remote states only

        return looking.verify(url)
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
