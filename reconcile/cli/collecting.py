"""The collector of cycles, for commands that stay."""

import gc


def collect_again() -> None:
    """Search for cycles from now on, but not among what has been built so far."""
    gc.freeze()
    gc.enable()
