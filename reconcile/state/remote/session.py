"""A session on a remote state: the same as on a local one, under a lease instead of a lock."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from uuid import uuid4
from zlib import crc32

from msgspec import Struct

from reconcile.errors import Diagnostic, ReconcileError
from reconcile.model.journal import Entry
from reconcile.model.recorded import Recorded
from reconcile.model.struct import Count, replace
from reconcile.state import errors
from reconcile.state.codec import MalformedError, decode, encode, encode_state
from reconcile.state.inbox import ObjectInbox
from reconcile.state.journal import (
    Journal,
    Loaded,
    Marker,
    brought_on,
    decode_at,
    decode_marker,
    encode_marker,
    journal_gone,
    journal_missing,
    read_lines,
    require_sound,
    with_history,
)
from reconcile.state.lock import Holder, Wanted, previous_died
from reconcile.state.remote.lease import Lease, seize, take
from reconcile.state.remote.stores import (
    PATIENCE_S,
    ConflictError,
    RemoteAddress,
    Store,
    Stored,
    Version,
    open_store,
    prove,
    swap,
)
from reconcile.state.session import Session, is_intent

# The journal as one object: a fence that says whose it is, then the same lines as in a file.
#
# Writing another fence over it makes every version known before worthless, so that a run that lost
# its lease cannot append any more, whatever it believes.

FENCE_VERSION = 1
COUNTED_VERSION = 2
"""Of a fence before lines, which says up to which entry these reach."""
_HEX_DIGITS = 8


class Fence(Struct, frozen=True):
    """`holder` is a lease's id; `count` tells the fences of one lease apart."""

    holder: str
    count: int = 0


class FencedJournal(Struct, frozen=True):
    """A journal's object. `fence`: None where somebody put a plain journal in place.

    `newest`: the entry that its lines reach to, so that it is noticed when some are cut off.
    """

    fence: Fence | None = None
    lines: bytes = b""
    newest: int | None = None


