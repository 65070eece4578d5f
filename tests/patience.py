"""Patience: waiting, boundedly, for what another process does."""

import time
from collections.abc import Callable
from contextlib import suppress
from socket import create_connection

_PAUSE_S = 0.02


def wait_until(
    true: Callable[[], bool], told: Callable[[], str] = str, *, timeout_s: float = 40
) -> None:
    """Return once it is true. Fails with what is `told` where that takes longer."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, told()
        time.sleep(_PAUSE_S)


def is_open(port: int) -> bool:
    """Tell whether somebody takes connections there, on loopback."""
    with suppress(OSError), create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
