"""The inbox of a state: signals that came, until a session has written them into the journal.

It lies beside the state under a lock of its own (in a store: as an object of its own), so that
whoever sends a signal never waits for an apply. It is replaced as a whole: two that send at once
lose nothing, and a kill at any instant leaves the old content or the new.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from time import monotonic, sleep
from typing import Literal
from uuid import uuid4

from msgspec import Struct, field

from reconcile.errors import Diagnostic, ReconcileError
from reconcile.model.journal import Signalled
from reconcile.model.recorded import Recorded, Signal, Signals
from reconcile.model.struct import Instant, replace
from reconcile.planning.signals import received
from reconcile.state.codec import MalformedError, decode, encode
from reconcile.state.errors import Named, as_warnings, refusal, told_plainly, warning
from reconcile.state.files import (
    Location,
    create,
    ensure_directory,
    is_remote,
    locate,
    open_regular,
    read_file,
    replace_file,
)
from reconcile.state.remote.inbox import read_inbox, swap_inbox
from reconcile.state.session import Session

PATIENCE_S = 2.0
"""How long a sender waits for another, or for a store that does not answer."""

_MAX_BYTES = 16 << 20
_PAUSE_S = 0.01


class Unheeded(Struct, frozen=True, forbid_unknown_fields=True):
    """A webhook in order that was no signal: a failed run, another job, a test. `at`: it came."""

    at: Instant
    why: str


class _Inbox(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """The file. `writing`: names one writing of it, so that no two are the same bytes.

    `unheeded`: the last of each name that was no signal, until one is.
    """

    inbox_version: Literal[1]
    writing: str
    signals: dict[str, tuple[Signal, ...]] = field(default_factory=dict)
    unheeded: dict[str, Unheeded] = field(default_factory=dict)


_EMPTY = _Inbox(inbox_version=1, writing="")


def deliver(url: str, name: str, signal: Signal) -> None:
    """Put a signal into the inbox of a state; once it returns the signal survives anything.

    Raises ReconcileError if it could not be written.
    """

    def put(inbox: _Inbox) -> _Inbox:
        left = {other: told for other, told in inbox.unheeded.items() if other != name}
        signals = dict(received(inbox.signals, name, signal))
        return replace(inbox, signals=signals, unheeded=left)

    _change(url, put)


def note(url: str, name: str, unheeded: Unheeded) -> None:
    """Remember that something came which was no signal, for whoever wonders. Raises as above."""
    _change(url, lambda inbox: replace(inbox, unheeded={**inbox.unheeded, name: unheeded}))


def waiting(url: str) -> Signals:
    """Read the signals that no session has written down yet. Takes no lock.

    Raises ReconcileError.
    """
    return _read(url).signals


def unheeded(url: str) -> Mapping[str, Unheeded]:
    """Read what came last of each name and was no signal. Raises ReconcileError."""
    return _read(url).unheeded


def clear(url: str, taken: Signals) -> None:
    """Take signals out that the journal holds by now, and none that came since.

    Raises ReconcileError; those that are left in are written down again, which changes nothing.
    """

    def without(inbox: _Inbox) -> _Inbox:
        left = {
            name: tuple(signal for signal in kept if signal not in taken.get(name, ()))
            for name, kept in inbox.signals.items()
        }
        return replace(inbox, signals={name: kept for name, kept in left.items() if kept})

    if taken:
        _change(url, without)


def may_have_inbox(url: str) -> bool:
    """Tell whether signals may wait beside a state: there is a file, or a store to ask."""
    return is_remote(url) or locate(url).inbox.exists()


def take_in(session: Session, url: str, now: datetime) -> None:
    """Write down what waits in the inbox of the state, and then take it out of there.

    What cannot be written down now stays there for the next session, and is a warning.
    """
    if not may_have_inbox(url):
        return
    try:
        signals, warnings = look_into(url)
        session.warnings += warnings
        session.append(
            *(
                Signalled(now, name, signal)
                for name, kept in sorted(signals.items())
                for signal in kept
                if signal not in session.recorded.signals.get(name, ())
            )
        )
        clear(url, signals)
    except ReconcileError as error:
        session.warnings += as_warnings(error)


def with_waiting(recorded: Recorded, waiting: Signals) -> Recorded:
    """Return what is recorded together with the signals that still wait to be."""
    signals = recorded.signals
    for name, kept in waiting.items():
        for signal in kept:
            signals = received(signals, name, signal)
    return recorded if signals is recorded.signals else replace(recorded, signals=signals)


def look_into(url: str) -> tuple[Signals, tuple[Diagnostic, ...]]:
    """Read the waiting signals; a file that cannot be read holds nothing up, and is a warning.

    Raises ReconcileError where a store does not answer: it has the state as well.
    """
    try:
        return waiting(url), ()
    except ReconcileError as error:
        first = error.diagnostics[0]
        if is_remote(url) and first.code != "signal-inbox-damaged":
            raise
        told = warning(first.code, first.detail, path=url, hint=first.hint)
        return {}, (told,)


def _read(url: str) -> _Inbox:
    if is_remote(url):
        return _decode(*read_inbox(url))
    path = locate(url).inbox
    return _decode(read_file(path, _MAX_BYTES), path)


def _decode(data: bytes | None, name: Named) -> _Inbox:
    if data is None:
        return _EMPTY
    try:
        return decode(data, _Inbox)
    except MalformedError as error:
        raise refusal(
            "signal-inbox-damaged",
            f"{name} is not what was last written: {error}. Signals in it are not seen.",
            path=name,
            hint=f"Move {name} away, and send the last signals again.",
        ) from None


def _encode(inbox: _Inbox) -> bytes:
    return encode(replace(inbox, writing=uuid4().hex)) + b"\n"


def _change(url: str, change: Callable[[_Inbox], _Inbox]) -> None:
    """Replace the content by what `change` makes of it; nothing is written where it is the same."""

    def changed(data: bytes | None, name: Named) -> bytes | None:
        before = _decode(data, name)
        after = change(before)
        return None if after == before else _encode(after)

    if is_remote(url):
        swap_inbox(url, changed, PATIENCE_S)
        return
    location = locate(url)
    ensure_directory(location.state.parent)
    with _locked(location):
        data = changed(read_file(location.inbox, _MAX_BYTES), location.inbox)
        if data is not None:
            replace_file(location.inbox, data)


@contextmanager
def _locked(location: Location) -> Iterator[None]:
    path = location.inbox_lock
    with told_plainly(path, "locked"):
        try:
            descriptor = create(path)
        except FileExistsError:
            descriptor = open_regular(path, os.O_WRONLY)
    try:
        until = monotonic() + PATIENCE_S
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if monotonic() >= until:
                raise refusal(
                    "signal-inbox-busy",
                    f"{path} was not let go within {PATIENCE_S:g} s. The signal was not taken.",
                    path=path,
                )
            sleep(_PAUSE_S)
        yield
    finally:
        os.close(descriptor)
