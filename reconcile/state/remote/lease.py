"""A lease on a state: kept by renewing it, freed by its holder's death, and by nobody's clock.

A contender never compares wall clocks. It watches the lease, and takes it once it has stood still
for as long as its holder promised to renew it in, on the contender's own clock.
"""

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Event, Thread

from reconcile.model.diagnostic import ReconcileError
from reconcile.state.holder import Holder, decode_holder, holder_fields
from reconcile.state.remote.address import RemoteAddress
from reconcile.state.remote.store import (
    ConflictError,
    Store,
    StoreError,
    Version,
    elapsed_s,
    swap,
)
from reconcile.state.strict import MalformedError, count, decode_json, fields, number

_RENEWALS_A_TTL = 3
_TRUSTED_SHARE = 0.8
"""Of a ttl: how long after a renewal the holder still acts on it. Contenders wait for all of it."""


@dataclass(frozen=True, slots=True)
class Leased:
    """What a lease says. `renewals` makes each renewal differ from the one before."""

    holder: Holder
    ttl_s: float
    renewals: int = 0


@dataclass(frozen=True, slots=True)
class Written:
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
        written: Written,
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
        self._ended = Event()
        self._heart = Thread(target=self._beat, name="reconcile-lease", daemon=True)
        self._heart.start()

    def still_mine(self) -> bool:
        """Tell whether nobody can have taken the lease by now."""
        age_s = elapsed_s() - self._renewed_s
        return not self._lost and age_s < _TRUSTED_SHARE * self._leased.ttl_s

    def is_confirmed(self) -> bool:
        """Ask the store whose the lease is. Raises StoreError."""
        found = self._store.get(self._key)
        leased = None if found is None else decode_leased(found.data)
        return leased is not None and leased.holder.id == self.id

    def release(self) -> None:
        """Let the lease go. Where that fails, it ends by itself."""
        self._ended.set()
        self._heart.join()
        if not self._lost:
            with suppress(ConflictError, StoreError):
                self._store.delete(self._key, self._version)

    def _beat(self) -> None:
        pause_s = self._leased.ttl_s / _RENEWALS_A_TTL
        while not self._ended.wait(pause_s) and not self._lost:
            pause_s = self._renew()

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
    words = {"ttl_s": leased.ttl_s, "renewals": leased.renewals}
    return json.dumps({**words, "holder": holder_fields(leased.holder)}).encode() + b"\n"


def decode_leased(data: bytes) -> Leased | None:
    """Decode a lease; None for what is none, which is then watched like one of the default ttl."""
    try:
        known = fields(decode_json(data), "holder", "ttl_s", "renewals")
        holder = decode_holder(known.get("holder"))
        return Leased(holder, number(known.get("ttl_s")), count(known.get("renewals")))
    except (MalformedError, ReconcileError):
        return None