class _Head(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    v: Count
    fence: str
    count: Count
    newest: Count | None = None


def encode_journal(fence: Fence, lines: bytes, newest: int | None = None) -> bytes:
    """Encode a journal's object."""
    counted = bool(lines) and newest is not None
    version = COUNTED_VERSION if counted else FENCE_VERSION
    body = encode(_Head(version, fence.holder, fence.count, newest if counted else None))
    return b"%08x %b\n%b" % (crc32(body), body, lines)


def decode_journal(data: bytes) -> FencedJournal:
    """Cut the fence off. What is no fence is a line, good or bad, for others to judge."""
    head, newline, lines = data.partition(b"\n")
    body = head[_HEX_DIGITS + 1 :]
    if not newline or head != b"%08x %b" % (crc32(body), body):
        return FencedJournal(None, data)
    try:
        known = decode(body, _Head)
    except MalformedError:
        return FencedJournal(None, data)
    if known.v > COUNTED_VERSION:
        return FencedJournal(None, data)
    return FencedJournal(Fence(known.fence, known.count), lines, known.newest)


# Reading a remote state without its lease, and never a torn one.


class StoredPieces(Struct, frozen=True):
    """Marker, journal and state as read, one after the other.

    `previous`: an older version of the state is there.
    """

    state: Stored | None
    journal: Stored | None
    previous: bool
    marker: Stored | None = None

    @property
    def fenced(self) -> FencedJournal:
        """The journal, its fence apart."""
        return FencedJournal() if self.journal is None else decode_journal(self.journal.data)


def read(store: Store, address: RemoteAddress) -> StoredPieces:
    """Read the marker of a session, the journal, and then the state.

    In that order they always fit: what a journal holds is in every state saved later, and it is
    only ever emptied after that. The marker is written when there is a journal.
    """
    marker, journal, state = store.get_all((address.session, address.journal, address.key))
    previous = state is None and store.get(address.previous) is not None
    return StoredPieces(state, journal, previous, marker)


def fold(address: RemoteAddress, contents: StoredPieces) -> Loaded:
    """Decode what was read. Raises ReconcileError for what is damaged or does not fit."""
    name = address.shown(address.journal)
    journal = read_lines(contents.fenced.lines)
    require_sound(name, journal)
    if journal.torn:
        # Objects are written whole: no crash of ours explains it.
        raise errors.journal_damaged(name, "it ends in the middle of a line")
    saved = _decode(address, contents, journal)
    recorded = brought_on(saved, name, journal)
    missing, warnings = _missing(address, contents, recorded)
    return Loaded(recorded, warnings, contents.state is not None, saved, journal, missing)


def _missing(
    address: RemoteAddress, contents: StoredPieces, recorded: Recorded
) -> tuple[Marker | None, tuple[Diagnostic, ...]]:
    """Tell whether entries are gone: the journal's head counts them, the marker says it was there.

    An object is replaced as a whole, so the marker need not be written at each append: it would be
    a second request for each, and finds only what the head does not, a journal that is gone.
    """
    name, newest = address.shown(address.journal), contents.fenced.newest
    marker = decode_marker(contents.marker and contents.marker.data)
    if marker is not None and marker.lineage != recorded.lineage:
        marker = None
    if newest is not None and recorded.sequence < newest:
        began, first = (None, newest) if marker is None else (marker.began, marker.first)
        marker = Marker(recorded.lineage, began, first, newest)
        return marker, (journal_missing(name, recorded, marker),)
    if marker is not None and contents.journal is None:
        return marker, (journal_gone(name, marker),)
    return None, ()


def _decode(address: RemoteAddress, contents: StoredPieces, journal: Journal) -> Recorded:
    if contents.state is not None:
        return decode_at(address.url, contents.state.data)
    if journal.lines:
        # Lines are only ever written onto a state that was saved.
        raise errors.state_missing(address.url, address.shown(address.journal))
    if contents.previous:
        raise errors.state_missing(address.url, address.shown(address.previous))
    marker = decode_marker(contents.marker and contents.marker.data)
    return Recorded(lineage=str(uuid4()) if marker is None else marker.lineage)


# The objects of one state while its lease is held, and the versions this run knows them by.

_SWAP_TRIES = 20


class Shelf:
    """What one lease holder writes. Every write fails once another holder has fenced it off."""

    def __init__(self, store: Store, address: RemoteAddress, lease_id: str) -> None:
        self.address = address
        self.sound = True
        self._store = store
        self._fence = Fence(lease_id)
        self._lines = b""
        self._state: bytes | None = None
        self._state_version: Version | None = None
        self._journal_version: Version | None = None
        self._marker_version: Version | None = None
        self._newest: int | None = None

    @property
    def length(self) -> int:
        """Bytes of the journal's lines."""
        return len(self._lines)

    def fence(self) -> StoredPieces:
        """Put a fence around the journal, and return what is there, which nobody else changes.

        Only a state may still be saved by the run before, once. Raises ReconcileError.
        """
        for _ in range(_SWAP_TRIES):
            contents = read(self._store, self.address)
            if contents.journal is None:
                # Nobody has written here with a fence, so nobody has tried the store out.
                prove(self._store, self.address)
            self.sound, self._lines = True, contents.fenced.lines
            self._newest = contents.fenced.newest
            self._marker_version = contents.marker and contents.marker.version
            self._journal_version = contents.journal and contents.journal.version
            self._state = contents.state and contents.state.data
            self._state_version = contents.state and contents.state.version
            try:
                self._put_journal()
            except ConflictError:
                # The run before was just appending; now it has, and we read again.
                continue
            return contents
        raise ConflictError(self.address.shown(self.address.journal))

    def mark(self, marker: Marker, *, patience_s: float) -> None:
        """Say that this session writes, before it does. Raises ReconcileError."""
        data, version = encode_marker(marker), self._marker_version
        self._marker_version = swap(
            self._store, self.address.session, data, version, patience_s=patience_s
        )

    def unmark(self) -> None:
        """Say that all is in the state. A marker that stays beside a journal means nothing."""
        if self._marker_version is not None:
            with suppress(ReconcileError):
                self._store.delete(self.address.session, self._marker_version)
            self._marker_version = None

    def append(self, lines: bytes, newest: int, *, patience_s: float) -> None:
        """Append lines, which reach to the entry `newest`; once it returns they are kept.

        After a failure no more are taken.
        """
        if not self.sound:
            name = self.address.shown(self.address.journal)
            raise errors.refusal(
                "journal-lost",
                f"{name} takes no more lines from this run: an earlier one could not be written.",
                path=name,
            )
        self.sound = False
        self._put_journal(lines, patience_s, newest)
        self.sound = True

    def save(self, recorded: Recorded) -> None:
        """Save a state over the one that was read or saved last. Raises ReconcileError.

        After a failure no more lines are taken: they could continue the wrong one of two states.
        """
        data = encode_state(recorded)
        sound, self.sound = self.sound, False
        self._state_version = swap(
            self._store, self.address.key, data, self._state_version, patience_s=PATIENCE_S
        )
        self._state, self.sound = data, sound

    def beside(self) -> tuple[Stored | None, Stored | None]:
        """Return the previous state and the history, at once where the store can."""
        previous, history = self._store.get_all((self.address.previous, self.address.history))
        return previous, history

    def keep_previous(self, there: Stored | None) -> None:
        """Keep what stands in the state's place now as the version to go back to."""
        if self._state is not None and (there is None or there.data != self._state):
            self._store.put(self.address.previous, self._state, there and there.version)

    def keep_history(self, there: Stored | None) -> None:
        """Add the journal's lines, which the state holds by now, to the history."""
        longer = with_history(there.data if there else b"", self._lines)
        if longer is not None:
            self._store.put(self.address.history, longer, there and there.version)

    def empty_journal(self) -> None:
        """Drop the journal's lines, which are in the state."""
        lines, self._lines = self._lines, b""
        try:
            self._put_journal()
        except ReconcileError:
            self._lines = lines
            raise

    def set_aside(self, data: bytes, label: str) -> str:
        """Write bytes under a name that nothing has yet, and return its URL."""
        for number in range(1, 1_000):
            key = f"{self.address.key}.{label}-{number}"
            try:
                self._store.put(key, data, None)
            except ConflictError:
                continue
            return self.address.shown(key)
        raise ConflictError(self.address.shown(f"{self.address.key}.{label}"))

    def _put_journal(
        self, more: bytes = b"", patience_s: float = PATIENCE_S, newest: int | None = None
    ) -> None:
        """Write the journal anew. Another count makes it differ from all that ever was."""
        fence = Fence(self._fence.holder, self._fence.count + 1)
        lines = self._lines + more
        newest = self._newest if newest is None else newest
        self._journal_version = swap(
            self._store,
            self.address.journal,
            encode_journal(fence, lines, newest),
            self._journal_version,
            patience_s=patience_s,
        )
        self._fence, self._lines, self._newest = fence, lines, newest


MAX_JOURNAL_LENGTH = 256 << 10
"""Bytes after which the journal is folded into the state: each append writes all of it anew."""

REWRITTEN_BYTES_S = 4 << 20
"""At most, of a journal that is long: what an apply writes grows with its time, and not faster."""

_INTENT_PATIENCE_S = 2.0
_TRIES = 5


def open_on(
    store: Store, address: RemoteAddress, wanted: Wanted, *, now: datetime
) -> "RemoteSession":
    """Take the lease of a state in a store, fence its last holder off and fold in what it left.

    The store is closed with the session, or where there comes to be none.
    """
    try:
        lease = take(store, address, wanted, now=now)
    except BaseException:
        store.close()
        raise
    try:
        shelf = Shelf(store, address, lease.id)
        return RemoteSession(store, shelf, lease, _fenced(shelf), wanted, now=now)
    except BaseException:
        lease.release()
        store.close()
        raise


def _fenced(shelf: Shelf) -> Loaded:
    """Fence off whoever wrote before; the state's serial grows so that they cannot save either."""
    for _ in range(_TRIES):
        loaded = fold(shelf.address, shelf.fence())
        serial = loaded.recorded.serial + 1
        fenced = replace(loaded.recorded, serial=serial, sequence=loaded.reached)
        try:
            shelf.save(fenced)
        except ConflictError:
            # The run before has just saved what its journal held; we read that instead.
            continue
        return replace(loaded, recorded=fenced)
    raise ConflictError(shelf.address.url)


class RemoteSession(Session):
    """A remote state under its lease; the next holder can tell from it all that was appended."""

    def __init__(
        self,
        store: Store,
        shelf: Shelf,
        lease: Lease,
        loaded: Loaded,
        wanted: Wanted,
        *,
        now: datetime,
    ) -> None:
        """Go on from what is fenced off. `now` (UTC) is when this session begins."""
        address = shelf.address
        self._lock_name = address.shown(address.lock)
        self._journal_name = address.shown(address.journal)
        super().__init__(loaded, previous_died(self._lock_name, lease.previous), wanted.began)
        self._store, self._shelf, self._lease = store, shelf, lease
        self._saved = self._recorded.sequence
        if shelf.length:
            shelf.keep_history(shelf.beside()[1])
            shelf.empty_journal()
        shelf.unmark()
        self._folded = shelf.length
        self._now, self._marked = now, False
        self._marker: Marker | None = None

    @property
    def rest_s(self) -> float:
        """From one write to the next: each writes the whole journal anew."""
        return self._shelf.length / REWRITTEN_BYTES_S

    def still_mine(self) -> bool:
        """Tell whether the lease still keeps other runs out."""
        return self._lease.still_mine()

    def _ready(self, *, begins: bool) -> None:
        if self._marked:
            return
        if self._marker is None:
            first = self._recorded.sequence + 1
            self._marker = Marker(self._recorded.lineage, self._now, first, first - 1)
        try:
            self._require_lease(begins=True)
            patience_s = _INTENT_PATIENCE_S if begins else PATIENCE_S
            self._shelf.mark(self._marker, patience_s=patience_s)
            self._marked = True
        except ReconcileError as error:
            # An outcome is written down all the same, and the next entry tries again.
            if begins:
                raise errors.not_recorded(self._journal_name, (), error, begins=True) from error

    def _write(self, lines: Sequence[bytes], *, begins: bool, ends: bool) -> None:
        try:
            if self._folded != self._shelf.length:
                # Interrupted between the two: the next number is taken, and we do not have it.
                self._shelf.sound = False
            self._require_lease(begins=begins)
            patience_s = PATIENCE_S if ends else _INTENT_PATIENCE_S
            newest = self._recorded.sequence + len(lines)
            self._shelf.append(b"".join(lines), newest, patience_s=patience_s)
        except ReconcileError as error:
            raise errors.not_recorded(self._journal_name, lines, error, begins=begins) from error

    def _require_lease(self, *, begins: bool) -> None:
        if begins and not self.still_mine():
            raise errors.refusal(
                "lock-lost",
                f"{self._lock_name} was not renewed in time, or another run has taken it. No "
                "further call is begun.",
                path=self._lock_name,
            )

    def confirm(self, entries: Sequence[Entry]) -> None:
        """Ask again: the process may have been stopped meanwhile, for longer than a lease lasts."""
        try:
            self._require_lease(begins=any(map(is_intent, entries)))
        except ReconcileError as error:
            raise errors.not_recorded(self._journal_name, (), error, begins=True) from error

    def attended(self, *, at_work: bool) -> None:
        """Let the lease be renewed: for a while, or until it is released."""
        self._lease.attended(at_work=at_work)

    def _take_note(self) -> None:
        self._folded = self._shelf.length

    def tidy(self) -> None:
        """Compact the journal if it is long."""
        if self._folded > MAX_JOURNAL_LENGTH:
            try:
                self._compact()
            except ReconcileError as error:
                self.warnings.extend(errors.as_warnings(error))

    def _wind_up(self) -> None:
        whole = self._shelf.sound and self._folded == self._shelf.length
        if not whole or not self.still_mine():
            self.warnings.append(errors.left_in_journal(self._journal_name))
        elif self._recorded.sequence > self._saved:
            try:
                self._compact()
            except ConflictError:
                self._stand_back()
            except ReconcileError as error:
                self.warnings.extend(errors.as_warnings(error))
            else:
                self._shelf.unmark()
        else:
            self._shelf.unmark()

    def _stand_back(self) -> None:
        """Leave alone what somebody else wrote in the middle of the last compaction."""
        saved = self._recorded.sequence == self._saved
        if saved or not self._lease.is_confirmed():
            # A next run has begun, and has folded in all that was acknowledged to us.
            self.warnings.append(errors.left_in_journal(self._journal_name))
            return
        # Written by hand, under our lease: not ours to overwrite.
        rescued = replace(self._recorded, serial=self._recorded.serial + 1)
        aside = self._shelf.set_aside(encode_state(rescued), "rescued")
        raise errors.state_replaced(self._shelf.address.url, aside)

    def _let_go(self) -> None:
        self._lease.release()
        self._store.close()

    def _compact(self) -> None:
        """Fold the journal into the state; stopped anywhere, the next run can go on from it."""
        grown = replace(self._recorded, serial=self._recorded.serial + 1)
        previous, history = self._shelf.beside()
        self._shelf.keep_previous(previous)
        self._shelf.save(grown)
        self._recorded, self._saved = grown, grown.sequence
        self._shelf.keep_history(history)
        self._shelf.empty_journal()
        self._folded = self._shelf.length


# The place as commands see it: see `backend` for what each of these does.


class ObjectPieces:
    """The objects of a state, one by one; under its lease, where there is a shelf."""

    def __init__(self, store: Store, address: RemoteAddress, shelf: Shelf | None = None) -> None:
        self._store, self._address, self._shelf = store, address, shelf
        self._contents = read(store, address) if shelf is None else shelf.fence()

    def load(self) -> Loaded:
        """Decode the state, its journal folded in."""
        return fold(self._address, self._contents)

    def state(self) -> bytes | None:
        """Return the state as it was last saved."""
        return self._contents.state and self._contents.state.data

    def previous(self) -> bytes | None:
        """Return the state as it was saved before."""
        there = self._store.get(self._address.previous)
        return there and there.data

    def journal(self) -> bytes:
        """Return the lines that are not in the state yet."""
        return self._contents.fenced.lines

    def history(self) -> bytes:
        """Return the lines that were folded into the state."""
        there = self._store.get(self._address.history)
        return there.data if there else b""

    def marker(self) -> Marker | None:
        """Return the marker of a session that did not end."""
        return decode_marker(self._contents.marker and self._contents.marker.data)

    @property
    def names(self) -> tuple[errors.Named, errors.Named, errors.Named]:
        """How people know the state, its previous version and its history."""
        address = self._address
        return address.url, address.shown(address.previous), address.shown(address.history)

    def put(self, recorded: Recorded, *, whole: bool) -> tuple[errors.Named, ...]:
        """Put a state in place, under its lease; returns what was set aside."""
        shelf, set_aside = self._shelf, []
        if shelf is None:
            raise AssertionError  # only `hold` gives it to whoever changes anything
        previous, history = shelf.beside()
        if whole:
            shelf.keep_previous(previous)
        else:
            there = (self._contents.state, self._contents.journal)
            set_aside = [shelf.set_aside(part.data, "damaged") for part in there if part]
        shelf.keep_history(history)
        shelf.save(recorded)
        shelf.empty_journal()
        shelf.unmark()
        return tuple(set_aside)


class RemoteBackend:
    """A state in a store."""

    file: Path | None = None
    observed: Path | None = None

    def __init__(self, address: RemoteAddress) -> None:
        self._address = address

    @property
    def name(self) -> errors.Named:
        """How people know the state."""
        return self._address.url

    @property
    def inbox(self) -> ObjectInbox:
        """Signals that wait beside the state."""
        return ObjectInbox(self._address, self._opened)

    def load(self) -> Loaded:
        """Read the state and fold its journal in."""
        with self.look() as kept:
            return kept.load()

    def open(self, wanted: Wanted, *, now: datetime) -> RemoteSession:
        """Take the lease and fold in what an earlier run left."""
        return open_on(open_store(self._address), self._address, wanted, now=now)

    @contextmanager
    def look(self) -> Iterator[ObjectPieces]:
        """Look at the objects of the state without its lease."""
        with self._opened() as store:
            yield ObjectPieces(store, self._address)

    @contextmanager
    def hold(self, command: str, *, now: datetime) -> Iterator[ObjectPieces]:
        """Hold the lease for a moment, and keep the last holder from writing."""
        address = self._address
        with self._opened() as store:
            lease = take(store, address, Wanted(command), now=now)
            try:
                yield ObjectPieces(store, address, Shelf(store, address, lease.id))
            finally:
                lease.release()

    def unlock(self, lock_id: str, *, now: datetime) -> Holder | None:
        """Take the lease from its holder, and fence it off; None if there is no lease."""
        with self._opened() as store:
            lease = seize(store, self._address, lock_id, Wanted("state unlock"), now=now)
            if lease is None:
                return None
            try:
                Shelf(store, self._address, lease.id).fence()
            finally:
                lease.release()
            return lease.previous

    def prove(self) -> bool:
        """Prove that the store refuses a second create and a stale update."""
        with self._opened() as store:
            prove(store, self._address)
        return True

    @contextmanager
    def _opened(self) -> Iterator[Store]:
        store = open_store(self._address)
        try:
            yield store
        finally:
            store.close()
