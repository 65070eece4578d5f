"""Reading a remote state without its lease, and never a torn one."""

from dataclasses import dataclass
from uuid import uuid4

from reconcile.model.diagnostic import Diagnostic
from reconcile.model.recorded import Recorded
from reconcile.planning.replay import replay
from reconcile.state.journal import Journal, entries_beyond, read_lines
from reconcile.state.loading import Loaded, decode_at
from reconcile.state.marker import Marker, decode_marker, journal_gone, journal_missing
from reconcile.state.refusals import (
    LATER,
    journal_damaged,
    journal_foreign,
    state_missing,
    state_newer,
)
from reconcile.state.remote.address import RemoteAddress, parse_remote
from reconcile.state.remote.fenced_journal import FencedJournal, decode_journal
from reconcile.state.remote.opening import open_store
from reconcile.state.remote.store import Store, Stored
from reconcile.state.strict import MalformedError


@dataclass(frozen=True, slots=True)
class Contents:
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


def load_remote(url: str) -> Loaded:
    """Read a remote state and fold its journal in: see `loading.load`."""
    address = parse_remote(url)
    store = open_store(address)
    try:
        return fold(address, read(store, address))
    finally:
        store.close()


def read(store: Store, address: RemoteAddress) -> Contents:
    """Read the marker of a session, the journal, and then the state.

    In that order they always fit: what a journal holds is in every state saved later, and it is
    only ever emptied after that. The marker is written when there is a journal.
    """
    marker = store.get(address.session)
    journal = store.get(address.journal)
    state = store.get(address.key)
    previous = state is None and store.get(address.previous) is not None
    return Contents(state, journal, previous, marker)


def fold(address: RemoteAddress, contents: Contents) -> Loaded:
    """Decode what was read. Raises ReconcileError for what is damaged or does not fit."""
    name = address.shown(address.journal)
    journal = read_lines(contents.fenced.lines)
    if journal.newer:
        raise state_newer(name, LATER)
    if journal.damage is not None:
        raise journal_damaged(name, journal.damage)
    if journal.torn:
        # Objects are written whole: no crash of ours explains it.
        raise journal_damaged(name, "it ends in the middle of a line")
    saved = _decode(address, contents, journal)
    try:
        recorded = replay(saved, entries_beyond(saved, journal.lines))
    except MalformedError as error:
        raise journal_foreign(name, str(error)) from None
    missing, warnings = _missing(address, contents, recorded)
    return Loaded(recorded, warnings, contents.state is not None, saved, journal, missing)


def _missing(
    address: RemoteAddress, contents: Contents, recorded: Recorded
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


def _decode(address: RemoteAddress, contents: Contents, journal: Journal) -> Recorded:
    if contents.state is not None:
        return decode_at(address.url, contents.state.data)
    if journal.lines:
        # Lines are only ever written onto a state that was saved.
        raise state_missing(address.url, address.shown(address.journal))
    if contents.previous:
        raise state_missing(address.url, address.shown(address.previous))
    marker = decode_marker(contents.marker and contents.marker.data)
    return Recorded(lineage=str(uuid4()) if marker is None else marker.lineage)
