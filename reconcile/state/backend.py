"""Where a state is kept: in local files or in a store, behind one protocol."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from reconcile.model.desired import DEFAULT_LOCK_TTL_S
from reconcile.model.recorded import Recorded
from reconcile.state.errors import Named
from reconcile.state.files import is_remote, locate
from reconcile.state.inbox import Inbox
from reconcile.state.journal import Loaded, Marker
from reconcile.state.local import LocalBackend
from reconcile.state.lock import Holder, Wanted
from reconcile.state.origin import RunOrigin
from reconcile.state.remote.session import RemoteBackend
from reconcile.state.remote.stores import parse_remote
from reconcile.state.session import Session


class Pieces(Protocol):
    """A state and what lies beside it, each piece as it is there, damaged or not."""

    def load(self) -> Loaded:
        """Decode it, its journal folded in: see `Backend.load`."""

    def state(self) -> bytes | None:
        """Return the state as it was last saved."""

    def previous(self) -> bytes | None:
        """Return the state as it was saved before."""

    def journal(self) -> bytes:
        """Return the lines that are not in the state yet."""

    def history(self) -> bytes:
        """Return the lines that were folded into the state."""

    def marker(self) -> Marker | None:
        """Return the marker of a session that did not end."""

    @property
    def names(self) -> tuple[Named, Named, Named]:
        """How people know the state, its previous version and its history."""


class HeldPieces(Pieces, Protocol):
    """The same under the lock, where it may be changed."""

    def put(self, recorded: Recorded, *, whole: bool) -> tuple[Named, ...]:
        """Put a state in place; what the journal holds goes to the history first.

        `whole`: what is there can be gone back to. Where it is damaged it is set aside, and
        returned is where it is now. Stopped anywhere, it can be done again.
        """

    def remember(self, lines: bytes) -> None:
        """Add lines that the state there holds to its history."""


class Backend(Protocol):
    """A place for one state."""

    @property
    def name(self) -> Named:
        """How people know the state."""

    @property
    def file(self) -> Path | None:
        """The state's file, where it is a local one."""

    @property
    def observed(self) -> Path | None:
        """Where a live look is kept beside the state, if it is anywhere."""

    @property
    def inbox(self) -> Inbox:
        """Signals that wait beside the state."""

    def load(self) -> Loaded:
        """Read the state, its journal and the signals that wait folded in.

        Takes no lock, writes nothing. Where there is none, it is empty and of a fresh lineage.
        Raises ReconcileError for what is damaged, foreign, of a newer format, or not to be read;
        never takes it for "no state".
        """

    def open(self, wanted: Wanted, *, now: datetime) -> Session:
        """Take the lock, fold in what an earlier run left, and write down the signals that wait.

        Sees that it can be written to.
        """

    def look(self) -> AbstractContextManager[Pieces]:
        """Look at the pieces of the state without its lock."""

    def hold(self, wanted: Wanted, *, now: datetime) -> AbstractContextManager[HeldPieces]:
        """Hold the lock for a moment, once it is free: raises with exit code 5 where it is not."""

    def unlock(self, lock_id: str, *, now: datetime) -> Holder | None:
        """Clear what a dead run left in the lock; None if there is nothing to clear.

        A local lock is freed by its holder's death, so this only tidies. A lease is taken from its
        holder, who cannot write any more, whether alive or not. Raises ReconcileError with exit
        code 5 while the holder of a local lock lives, and for the id of another lock.
        """

    def prove(self) -> bool:
        """Prove that two runs are kept apart there; False where every session does so itself."""


def backend(url: str) -> Backend:
    """Find where the state of a URL is kept. Raises ReconcileError for a URL that names nothing."""
    return RemoteBackend(parse_remote(url)) if is_remote(url) else LocalBackend(locate(url))


def load(url: str) -> Loaded:
    """Read the state of a URL: see `Backend.load`."""
    return backend(url).load()


def open_session(  # noqa: PLR0913 - how a run is told apart from others
    place: Backend | str,
    *,
    command: str,
    lock_timeout_s: float,
    now: datetime,
    lock_ttl_s: float = DEFAULT_LOCK_TTL_S,
    origin: RunOrigin | None = None,
    tell: Callable[[str], None] | None = None,
) -> Session:
    """Take the lock of a state, found by its URL unless it was before: see `Backend.open`.

    `command` says in the lock what this run is; `now` (UTC) is when it begins to wait.
    `lock_ttl_s` is for remote states: how long a lock outlives the death of this process.
    `origin`: who makes this run, and from what, for the entry that goes before its first.
    `tell` hears of a long wait.

    Raises ReconcileError: exit code 5 if the lock is held, else for a state that cannot be used.
    """
    began = None if origin is None else origin.began(command, now)
    wanted = Wanted(command, lock_ttl_s, lock_timeout_s, began, tell)
    found = backend(place) if isinstance(place, str) else place
    return found.open(wanted, now=now)
