"""Mending and moving a state, wherever it is kept, without a hand on any of its pieces."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import uuid4

from msgspec import Struct

from reconcile.errors import Diagnostic, ReconcileError
from reconcile.model.address import Address
from reconcile.model.journal import Numbered
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.planning.replay import replay
from reconcile.state.backend import Pieces, backend, load, open_session
from reconcile.state.codec import MalformedError, NewerFormatError, decode_state, encode_state
from reconcile.state.errors import (
    Named,
    history_ahead,
    history_damaged,
    no_state,
    previous_damaged,
    refusal,
)
from reconcile.state.journal import (
    Line,
    Loaded,
    concerning,
    decode_at,
    good_lines,
    read_lines,
    unreadable,
)
from reconcile.state.lock import Wanted

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
    set_aside: tuple[Named, ...]


def rebuilt(
    base: Recorded, past: Sequence[Line], journal: Sequence[Line], reached: int
) -> tuple[Recorded, tuple[Numbered, ...]]:
    """Return a base brought on as far as lines reach, and the entries that it cannot have.

    `past`: of the history. `reached`: the last sequence that is known to have been given, readable
    or not. An entry that the base has by its number counts as lost all the same where several claim
    that number: nobody can tell whose the base has.
    """
    past = [line for line in past if line.lineage == base.lineage]
    journal = [line for line in journal if line.lineage == base.lineage]
    chain = _chain(base, past, journal)
    recorded = replay(base, [line.numbered for line in chain])
    left = {line.raw: line.numbered for line in (*past, *journal)}
    claims = Counter(numbered.sequence for numbered in left.values())
    for line in chain:
        del left[line.raw]
    lost = [
        one for one in left.values() if one.sequence > base.sequence or claims[one.sequence] > 1
    ]
    recorded = replace(
        recorded,
        # Past every line there is: none of them may be taken for a later one.
        serial=max([base.serial, *(line.base for line in (*past, *journal))]) + 1,
        sequence=max([recorded.sequence, reached, *(numbered.sequence for numbered in lost)]),
    )
    return recorded, tuple(lost)


def beginning(state: Named, lines: Sequence[Line], lacking: str | None = None) -> Recorded:
    """Return the empty state that the oldest line was written on, if that was the very first.

    `lacking`: why no later version can be built on, where there is one.
    """
    first = lines[0] if lines else None
    # A history that was cut keeps how the run began in whose midst it was.
    cut = len(lines) > 1 and lines[1].numbered.sequence != lines[0].numbered.sequence + 1
    if first is None or first.numbered.sequence > 1 or cut:
        raise refusal(
            "nothing-to-restore",
            f"{lacking or f'There is no previous version of {state}'}, and its history does not "
            "reach back to its beginning.",
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


def _chain(base: Recorded, past: Sequence[Line], journal: Sequence[Line]) -> list[Line]:
    """Return the lines that follow a state without a gap, each on the same state or a later.

    A number that occurs again was given anew once the state had been put back, so of several the
    last counts, and what stands before it is no continuation of it. A journal is of one run: what
    stands behind a break in it is another's.
    """
    own = read_lines(b"".join(line.raw + b"\n" for line in journal)).lines
    if any(line.base == base.serial for line in own):
        past = ()  # The journal was begun on this very state: what else followed it was given up.
    lines = [*past, *own]
    last = {line.numbered.sequence: place for place, line in enumerate(lines)}
    chain: list[Line] = []
    serial, sequence = base.serial, base.sequence
    place = last.get(sequence, -1)
    while (after := last.get(sequence + 1, -1)) > place and lines[after].base >= serial:
        chain.append(lines[after])
        serial, sequence, place = lines[after].base, sequence + 1, after
    return chain


# Getting a damaged state or journal back, without a hand on any file.


def restore(url: str, *, lock_timeout_s: float = 0.0, now: datetime) -> Repaired:
    """Go back to the previous version of the state, and on again as far as lines reach.

    History and journal hold what happened since, so as a rule nothing is lost. `now` (UTC) is for
    the lock. Raises ReconcileError: for a state that is whole, for one with nothing to go back
    to, and with exit code 5 where somebody holds the lock for longer.
    """
    wanted = Wanted("state restore", timeout_s=lock_timeout_s)
    return _mend(url, wanted, STATE_IS_LOST, _previous, now)


def repair(url: str, *, lock_timeout_s: float = 0.0, now: datetime) -> Repaired:
    """Keep the good part of a damaged or foreign journal and set the rest aside.

    `now` (UTC) is for the lock. Raises ReconcileError: for a journal that is whole, for a state
    that is damaged itself, and with exit code 5 where somebody holds the lock for longer.
    """
    wanted = Wanted("state repair", timeout_s=lock_timeout_s)
    return _mend(url, wanted, JOURNAL_IS_LOST, _saved, now)


def verify(url: str) -> tuple[Diagnostic, ...]:
    """Check every piece of a state; no diagnostics, no fault. Takes no lock, writes nothing."""
    place = backend(url)
    try:
        with place.look() as kept:
            told = kept.history()  # Before the state, which a run saves first.
            loaded = kept.load()
            found = list(loaded.warnings)
            name, older, past = kept.names
            if not loaded.exists and loaded.missing is None:
                found.append(no_state(name))
            previous = kept.previous()
            if previous is not None and not is_whole(previous):
                found.append(previous_damaged(older))
            if lines := unreadable(told):
                found.append(history_damaged(past, lines))
            known = [line for line in good_lines(told) if line.lineage == loaded.recorded.lineage]
            newest = max((line.numbered.sequence for line in known), default=0)
            if newest > loaded.reached:
                found.append(history_ahead(past, newest, loaded.recorded.sequence))
    except ReconcileError as error:
        return error.diagnostics
    try:
        place.inbox.waiting()
    except ReconcileError as error:
        found += error.diagnostics
    return tuple(found)


def history(url: str, address: Address | None = None) -> tuple[Numbered, ...]:
    """Return what is still known to have happened, oldest first; of one item, if one is named.

    Raises ReconcileError for what cannot be read at all.
    """
    with backend(url).look() as kept:
        # Each once: what a killed run left may be in the history already.
        entries = tuple(line.numbered for line in good_lines(kept.history(), kept.journal()))
    return entries if address is None else concerning(entries, address)


def _mend(
    url: str,
    wanted: Wanted,
    lost: set[str],
    base: Callable[[Pieces, Sequence[Line]], Recorded],
    now: datetime,
) -> Repaired:
    with backend(url).hold(wanted, now=now) as held:
        refuse_unless(lost, held.load, held.names[0], wanted.command)
        past, journal = good_lines(held.history()), good_lines(held.journal())
        saved, marker = base(held, (*past, *journal)), held.marker()
        known = marker is not None and marker.lineage == saved.lineage
        recorded, beyond = rebuilt(saved, past, journal, marker.newest if marker and known else 0)
        unread = unreadable(held.journal())
        return Repaired(recorded, beyond, unread, held.put(recorded, whole=False))


def _saved(kept: Pieces, lines: Sequence[Line]) -> Recorded:
    saved = kept.state()
    if saved is not None:
        return decode_at(kept.names[0], saved)
    # Nothing was ever saved. Where even the first line is damaged, this is all there is.
    return Recorded(lineage=next((line.lineage for line in lines), str(uuid4())))


def _previous(kept: Pieces, lines: Sequence[Line]) -> Recorded:
    state, older, _ = kept.names
    previous = kept.previous()
    if previous is None:
        return beginning(state, lines)
    try:
        return decode_state(previous)
    except (MalformedError, NewerFormatError) as error:
        return beginning(state, lines, f"{older} cannot be used ({error})")


# Moving a state from one place to another, lineage, history and all.


def migrate(source: str, target: str, *, lock_timeout_s: float = 0.0, now: datetime) -> Recorded:
    """Copy the state at one URL to another, its journal folded in, and return what is there then.

    Its history goes after it; stopped anywhere, it can be done again. Both are locked meanwhile;
    `now` is UTC. What is at the source stays. Raises ReconcileError: if there is no state at the
    source, or one at the target that this does not continue.
    """
    if _place(source) == _place(target):
        raise refusal(
            "migrate-same",
            f"Both URLs lead to {source}.",
            path=source,
            hint="reconcile state migrate state/prod.json s3://BUCKET/prod.json",
        )
    pull(source)  # without making one there
    command = "reconcile state migrate"
    with open_session(source, command=command, lock_timeout_s=lock_timeout_s, now=now) as session:
        with backend(source).look() as kept:
            past = kept.history() + kept.journal()
        data = encode_state(session.recorded)
        return push(target, data, lock_timeout_s=lock_timeout_s, now=now, past=past)


def _place(url: str) -> Named:
    """Name where a state is kept in the one way that all spellings of its path share."""
    place = backend(url)
    return place.name if place.file is None else os.path.realpath(place.file)


# Taking a state out as one file, and putting one in place.


def pull(url: str, loaded: Loaded | None = None) -> bytes:
    """Return the state as one file, what is in the journal included.

    Takes no lock. `loaded`: what was read there already. Raises ReconcileError if there is no
    state, or it cannot be read.
    """
    loaded = load(url) if loaded is None else loaded
    if not loaded.exists:
        raise ReconcileError(no_state(backend(url).name))
    return encode_state(loaded.recorded)


def push(
    url: str,
    data: bytes,
    *,
    lock_timeout_s: float = 0.0,
    now: datetime,
    force: bool = False,
    past: bytes = b"",
) -> Recorded:
    """Put a state file's content in place, and return the state there is then.

    It must be of the same lineage and later than what is there; `force` takes it whatever is
    there, damaged or not. `now` (UTC) is for the lock. `past`: lines of its history. Raises
    ReconcileError: for content that is no whole state file, and with exit code 5 where somebody
    holds the lock for longer.
    """
    place = backend(url)
    pushed = decode_pushed(place.name, data)
    with place.hold(Wanted("state push", timeout_s=lock_timeout_s), now=now) as held:
        present, whole = None, True
        try:
            present = reached(held.load())
        except ReconcileError:
            if not force:
                raise
            whole = False
        successor = succeeding(place.name, present, pushed, force=force)
        if successor is not None:
            held.put(successor, whole=whole)
        if past:
            held.remember(past)
        return successor or present or pushed


def reached(loaded: Loaded) -> Recorded | None:
    """Return what is there, as far as it ever reached; None if nothing is."""
    return replace(loaded.recorded, sequence=loaded.reached) if loaded.exists else None


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
        # Counted on: no serial and no sequence may ever mean two things.
        return replace(
            pushed,
            serial=max(present.serial, pushed.serial) + 1,
            sequence=max(present.sequence, pushed.sequence),
        )
    return pushed


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
        hint="If it is right all the same: reconcile state push --force FILE",
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
        "push-damaged", f"{state} was left as it is. As for what was pushed, {why}.", path=state
    )
