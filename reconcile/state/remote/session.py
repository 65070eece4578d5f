"""A session on a remote state: the same as on a local one, under a lease instead of a lock."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4
from zlib import crc32

from msgspec import Struct

from reconcile.errors import Diagnostic, ReconcileError
from reconcile.model.journal import Entry
from reconcile.model.recorded import Recorded
from reconcile.model.struct import Count, replace
from reconcile.state import errors
from reconcile.state.codec import MalformedError, decode, encode, encode_state
from reconcile.state.inbox import ObjectInbox, take_in, with_waiting
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
    require_known,
    with_history,
)
from reconcile.state.lock import Holder, Wanted, previous_died, who_holds
from reconcile.state.remote.lease import Lease, seize, take
from reconcile.state.remote.stores import (
    PATIENCE_S,
    ConflictError,
    RemoteAddress,
    Store,
    Stored,
    StoreError,
    Version,
    Writing,
    open_store,
    prove,
    swap_all,
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
    """Signals, marker, journal and state as read, one after the other.

    `previous` and `history` are only there if they were asked for, or where there is no state.
    """

    inbox: Stored | None
    marker: Stored | None
    journal: Stored | None
    state: Stored | None
    previous: Stored | None
    history: Stored | None

    @property
    def fenced(self) -> FencedJournal:
        """The journal, its fence apart."""
        return FencedJournal() if self.journal is None else decode_journal(self.journal.data)


def read(store: Store, address: RemoteAddress, *, beside: bool = False) -> StoredPieces:
    """Read the inbox, the marker of a session, the journal, and then the state.

    In that order they always fit: what was taken out of the inbox is in the journal, and what a
    journal holds is in every state saved later; it is only ever emptied after that. The marker is
    written when there is a journal. `beside`: and the previous state, and the history.
    """
    keys = (address.inbox, address.session, address.journal, address.key)
    more = (address.previous, address.history)
    if beside:
        return StoredPieces(*store.get_all(keys + more))
    found = store.get_all(keys)
    others = store.get_all(more) if found[-1] is None else (None, None)
    return StoredPieces(*found, *others)


def fold(address: RemoteAddress, contents: StoredPieces) -> Loaded:
    """Decode what was read. Raises ReconcileError for what is damaged or does not fit."""
    name = address.shown(address.journal)
    journal = read_lines(contents.fenced.lines)
    require_known(name, journal)
    saved = _decode(address, contents, journal)
    if journal.torn:
        # Objects are written whole: no crash of ours explains it.
        raise errors.journal_damaged(name, "it ends in the middle of a line")
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
    if contents.previous is not None:
        raise errors.state_missing(address.url, address.shown(address.previous))
    if contents.history is not None:
        raise errors.state_missing(address.url, address.shown(address.history))
    marker = decode_marker(contents.marker and contents.marker.data)
    return Recorded(lineage=str(uuid4()) if marker is None else marker.lineage)


# The objects of one state while its lease is held, and the versions this run knows them by.

_TRIES = 20
_NOTHING: Mapping[str, bytes | None] = MappingProxyType({})


class Shelf:
    """What one lease holder writes. Every write fails once another holder has fenced it off."""

    def __init__(self, store: Store, address: RemoteAddress, lease_id: str) -> None:
        self.address = address
        self.sound = True
        self._store = store
        self._fence = Fence(lease_id)
        self._lines = b""
        self._newest: int | None = None
        self._kept: dict[str, bytes | None] = {}
        self._versions: dict[str, Version | None] = {}

    @property
    def length(self) -> int:
        """Bytes of the journal's lines."""
        return len(self._lines)

    def read(self) -> StoredPieces:
        """Read what is there; another run may write it until it is fenced off."""
        contents = read(self._store, self.address, beside=True)
        if contents.journal is None:
            # Nobody has written here with a fence, so nobody has tried the store out.
            prove(self._store, self.address)
        self.sound, self._lines = True, contents.fenced.lines
        self._newest = contents.fenced.newest
        address = self.address
        there = {
            address.session: contents.marker,
            address.journal: contents.journal,
            address.key: contents.state,
            address.previous: contents.previous,
            address.history: contents.history,
        }
        self._kept = {key: stored and stored.data for key, stored in there.items()}
        self._versions = {key: stored and stored.version for key, stored in there.items()}
        return contents

    def fence(self, recorded: Recorded | None = None) -> None:
        """Put a fence around the journal as it was read, and then save a state, if one is given.

        Raises ConflictError if the run before was just writing: all is to be read again then.
        """
        saved = {} if recorded is None else {self.address.key: encode_state(recorded)}
        self._put_journal(self._lines, after=saved)

    def fenced(self) -> StoredPieces:
        """Put a fence around the journal, and return what is there, which nobody else changes.

        Only a state may still be saved by the run before, once. Raises ReconcileError.
        """
        for _ in range(_TRIES):
            contents = self.read()
            with suppress(ConflictError):
                self.fence()
                return contents
        raise ConflictError(self.address.shown(self.address.journal))

    def unmark(self) -> None:
        """Say that all is in the state. A marker that stays beside a journal means nothing."""
        with suppress(ReconcileError):
            self._put(self._unmarked())

    def append(
        self, lines: bytes, newest: int, *, marker: Marker | None = None, patience_s: float
    ) -> None:
        """Append lines, which reach to the entry `newest`; once it returns they are kept.

        `marker` says that this session writes, and goes before them. After a failure no more lines
        are taken.
        """
        if not self.sound:
            name = self.address.shown(self.address.journal)
            raise errors.journal_lost(name, "an earlier one could not be written")
        first = {} if marker is None else {self.address.session: encode_marker(marker)}
        self._put_journal(self._lines + lines, first, newest=newest, patience_s=patience_s)

    def fold_in(self, recorded: Recorded, *, previous: bool = True, ends: bool = False) -> None:
        """Save a state that holds all the journal's lines, and drop those, which become history.

        `previous`: what stands there now becomes the version to go back to. `ends`: the session
        has nothing more to write. Raises ReconcileError.
        """
        address, there = self.address, self._kept.get(self.address.key)
        older = previous and there is not None and self._kept.get(address.previous) != there
        first = {address.previous: there} if older else {}
        first |= {address.key: encode_state(recorded), **self._lengthened(self._lines)}
        self._put_journal(b"", first, self._unmarked() if ends else {})

    def drop_lines(self) -> None:
        """Drop the journal's lines, which the state has, for the history. Raises ReconcileError."""
        self._put_journal(b"", self._lengthened(self._lines))

    def remember(self, lines: bytes) -> None:
        """Add lines that the state has to the history. Raises ReconcileError."""
        self._put(self._lengthened(lines))

    def is_saved(self, recorded: Recorded) -> bool:
        """Ask the store whether a state is in place. Raises StoreError."""
        there = self._store.get(self.address.key)
        return there is not None and there.data == encode_state(recorded)

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

    def _lengthened(self, lines: bytes) -> Mapping[str, bytes]:
        longer = with_history(self._kept.get(self.address.history) or b"", lines)
        return {} if longer is None else {self.address.history: longer}

    def _unmarked(self) -> Mapping[str, None]:
        there = self._versions.get(self.address.session) is not None
        return {self.address.session: None} if there else {}

    def _put_journal(
        self,
        lines: bytes,
        first: Mapping[str, bytes | None] = _NOTHING,
        after: Mapping[str, bytes | None] = _NOTHING,
        *,
        newest: int | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Write the journal anew, between others. Another count makes it differ from all before."""
        fence = Fence(self._fence.holder, self._fence.count + 1)
        newest = self._newest if newest is None else newest
        self.sound = False
        journal = {self.address.journal: encode_journal(fence, lines, newest)}
        self._put({**first, **journal, **after}, patience_s)
        self._fence, self._lines, self._newest, self.sound = fence, lines, newest, True

    def _put(self, new: Mapping[str, bytes | None], patience_s: float = PATIENCE_S) -> None:
        """Write objects in this order, over what was read or written last."""
        writes = [Writing(key, data, self._versions.get(key)) for key, data in new.items()]
        if writes:
            versions = swap_all(self._store, writes, patience_s=patience_s)
            self._versions.update(zip(new, versions, strict=True))
            self._kept.update(new)


MAX_JOURNAL_LENGTH = 256 << 10
"""Bytes after which the journal is folded into the state: each append writes all of it anew."""

REWRITTEN_BYTES_S = 4 << 20
"""At most, of a journal that is long: what an apply writes grows with its time, and not faster."""

_COMPANY_S = 0.01
_INTENT_PATIENCE_S = 2.0


def open_on(
    store: Store, address: RemoteAddress, wanted: Wanted, *, now: datetime
) -> "RemoteSession":
    """Take the lease of a state in a store, fence its last holder off and fold in what it left."""
    lease = take(store, address, wanted, now=now)
    try:
        shelf = Shelf(store, address, lease.id)
        loaded, inbox = _fenced(shelf)
        session = RemoteSession(shelf, lease, loaded, wanted, now=now)
        letters = ObjectInbox(address, lambda: store)
        take_in(session, letters, letters.judge(inbox and inbox.data), now)
    except BaseException:
        lease.release()
        raise
    return session


def _fenced(shelf: Shelf) -> tuple[Loaded, Stored | None]:
    """Fence off whoever wrote before; the state's serial grows so that they cannot save either.

    Returns the inbox, too.
    """
    for _ in range(_TRIES):
        contents = shelf.read()
        loaded = fold(shelf.address, contents)
        serial = loaded.recorded.serial + 1
        grown = replace(loaded.recorded, serial=serial, sequence=loaded.reached)
        # Else the run before was just appending, or saving what its journal held; we read that.
        with suppress(ConflictError):
            shelf.fence(grown)
            return replace(loaded, recorded=grown), contents.inbox
    raise ConflictError(shelf.address.url)


class RemoteSession(Session):
    """A remote state under its lease; the next holder can tell from it all that was appended."""

    def __init__(
        self, shelf: Shelf, lease: Lease, loaded: Loaded, wanted: Wanted, *, now: datetime
    ) -> None:
        """Go on from what is fenced off. `now` (UTC) is when this session begins."""
        address = shelf.address
        self._lock_name = address.shown(address.lock)
        self._journal_name = address.shown(address.journal)
        super().__init__(loaded, previous_died(self._lock_name, lease.previous), wanted.began)
        self._shelf, self._lease = shelf, lease
        self._saved = self._recorded.sequence
        if shelf.length:
            shelf.drop_lines()
        shelf.unmark()
        self._folded = shelf.length
        self._now, self._marked = now, False

    @property
    def rest_s(self) -> float:
        """From one write to the next: each writes the whole journal anew."""
        return self._shelf.length / REWRITTEN_BYTES_S

    @property
    def company_s(self) -> float:
        """As long as a quick store takes for a write: calls that begin together share one."""
        return _COMPANY_S

    def still_mine(self) -> bool:
        """Tell whether the lease still keeps other runs out."""
        return self._lease.still_mine()

    def _ready(self, *, begins: bool) -> None:
        """Have nothing to prepare: the marker goes with the first lines."""

    def _write(self, lines: Sequence[bytes], *, begins: bool, ends: bool) -> None:
        last = self._recorded.sequence
        if self._folded != self._shelf.length:
            # Interrupted between the two: the next number is taken, and we do not have it.
            self._shelf.sound = False
        self._require_lease(begins=begins)
        marker = Marker(self._recorded.lineage, self._now, last + 1, last)
        try:
            self._shelf.append(
                b"".join(lines),
                last + len(lines),
                marker=None if self._marked else marker,
                patience_s=PATIENCE_S if ends else _INTENT_PATIENCE_S,
            )
        except ConflictError as error:
            raise self._conflict(error) from error
        self._marked = True

    def _require_lease(self, *, begins: bool) -> None:
        if begins and not self.still_mine():
            raise self._lock_lost("was not renewed in time, or another run has taken it")

    def _lock_lost(self, why: str) -> ReconcileError:
        name = self._lock_name
        return errors.refusal("lock-lost", f"{name} {why}. No further call is begun.", path=name)

    def _conflict(self, error: ConflictError) -> ReconcileError:
        """Say who has the lease, where that is another by now; else somebody wrote by hand."""
        with suppress(StoreError):
            holder = self._lease.holder()
            if holder is None:
                return self._lock_lost("was not renewed in time, and another run has had it since")
            if holder.id != self._lease.id:
                return self._lock_lost(f"was not renewed in time: {who_holds(holder)} has it now")
        return error

    def confirm(self, entries: Sequence[Entry]) -> None:
        """Ask again: the process may have been stopped meanwhile, for longer than a lease lasts."""
        try:
            self._require_lease(begins=any(map(is_intent, entries)))
        except ReconcileError as error:
            raise errors.intent_not_recorded(self._journal_name, error) from error

    def attended(self, *, at_work: bool) -> None:
        """Let the lease be renewed: for a while, or until it is released."""
        self._lease.attended(at_work=at_work)

    def _take_note(self) -> None:
        self._folded = self._shelf.length

    def is_long(self) -> bool:
        """Tell whether the journal has grown so long that it is worth compacting."""
        return self._folded > MAX_JOURNAL_LENGTH

    def tidy(self) -> None:
        """Compact the journal."""
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
                self._compact(ends=True)
            except ConflictError:
                self._stand_back()
            except ReconcileError as error:
                self.warnings.extend(errors.as_warnings(error))
        else:
            self._shelf.unmark()

    def _stand_back(self) -> None:
        """Leave alone what somebody else wrote in the middle of the last compaction."""
        grown = self._grown()
        holder = self._lease.holder()
        if self._shelf.is_saved(grown) or holder is None or holder.id != self._lease.id:
            # A next run has begun, and has folded in all that was acknowledged to us.
            self.warnings.append(errors.left_in_journal(self._journal_name))
            return
        # Written by hand, under our lease: not ours to overwrite.
        aside = self._shelf.set_aside(encode_state(grown), "rescued")
        raise errors.state_replaced(self._shelf.address.url, aside)

    def _let_go(self) -> None:
        self._lease.release()

    def _compact(self, *, ends: bool = False) -> None:
        """Fold the journal into the state; stopped anywhere, the next run can go on from it."""
        grown = self._grown()
        self._shelf.fold_in(grown, ends=ends)
        self._recorded, self._saved = grown, grown.sequence
        self._folded = self._shelf.length

    def _grown(self) -> Recorded:
        return replace(self._recorded, serial=self._recorded.serial + 1)


# The place as commands see it: see `backend` for what each of these does.


class ObjectPieces:
    """The objects of a state, one by one; under its lease, where there is a shelf."""

    def __init__(self, store: Store, address: RemoteAddress, shelf: Shelf | None = None) -> None:
        self.names = address.url, address.shown(address.previous), address.shown(address.history)
        self._address, self._shelf = address, shelf
        found = read(store, address, beside=True) if shelf is None else shelf.fenced()
        self._contents = found

    def load(self) -> Loaded:
        """Decode the state, its journal folded in."""
        return fold(self._address, self._contents)

    def state(self) -> bytes | None:
        """Return the state as it was last saved."""
        return self._contents.state and self._contents.state.data

    def previous(self) -> bytes | None:
        """Return the state as it was saved before."""
        return self._contents.previous and self._contents.previous.data

    def journal(self) -> bytes:
        """Return the lines that are not in the state yet."""
        return self._contents.fenced.lines

    def history(self) -> bytes:
        """Return the lines that were folded into the state."""
        return self._contents.history.data if self._contents.history else b""

    def marker(self) -> Marker | None:
        """Return the marker of a session that did not end."""
        return decode_marker(self._contents.marker and self._contents.marker.data)

    def put(self, recorded: Recorded, *, whole: bool) -> tuple[errors.Named, ...]:
        """Put a state in place, under its lease; returns what was set aside."""
        shelf, set_aside = self._held, []
        if not whole:
            there = (self._contents.state, self._contents.journal)
            set_aside = [shelf.set_aside(part.data, "damaged") for part in there if part]
        shelf.fold_in(recorded, previous=whole, ends=True)
        return tuple(set_aside)

    def remember(self, lines: bytes) -> None:
        """Add lines to the history, under the lease."""
        self._held.remember(lines)

    @property
    def _held(self) -> Shelf:
        if self._shelf is None:
            raise AssertionError  # only `hold` gives it to whoever changes anything
        return self._shelf


class RemoteBackend:
    """A state in a store."""

    file: Path | None = None
    observed: Path | None = None

    def __init__(self, address: RemoteAddress) -> None:
        self.name = address.url
        self.inbox = ObjectInbox(address, lambda: self._store)
        self._address = address

    @cached_property
    def _store(self) -> Store:
        return open_store(self._address)

    def load(self) -> Loaded:
        """Read the state, what its journal and its inbox hold included."""
        contents = read(self._store, self._address)
        waiting = self.inbox.judge(contents.inbox and contents.inbox.data)
        return with_waiting(fold(self._address, contents), waiting)

    def open(self, wanted: Wanted, *, now: datetime) -> RemoteSession:
        """Take the lease, fold in what an earlier run left, and write down what waits."""
        return open_on(self._store, self._address, wanted, now=now)

    @contextmanager
    def look(self) -> Iterator[ObjectPieces]:
        """Look at the objects of the state without its lease."""
        yield ObjectPieces(self._store, self._address)

    @contextmanager
    def hold(self, wanted: Wanted, *, now: datetime) -> Iterator[ObjectPieces]:
        """Hold the lease for a moment, and keep the last holder from writing."""
        store, address = self._store, self._address
        lease = take(store, address, wanted, now=now)
        try:
            yield ObjectPieces(store, address, Shelf(store, address, lease.id))
        finally:
            lease.release()

    def unlock(self, lock_id: str, *, now: datetime) -> Holder | None:
        """Take the lease from its holder, and fence it off; None if there is no lease."""
        store, wanted = self._store, Wanted("state unlock")
        lease = seize(store, self._address, lock_id, wanted, now=now)
        if lease is None:
            return None
        try:
            Shelf(store, self._address, lease.id).fenced()
        finally:
            lease.release()
        return lease.previous

    def prove(self) -> bool:
        """Prove that the store refuses a second create and a stale update."""
        prove(self._store, self._address)
        return True
