"""Taking a lease, from a holder that let it go or died, and from a person's word that it did."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from time import sleep

from reconcile.model.desired import DEFAULT_LOCK_TTL_S
from reconcile.model.diagnostic import ReconcileError
from reconcile.state.holder import Holder, ourselves
from reconcile.state.refusals import refusal
from reconcile.state.remote.address import RemoteAddress
from reconcile.state.remote.lease import (
    Lease,
    Leased,
    Written,
    decode_leased,
    encode_leased,
)
from reconcile.state.remote.store import (
    PATIENCE_S,
    ConflictError,
    Store,
    Stored,
    Version,
    elapsed_s,
    swap,
)
from reconcile.state.session_refusals import lock_held

_LOOKS_A_TTL = 30
_LONGEST_PAUSE_S = 1.0
_TRIES = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a lease is wanted: by which command, for how long a ttl, after how long a wait."""

    command: str
    ttl_s: float = DEFAULT_LOCK_TTL_S
    timeout_s: float = 0.0


def take(store: Store, address: RemoteAddress, wanted: Wanted, *, now: datetime) -> Lease:
    """Take the lease, waiting for `wanted.timeout_s`; `now` (UTC) is when waiting begins.

    Whoever finds a lease watches it at least until it is renewed, or has stood still for its
    ttl and is taken: without that nobody would ever learn that its holder died. Raises
    ReconcileError with exit code 5 that names a holder who lives.
    """
    begun_s = elapsed_s()
    watched = _Watched()
    while True:
        waited_s = elapsed_s() - begun_s
        found = store.get(address.lock)
        watched.see(found)
        if found is None or watched.is_dead():
            died = None if found is None else watched.holder
            holder = ourselves(wanted.command, now + timedelta(seconds=waited_s))
            leased = Leased(holder, wanted.ttl_s)
            written = _try(store, address, leased, found)
            if written is not None:
                return Lease(store, address, leased, written, died)
            continue
        if watched.lives and waited_s >= wanted.timeout_s:
            name = address.shown(address.lock)
            raise lock_held(name, watched.holder, now + timedelta(seconds=waited_s))
        sleep(min(_LONGEST_PAUSE_S, watched.ttl_s / _LOOKS_A_TTL))


def seize(
    store: Store, address: RemoteAddress, lease_id: str, wanted: Wanted, *, now: datetime
) -> Lease | None:
    """Take the lease of that id from its holder, alive or not; None if there is no lease.

    Raises ReconcileError for the id of another lease.
    """
    for _ in range(_TRIES):
        found = store.get(address.lock)
        if found is None:
            return None
        theirs = decode_leased(found.data)
        if theirs is not None and theirs.holder.id != lease_id:
            raise _another(address, theirs.holder.id, lease_id)
        ours = Leased(ourselves(wanted.command, now), wanted.ttl_s)
        written = _try(store, address, ours, found)
        if written is not None:
            return Lease(store, address, ours, written, theirs.holder if theirs else None)
        # Its holder has just renewed it.
    raise ConflictError(address.shown(address.lock))


class _Watched:
    """A lease as a contender sees it change, or not."""

    def __init__(self) -> None:
        self.holder: Holder | None = None
        self.ttl_s = DEFAULT_LOCK_TTL_S
        self.lives = False
        self._version: Version | None = None
        self._since_s = elapsed_s()

    def see(self, found: Stored | None) -> None:
        if found is None or found.version == self._version:
            return
        leased = decode_leased(found.data)
        if leased is not None:
            self.holder, self.ttl_s = leased.holder, leased.ttl_s
        self.lives = self._version is not None
        self._version, self._since_s = found.version, elapsed_s()

    def is_dead(self) -> bool:
        return elapsed_s() - self._since_s >= self.ttl_s


def _try(
    store: Store, address: RemoteAddress, leased: Leased, found: Stored | None
) -> Written | None:
    asked_s = elapsed_s()
    try:
        # Patiently: one that was taken without our knowing would keep us out ourselves.
        data, version = encode_leased(leased), found and found.version
        version = swap(store, address.lock, data, version, patience_s=PATIENCE_S)
    except ConflictError:
        return None
    return Written(version, asked_s)


def _another(address: RemoteAddress, found: str, wanted: str) -> ReconcileError:
    name = address.shown(address.lock)
    return refusal(
        "lock-id-differs",
        "That is not the lock's id",
        f"The lease at {name} is {found}, not {wanted}.",
        path=name,
        hint=f"If its holder is gone for good: reconcile state unlock {found}",
    )
