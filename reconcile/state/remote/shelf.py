"""The objects of one state while its lease is held, and the versions this run knows them by."""

from contextlib import suppress

from reconcile.model.diagnostic import ReconcileError
from reconcile.model.recorded import Recorded
from reconcile.state.history import with_history
from reconcile.state.marker import Marker, encode_marker
from reconcile.state.refusals import refusal
from reconcile.state.remote.address import RemoteAddress
from reconcile.state.remote.contents import Contents, read
from reconcile.state.remote.fenced_journal import Fence, encode_journal
from reconcile.state.remote.store import PATIENCE_S, ConflictError, Store, Version, swap
from reconcile.state.saving import encode_state

_TRIES = 20


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

    def fence(self) -> Contents:
        """Put a fence around the journal, and return what is there, which nobody else changes.

        Only a state may still be saved by the run before, once. Raises ReconcileError.
        """
        for _ in range(_TRIES):
            contents = read(self._store, self.address)
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
            raise refusal(
                "journal-lost",
                "The journal cannot be written any more",
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

    def keep_previous(self) -> None:
        """Keep what stands in the state's place now as the version to go back to."""
        if self._state is not None:
            self.replace(self.address.previous, self._state)

    def keep_history(self) -> None:
        """Add the journal's lines, which the state holds by now, to the history."""
        there = self._store.get(self.address.history)
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

    def replace(self, key: str, data: bytes) -> None:
        """Write an object that decides nothing, whatever is there."""
        there = self._store.get(key)
        if there is None or there.data != data:
            self._store.put(key, data, there and there.version)

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
