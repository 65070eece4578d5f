"""What a place that keeps state has to be able to do; which there are; how one is proved."""

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from importlib import import_module
from itertools import takewhile
from threading import Lock
from typing import Generic, Literal, NamedTuple, Protocol, TypeVar, cast
from urllib.parse import SplitResult, unquote, urlsplit

from msgspec import Struct

from reconcile import install_with
from reconcile.errors import ReconcileError
from reconcile.model.address import OperatorUrl, misplaced, require_no_secret
from reconcile.model.struct import replace
from reconcile.state.errors import refusal
from reconcile.state.session import begin

# Where a remote state is, read from its URL, which never holds a secret.

Scheme = Literal["s3", "gs", "az", "postgresql"]


class RemoteAddress(Struct, frozen=True):
    """The objects of one state: the state itself, and what lies beside it under its name.

    `place` is the bucket, the container, or what libpq is told. `url` may be shown. `said`: the
    operator gave it, and no file.
    """

    scheme: Scheme
    place: str
    key: str
    url: str
    said: bool = False

    @property
    def journal(self) -> str:
        """Key of the entries that are not in the state yet."""
        return f"{self.key}.journal"

    @property
    def lock(self) -> str:
        """Key of the lease."""
        return f"{self.key}.lock"

    @property
    def previous(self) -> str:
        """Key of the state as it was before the last run that changed it."""
        return f"{self.key}.prev"

    @property
    def history(self) -> str:
        """Key of the entries that were folded into the state."""
        return f"{self.key}.history"

    @property
    def session(self) -> str:
        """Key of the marker of a session that writes."""
        return f"{self.key}.session"

    @property
    def inbox(self) -> str:
        """Key of the signals that no session has written down yet."""
        return f"{self.key}.inbox"

    def shown(self, key: str) -> str:
        """Spell one of these keys as a URL, for people."""
        return self.url + key.removeprefix(self.key)


def parse_remote(url: str) -> RemoteAddress:
    """Read the URL of a remote state. Raises ReconcileError, which never repeats a secret."""
    require_no_secret(url, "[state] url, or --state")
    if wrong := misplaced(url):
        # Without the URL: what cannot be read may hold a secret anywhere.
        why = f"State cannot be kept there: {wrong.why}."
        raise refusal("state-url", why, path="[state] url", hint=wrong.meant)
    parts = urlsplit(url)
    if parts.scheme in {"postgres", "postgresql"}:
        return replace(_parse_postgres(parts), said=isinstance(url, OperatorUrl))
    return _parse_object(parts)


def _parse_object(parts: SplitResult) -> RemoteAddress:
    bucket, key = parts.netloc, parts.path.removeprefix("/")
    url = f"{parts.scheme}://{bucket}/{key}"
    return RemoteAddress(cast("Scheme", parts.scheme), bucket, key, url)


def _parse_postgres(parts: SplitResult) -> RemoteAddress:
    key = unquote(parts.fragment)
    conninfo = parts._replace(scheme="postgresql", fragment="").geturl()
    shown = parts._replace(scheme="postgresql", query="", fragment=key).geturl()
    return RemoteAddress("postgresql", _with_slashes(conninfo), key, _with_slashes(shown))


def _with_slashes(url: str) -> str:
    """Put back what urllib drops from a URL without a host, which for libpq means its defaults."""
    rest = url.removeprefix("postgresql:")
    return url if rest.startswith("//") else f"postgresql://{rest}"


# What a place that keeps state has to be able to do. Everything else is built on it.

AnswerT = TypeVar("AnswerT")

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
            f"{key}: {why.rstrip('.')}.",
            path=key,
            hint=hint or "look at the store, and at what lies between: reconcile state check",
        ).diagnostics[0]
        super().__init__(diagnostic)
        self.passing = passing


class Writing(NamedTuple):
    """An object to be written if it still is of `version` (None: if there is none).

    `data`: None removes it.
    """

    key: str
    data: bytes | None
    version: Version | None


class Store(Protocol):
    """Named objects of bytes, each replaced as a whole or not at all.

    Every method may be called from any thread, and raises StoreError.
    """

    def get(self, key: str) -> Stored | None:
        """Return an object as its last acknowledged writing left it; None if there is none."""

    def get_all(self, keys: Sequence[str]) -> Sequence[Stored | None]:
        """Return objects as they were at one moment, or one after the other in this order."""

    def put(self, key: str, data: bytes, version: Version | None) -> Version:
        """Write an object if it still is of that version; None: if there is none.

        Never writes empty bytes: those are what a deleted object may leave. Raises ConflictError.
        """

    def delete(self, key: str, version: Version) -> None:
        """Remove an object if it still is of that version. Raises ConflictError."""

    def put_all(self, writes: Sequence[Writing]) -> Sequence[Version | None]:
        """Write objects together, or one after the other in this order, up to one that fails.

        Raises ConflictError. Nobody sees a later one who does not see those before it.
        """


DEADLINE_S = 10.0
"""After which a call to a store has failed, whatever it waits for; far below a lease's ttl."""

_HEEDED_WITHIN_S = 0.5

