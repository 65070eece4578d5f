"""A session on a remote state: the same as on a local one, under a lease instead of a lock."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from reconcile.model.diagnostic import ReconcileError
from reconcile.model.journal import Began
from reconcile.state.appending import Session
from reconcile.state.loading import Loaded
from reconcile.state.marker import Marker
from reconcile.state.refusals import refusal
from reconcile.state.remote.address import RemoteAddress, parse_remote
from reconcile.state.remote.contents import fold
from reconcile.state.remote.lease import Lease
from reconcile.state.remote.opening import open_store
from reconcile.state.remote.proving import prove_once
from reconcile.state.remote.shelf import Shelf
from reconcile.state.remote.store import PATIENCE_S, ConflictError, Store
from reconcile.state.remote.taking import Wanted, take
from reconcile.state.saving import encode_state
from reconcile.state.session_refusals import (
    as_warnings,
    left_in_journal,
    not_recorded,
    previous_died,
    state_replaced,
)

MAX_JOURNAL_LENGTH = 256 << 10
"""Bytes after which the journal is folded into the state: each append writes all of it anew."""

_INTENT_PATIENCE_S = 2.0
_TRIES = 5


def open_remote_session(
    url: str, wanted: Wanted, *, now: datetime, began: Began | None = None
) -> "RemoteSession":
    """Take the lease of a remote state: see `session.open_session`."""
    address = parse_remote(url)
    return open_on(open_store(address), address, wanted, now=now, began=began)


def open_on(
    store: Store,
    address: RemoteAddress,
    wanted: Wanted,
    *,
    now: datetime,
    began: Began | None = None,
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
        prove_once(store, address)
        shelf = Shelf(store, address, lease.id)
        return RemoteSession(store, shelf, lease, _fenced(shelf), now=now, began=began)
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
        *,
        now: datetime,
        began: Began | None = None,
    ) -> None:
        """Go on from what is fenced off. `now` (UTC) is when this session begins."""
        address = shelf.address
        self._lock_name = address.shown(address.lock)
        self._journal_name = address.shown(address.journal)
        super().__init__(loaded, previous_died(self._lock_name, lease.previous), began)
        self._store, self._shelf, self._lease = store, shelf, lease
        self._saved = self._recorded.sequence
        shelf.keep_history()
        shelf.empty_journal()
        shelf.unmark()
        self._folded = shelf.length
        self._now, self._marked = now, False
        self._marker: Marker | None = None

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
                raise not_recorded(self._journal_name, (), error, begins=True) from error

    def _write(self, lines: Sequence[bytes], *, begins: bool) -> None:
        try:
            if self._folded != self._shelf.length:
                # Interrupted between the two: the next number is taken, and we do not have it.
                self._shelf.sound = False
            self._require_lease(begins=begins)
            patience_s = _INTENT_PATIENCE_S if begins else PATIENCE_S
            newest = self._recorded.sequence + len(lines)
            self._shelf.append(b"".join(lines), newest, patience_s=patience_s)
            # The process may have been stopped meanwhile, for longer than the lease lasts.
            self._require_lease(begins=begins)
        except ReconcileError as error:
            raise not_recorded(self._journal_name, lines, error, begins=begins) from error

    def _require_lease(self, *, begins: bool) -> None:
        if begins and not self.still_mine():
            raise refusal(
                "lock-lost",
                "The lock was taken away",
                f"{self._lock_name} was not renewed in time, or another run has taken it. No "
                "further call is begun.",
                path=self._lock_name,
            )

    def _folded_in(self) -> None:
        self._folded = self._shelf.length
        if self._folded > MAX_JOURNAL_LENGTH:
            try:
                self._compact()
            except ReconcileError as error:
                self.warnings.extend(as_warnings(error))

    def _wind_up(self) -> None:
        whole = self._shelf.sound and self._folded == self._shelf.length
        if not whole or not self.still_mine():
            self.warnings.append(left_in_journal(self._journal_name))
        elif self._recorded.sequence > self._saved:
            try:
                self._compact()
            except ConflictError:
                self._stand_back()
            except ReconcileError as error:
                self.warnings.extend(as_warnings(error))
            else:
                self._shelf.unmark()
        else:
            self._shelf.unmark()

    def _stand_back(self) -> None:
        """Leave alone what somebody else wrote in the middle of the last compaction."""
        saved = self._recorded.sequence == self._saved
        if saved or not self._lease.is_confirmed():
            # A next run has begun, and has folded in all that was acknowledged to us.
            self.warnings.append(left_in_journal(self._journal_name))
            return
        # Written by hand, under our lease: not ours to overwrite.
        rescued = replace(self._recorded, serial=self._recorded.serial + 1)
        aside = self._shelf.set_aside(encode_state(rescued), "rescued")
        raise state_replaced(self._shelf.address.url, aside)

    def _let_go(self) -> None:
        self._lease.release()
        self._store.close()

    def _compact(self) -> None:
        """Fold the journal into the state; stopped anywhere, the next run can go on from it."""
        grown = replace(self._recorded, serial=self._recorded.serial + 1)
        self._shelf.keep_previous()
        self._shelf.save(grown)
        self._recorded, self._saved = grown, grown.sequence
        self._shelf.keep_history()
        self._shelf.empty_journal()
        self._folded = self._shelf.length
