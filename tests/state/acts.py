"""What tests of a state do over and over."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from reconcile.errors import ReconcileError
from reconcile.model.address import Address
from reconcile.model.journal import Done, Entry, Intent, Numbered
from reconcile.model.plan import Request
from reconcile.model.recorded import Coverage, Recorded
from reconcile.planning.replay import replay
from reconcile.state.backend import open_session
from reconcile.state.session import Session

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SALES = Address("models.sales.refresh")


def open_at(state: Path | str, *, timeout_s: float = 0) -> Session:
    return open_session(str(state), command="apply", lock_timeout_s=timeout_s, now=NOON)


def intent(number: int, address: Address = SALES) -> Intent:
    coverage = Coverage(address, slot=NOON + number * SECOND)
    request = Request("POST", "/refresh")
    return Intent(NOON, f"operation-{number}", "refresh", (coverage,), request, "https://omni")


def done(number: int) -> Done:
    return Done(NOON, f"operation-{number}", NOON + number * SECOND)


def entry(sequence: int) -> Entry:
    """Return the entry of that place in the one journal that all long tests write."""
    call = (sequence + 1) // 2
    address = Address(f"models.m{call % 7}.refresh")
    return intent(call, address) if sequence % 2 else done(call)


def fold(length: int) -> Recorded:
    """Return the state that the first entries of that journal make."""
    entries = [Numbered(sequence, entry(sequence)) for sequence in range(1, length + 1)]
    return replay(Recorded(lineage="any"), entries)


def refused(code: str, exit_code: int = 1) -> "pytest.RaisesExc[ReconcileError]":
    """Expect one plain error with that code."""

    def fits(error: ReconcileError) -> bool:
        return error.diagnostics[0].code == code and error.exit_code == exit_code

    return pytest.RaisesExc(ReconcileError, check=fits)


def written(path: Path) -> tuple[bytes, int, int]:
    """Tell what a file holds, its number and its last writing: reading changes none of them."""
    there = path.stat()
    return path.read_bytes(), there.st_ino, there.st_mtime_ns


def dice(seed: int) -> Random:
    """Return chance that can be repeated."""
    return Random(seed)  # noqa: S311 - it guards nothing