SLOWEST_BYTES_S = 1 << 20
"""At what speed a large object may still be on its way."""


class RawStore(Protocol):
    """A store as its library gives it: its calls may hang. They mean what those of `Store` do."""

    def get_all(self, keys: Sequence[str]) -> Sequence[Stored | None]:
        """Return objects, or None for each that is not there."""

    def put_all(self, writes: Sequence[Writing]) -> Sequence[Version | None]:
        """Write objects in this order. Raises ConflictError, StoreError."""

    def cut(self, thread: int) -> None:
        """Close what that thread waits for in a call, if it can be closed from outside."""


class Bounded:
    """The one place where a store is called: every call ends, with an answer or by a deadline.

    The call is made in another thread, so that it can be given up whatever it waits for: a
    name, a handshake, a lock, an answer that an intermediary swallowed. Its socket is closed then.
    """

    def __init__(self, store: RawStore, shown: Callable[[str], str]) -> None:
        self._store, self._shown = store, shown

    def get(self, key: str) -> Stored | None:
        """Return an object, or None."""
        return self.get_all((key,))[0]

    def get_all(self, keys: Sequence[str]) -> Sequence[Stored | None]:
        """Return objects, or None for each that is not there."""
        return self._answer(keys[-1], lambda: self._store.get_all(keys), DEADLINE_S)

    def put(self, key: str, data: bytes, version: Version | None) -> Version:
        """Write an object if it still is of that version. Raises ConflictError, StoreError."""
        return self.put_all((Writing(key, data, version),))[0] or ""

    def delete(self, key: str, version: Version) -> None:
        """Remove an object if it still is of that version. Raises ConflictError, StoreError."""
        self.put_all((Writing(key, None, version),))

    def put_all(self, writes: Sequence[Writing]) -> Sequence[Version | None]:
        """Write objects in this order. Raises ConflictError, StoreError."""
        length = sum(len(write.data or b"") for write in writes)
        deadline_s = len(writes) * DEADLINE_S + length / SLOWEST_BYTES_S
        return self._answer(writes[0].key, lambda: self._store.put_all(writes), deadline_s)

    def _answer(self, key: str, ask: Callable[[], AnswerT], deadline_s: float) -> AnswerT:
        answer: Future[AnswerT] = Future()
        asking = begin(lambda: _ask(ask, answer))
        ended = False
        try:
            ended = _ended_within(deadline_s, answer)
        finally:
            if not ended and not answer.done():
                self._store.cut(asking)
        if ended:
            return answer.result()
        raise StoreError(self._shown(key), f"it did not answer within {deadline_s:.0f} s")


def _ended_within(deadline_s: float, answer: "Future[AnswerT]") -> bool:
    """Wait for an answer, and heed a Ctrl-C meanwhile.

    A signal that comes just before a wait begins is heeded once it has ended, so none is long.
    """
    until_s = time.monotonic() + deadline_s
    while (left_s := until_s - time.monotonic()) > 0:
        with suppress(TimeoutError):
            answer.exception(min(left_s, _HEEDED_WITHIN_S))
            return True
    return answer.done()


def _ask(ask: Callable[[], AnswerT], answer: "Future[AnswerT]") -> None:
    try:
        answer.set_result(ask())
    except BaseException as error:  # noqa: BLE001 -- it is raised where the answer is awaited
        answer.set_exception(error)


def elapsed_s() -> float:
    """Return seconds on a clock that nobody sets, of use only in differences."""
    return time.clock_gettime(_CLOCK)


def swap(
    store: Store, key: str, data: bytes, version: Version | None, *, patience_s: float = 0.0
) -> Version:
    """Put one object: see `swap_all`."""
    (written,) = swap_all(store, (Writing(key, data, version),), patience_s=patience_s)
    return written or ""


def swap_all(
    store: Store, writes: Sequence[Writing], *, patience_s: float = 0.0
) -> Sequence[Version | None]:
    """Put objects in this order, and know one's own again whose acknowledgement was lost.

    Their data must be such that nobody else ever writes the same. A store that does not answer is
    asked again for `patience_s` seconds. Raises ConflictError, StoreError; those before the one
    that failed may be written.
    """
    begun, done = elapsed_s(), list[Version | None]()
    while True:
        left = writes[len(done) :]
        try:
            return [*done, *store.put_all(left)]
        except ConflictError:
            ours = _written(left, store.get_all([write.key for write in left]))
            done += ours
            if len(done) == len(writes):
                return done
            if not ours:
                raise
        except StoreError as error:
            if not error.passing or elapsed_s() - begun >= patience_s:
                raise
            time.sleep(_PAUSE_S)


def _written(writes: Sequence[Writing], found: Sequence[Stored | None]) -> list[Version | None]:
    """Return the versions of those that stand as they were to be, up to one that does not."""
    together = list(zip(writes, found, strict=True))
    whole = takewhile(lambda pair: (pair[1] and pair[1].data) == pair[0].data, together)
    return [there and there.version for _, there in whole]


