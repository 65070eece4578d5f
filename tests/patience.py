"""Patience: waiting, boundedly, for what another process does."""

import time
from collections.abc import Callable

_PAUSE_S = 0.02


def wait_until(
    true: Callable[[], bool], told: Callable[[], str] = str, *, timeout_s: float = 40
) -> None:
    """Return once it is true. Fails with what is `told` where that takes longer."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, told()
        time.sleep(_PAUSE_S)
