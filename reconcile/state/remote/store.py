"""What a place that keeps state has to be able to do. Everything else is built on these three."""

import time
from typing import NamedTuple, Protocol

from reconcile.model.diagnostic import ReconcileError
from reconcile.state.refusals import refusal

Version = str
"""Which writing of an object it is. Opaque; only a store that gave it can compare by it.

Two writings of the same bytes may share one: an S3 ETag is a digest of the content. What must be
told apart has to differ.
"""

PATIENCE_S = 10.0
"""How long a store that does not answer is asked again, where much hangs on its answer."""

_PAUSE_S = 0.2
# It goes on while the machine sleeps: a lease must not look fresh to a laptop that wakes up.
_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Stored(NamedTuple):
    """An object as it was read."""

    data: bytes
    version: Version


class ConflictError(ReconcileError):
    """Somebody else wrote the object first; nothing of ours was written."""

    def __init__(self, key: str) -> None:
        diagnostic = refusal(
            "state-conflict",
            "Another run has changed the state",
            f"{key} is not what this run last read or wrote, so it was left as it is.",
            path=key,
        ).diagnostics[0]
        super().__init__(diagnostic)


class StoreError(ReconcileError):
    """The store did not answer as it should; what was asked may or may not have been done.

    `passing`: trying again may help.
    """

    def __init__(
        self, key: str, why: str, *, passing: bool = True, hint: str | None = None
    ) -> None:
        diagnostic = refusal(
            "state-store-error",
            "The store of the state cannot be used",
            f"{key}: {why.rstrip('.')}.",
            path=key,
            hint=hint,
        ).diagnostics[0]
        super().__init__(diagnostic)
        self.passing = passing


class Store(Protocol):
    """Named objects of bytes, each replaced as a whole or not at all.

    Every method may be called from any thread, and raises StoreError.
    """

    def get(self, key: str) -> Stored | None:
        """Return an object as its last acknowledged writing left it; None if there is none."""

    def put(self, key: str, data: bytes, version: Version | None) -> Version:
        """Write an object if it still is of that version; None: if there is none.

        Never writes empty bytes: those are what a deleted object may leave. Raises ConflictError.
        """

    def delete(self, key: str, version: Version) -> None:
        """Remove an object if it still is of that version. Raises ConflictError."""

    def close(self) -> None:
        """Let connections go."""


def elapsed_s() -> float:
    """Return seconds on a clock that nobody sets, of use only in differences."""
    return time.clock_gettime(_CLOCK)


def swap(
    store: Store, key: str, data: bytes, version: Version | None, *, patience_s: float = 0.0
) -> Version:
    """Put, and know one's own writing again when its acknowledgement was lost on the way.

    `data` must be such that nobody else ever writes the same. A store that does not answer is
    asked again for `patience_s` seconds. Raises ConflictError, StoreError.
    """
    begun = elapsed_s()
    while True:
        try:
            return store.put(key, data, version)
        except ConflictError:
            there = store.get(key)
            if there is not None and there.data == data:
                return there.version
            raise
        except StoreError as error:
            if not error.passing or elapsed_s() - begun >= patience_s:
                raise
        time.sleep(_PAUSE_S)
