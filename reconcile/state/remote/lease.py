"""A lease on a state: kept by renewing it, freed by its holder's death, and by nobody's clock.

A contender never compares wall clocks. It watches the lease, and takes it once it has stood still
for as long as its holder promised to renew it in, on the contender's own clock.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from threading import Event, Thread
from time import sleep

from msgspec import Struct

from reconcile.errors import ReconcileError
from reconcile.model.desired import DEFAULT_LOCK_TTL_S
from reconcile.model.struct import Count, replace
from reconcile.state.codec import MalformedError, decode, encode
from reconcile.state.errors import refusal
from reconcile.state.lock import Holder, Wanted, lock_held, ourselves
from reconcile.state.remote.stores import (
    PATIENCE_S,
    ConflictError,
    RemoteAddress,
    Store,
    Stored,
    StoreError,
    Version,
    elapsed_s,
    swap,
)

_RENEWALS_A_TTL = 3
_SHORTEST_SILENCE_S = 2.0
_LOOK_S = 0.5
_TRUSTED_SHARE = 0.8
"""Of a ttl: how long after a renewal the holder still acts on it. Contenders wait for all of it."""


class Leased(Struct, frozen=True, kw_only=True):
    """What a lease says. `renewals` makes each renewal differ from the one before.

    Another version may say more: what it promises counts all the same.
    """

    ttl_s: float
    renewals: Count = 0
    holder: Holder


_let_go: set[str] = set()
"""Leases that this process let go while a store was away: it waits for none of them itself."""


class WrittenLease(Struct, frozen=True):
    """A lease as it was written: which version it is, and when that was asked for (`elapsed_s`)."""

    version: Version
    asked_s: float


class Lease:
    """A lease that is held, renewed from a thread of its own. `previous`: who died holding it."""

    def __init__(
        self,
        store: Store,
        address: RemoteAddress,
        leased: Leased,
        written: WrittenLease,
        previous: Holder | None,
    ) -> None:
        """Start to renew a lease that was written just now."""
        self.previous = previous
        self.id = leased.holder.id
        self._store, self._key, self._leased = store, address.lock, leased
        self._version = written.version
        self._renewed_s = written.asked_s
        self._asking_s: float | None = None
        self._lost = False
        self._seen_s: float | None = None
        self._ended = Event()
        self._heart = Thread(target=self._beat, name="reconcile-lease", daemon=True)
        self._heart.start()

    def still_mine(self) -> bool:
        """Tell whether nobody can have taken the lease by now."""
        age_s = elapsed_s() - self._renewed_s
        return not self._lost and age_s < _TRUSTED_SHARE * self._leased.ttl_s

    def attended(self, *, at_work: bool) -> None:
        """Learn that the holder gets on with its work, or that no word of that will come.

        A holder that has said so and then falls silent is not renewed: it hangs, and another run
        is to have the lease.
        """
        self._seen_s = elapsed_s() if at_work else None

    def holder(self) -> Holder | None:
        """Ask the store whose the lease is. Raises StoreError."""
        found = self._store.get(self._key)
        leased = None if found is None else decode_leased(found.data)
        return None if leased is None else leased.holder

    def release(self) -> None:
        """Let the lease go. Where that fails, it ends by itself."""
        self._ended.set()
        self._heart.join()
        if not self._lost:
            _let_go.add(self.id)
            with suppress(ConflictError, StoreError):
                self._store.delete(self._key, self._version)
                _let_go.discard(self.id)

    def _beat(self) -> None:
        pause_s = self._leased.ttl_s / _RENEWALS_A_TTL
        while not self._ended.wait(pause_s) and not self._lost:
            pause_s = _LOOK_S if self._hangs() else self._renew()

    def _hangs(self) -> bool:
        seen_s = self._seen_s
        silent_s = max(_SHORTEST_SILENCE_S, self._leased.ttl_s / _RENEWALS_A_TTL)
        return seen_s is not None and elapsed_s() - seen_s > silent_s

    def _renew(self) -> float:
        """Renew once, and return in how many seconds to do so again."""
        # Before it is sent, so that we never believe in it for longer than a contender does. One
        # that was never answered may have been written then, though we only learn of it now.
        asked_s = self._asking_s = elapsed_s() if self._asking_s is None else self._asking_s
        fresh = replace(self._leased, renewals=self._leased.renewals + 1)
        ttl_s = self._leased.ttl_s
        try:
            self._version = swap(self._store, self._key, encode_leased(fresh), self._version)
        except ConflictError:
            self._lost = True
        except StoreError:
            return ttl_s / 20
        else:
            self._leased, self._renewed_s, self._asking_s = fresh, asked_s, None
        return max(0.0, asked_s + ttl_s / _RENEWALS_A_TTL - elapsed_s())


def encode_leased(leased: Leased) -> bytes:
    """Encode a lease as one line of JSON."""
    return encode(leased) + b"\n"


def decode_leased(data: bytes) -> Leased | None:
    """Decode a lease; None for what is none, which is then watched like one of the default ttl."""
    try:
        return decode(data, Leased)
    except MalformedError:
        return None


# Taking a lease, from a holder that let it go or died, and from a person's word that it did.

_LOOKS_A_TTL = 30
_LONGEST_PAUSE_S = 1.0
_COUNTED_EVERY_S = 5.0
_TRIES = 50


def take(store: Store, address: RemoteAddress, wanted: Wanted, *, now: datetime) -> Lease:
    """Take the lease, waiting for `wanted.timeout_s`; `now` (UTC) is when waiting begins.

    Whoever finds a lease watches it at least until it is renewed, or has stood still for its
    ttl and is taken: without that nobody would ever learn that its holder died. Raises
    ReconcileError with exit code 5 that names a holder who lives.
    """
    begun_s = elapsed_s()
    watched = _Watched()
    found: Stored | None = None  # Mostly there is none, so it is tried before it is looked for.
    while True:
        waited_s = elapsed_s() - begun_s
        watched.see(found)
        if found is None or watched.is_dead():
            died = None if found is None or watched.was_let_go() else watched.holder
            holder = ourselves(wanted.command, now + timedelta(seconds=waited_s))
            leased = Leased(holder=holder, ttl_s=wanted.ttl_s)
            written = _try(store, address, leased, found)
            if written is not None:
                return Lease(store, address, leased, written, died)
        elif watched.lives and waited_s >= wanted.timeout_s:
            name = address.shown(address.lock)
            raise lock_held(name, watched.holder, now + timedelta(seconds=waited_s))
        else:
            if wanted.tell is not None and (words := watched.countdown()):
                wanted.tell(words)
            sleep(min(_LONGEST_PAUSE_S, watched.ttl_s / _LOOKS_A_TTL))
        found = store.get(address.lock)


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
        ours = Leased(holder=ourselves(wanted.command, now), ttl_s=wanted.ttl_s)
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
        self._since_s = self._told_s = elapsed_s()

    def see(self, found: Stored | None) -> None:
        if found is None or found.version == self._version:
            return
        leased = decode_leased(found.data)
        if leased is not None:
            self.holder, self.ttl_s = leased.holder, leased.ttl_s
        self.lives = self._version is not None
        self._version, self._since_s = found.version, elapsed_s()

    def countdown(self) -> str | None:
        """Say now and then for how long the lease still lasts, if nobody renews it."""
        now_s = elapsed_s()
        if self.holder is None or now_s - self._told_s < _COUNTED_EVERY_S:
            return None
        self._told_s, left_s = now_s, self.ttl_s - (now_s - self._since_s)
        return (
            f"{self.holder.command} of {self.holder.user} on {self.holder.host} holds the lock. "
            f"Unless it is renewed, it is free in {max(0, round(left_s))} s."
        )

    def is_dead(self) -> bool:
        return self.was_let_go() or elapsed_s() - self._since_s >= self.ttl_s

    def was_let_go(self) -> bool:
        return self.holder is not None and self.holder.id in _let_go


def _try(
    store: Store, address: RemoteAddress, leased: Leased, found: Stored | None
) -> WrittenLease | None:
    asked_s = elapsed_s()
    try:
        # Patiently: one that was taken without our knowing would keep us out ourselves.
        data, version = encode_leased(leased), found and found.version
        version = swap(store, address.lock, data, version, patience_s=PATIENCE_S)
    except ConflictError:
        return None
    return WrittenLease(version, asked_s)


def _another(address: RemoteAddress, found: str, wanted: str) -> ReconcileError:
    name = address.shown(address.lock)
    return refusal(
        "lock-id-differs",
        f"The lease at {name} is {found}, not {wanted}.",
        path=name,
        hint=f"If its holder is gone for good: reconcile state unlock {found}",
    )