def put_each(store: Store, writes: Sequence[Writing]) -> list[Version | None]:
    """Write objects one after the other, where a store can do no better: see `Store.put_all`."""
    versions: list[Version | None] = []
    for key, data, version in writes:
        if data is None:
            store.delete(key, version or "")
        versions.append(None if data is None else store.put(key, data, version))
    return versions


# Proving that a store keeps two runs apart, before anything is trusted to it.


def prove(store: Store, address: RemoteAddress) -> None:
    """See that a store refuses a second create and a stale update; an object of its own is used.

    Stores that speak like S3 but know no conditions overwrite without a word. Raises
    ReconcileError for those, and for a store that cannot be used at all.
    """
    key = f"{address.key}.probe"
    left = store.get(key)
    first = store.put(key, b"first", left and left.version)
    _require_refusal(store, address, key, None)
    second = store.put(key, b"second", first)
    _require_refusal(store, address, key, first)
    found = store.get(key)
    if found is None or found.data != b"second":
        raise _unsafe(address, "it does not return what was written last")
    store.delete(key, second)
    if store.get(key) is not None:
        raise _unsafe(address, "it returns what was deleted")


def _require_refusal(
    store: Store, address: RemoteAddress, key: str, version: Version | None
) -> None:
    try:
        store.put(key, b"must be refused", version)
    except ConflictError:
        return
    created = "created an object that was there" if version is None else "took a stale update"
    raise _unsafe(address, f"it {created}")


def _unsafe(address: RemoteAddress, why: str) -> ReconcileError:
    return refusal(
        "state-store-unsafe",
        f"The store of {address.url} was tried out: {why}. Two runs would overwrite each other "
        "there, so no state is kept in it.",
        path=address.url,
        hint='Name another store: [state] url = "..."',
    )


# From a URL to its store; what a store needs is imported only here, once it is asked for.

_OBJECTS = ("reconcile.state.remote.objects", "obstore", "remote")
_BACKENDS = {
    "s3": _OBJECTS,
    "gs": _OBJECTS,
    "az": _OBJECTS,
    "postgresql": ("reconcile.state.remote.postgres", "psycopg", "postgres"),
}
_SECRET_NAMES = re.compile(r"PASSW|SECRET|TOKEN|KEY|CREDENTIAL|SAS", re.IGNORECASE)
_IN_URLS = re.compile(r"(?<=://)[^/@\s]+@|(?<=[?&])(sig|X-Amz-\w+|X-Goog-\w+)=[^&\s\"']+")
_SHORTEST_SECRET = 4
_LONGEST = 300


PlaceT = TypeVar("PlaceT")
_RECENT_S = 10.0


class RecentPlaces(Generic[PlaceT]):
    """Places that were opened within a few seconds, in the same environment.

    The many instances of a fleet mostly keep their states at one place, and to open it costs as
    much as to ask it. Not for longer: what its credentials are read from may change.
    """

    def __init__(self) -> None:
        self._guard = Lock()
        self._opened: dict[tuple[object, ...], PlaceT] = {}
        self._since_s = elapsed_s()
        os.register_at_fork(after_in_child=self.forget)  # A client's threads stay behind.

    def of(self, address: RemoteAddress, make: Callable[[], PlaceT]) -> PlaceT:
        """Return what `make` opened for this place lately, or opens now. Raises what it raises."""
        key = (address.scheme, address.place, address.said, *sorted(os.environ.items()))
        with self._guard:
            if elapsed_s() - self._since_s > _RECENT_S:
                self._opened, self._since_s = {}, elapsed_s()
            opened = self._opened.get(key)
        if opened is None:
            opened = make()
            with self._guard:
                self._opened[key] = opened
        return opened

    def forget(self) -> None:
        """Leave all to the process this one was forked from."""
        self._guard, self._opened = Lock(), {}


def open_store(address: RemoteAddress) -> Store:
    """Return the store of an address; nothing is asked of it yet.

    Raises ReconcileError: an extra that is not installed, or settings the store cannot use.
    """
    module, needed, extra = _BACKENDS[address.scheme]
    try:
        backend = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != needed:
            raise
        raise missing_package(address.url, install_with(extra), needed) from None
    return Bounded(cast("RawStore", backend.open_at(address)), address.shown)


def missing_package(url: str, hint: str, needed: str) -> ReconcileError:
    """Refuse because a package is not installed; the hint installs it."""
    return refusal(
        "state-extra-missing",
        f"State at {url} needs the package {needed}, which a local file does not.",
        path=url,
        hint=hint,
    )


def plain_words(error: BaseException, environ: Mapping[str, str] = os.environ) -> str:
    """Put a library's error into one line of bounded length, without anything secret.

    Servers and drivers repeat what they were sent; what the environment keeps secret is cut out.
    """
    # obstore goes on with what only its makers can read, PostgreSQL with the statement.
    told = str(error).partition("Debug source:")[0].partition("\nLINE ")[0]
    told = told.partition("\nCONTEXT:")[0]
    words = " ".join(told.split())
    for name, value in environ.items():
        if _SECRET_NAMES.search(name) and len(value) >= _SHORTEST_SECRET:
            words = words.replace(value, "***")
    words = _IN_URLS.sub("***", words)
    return words[:_LONGEST] or type(error).__name__
