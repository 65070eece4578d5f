"""Setting files aside under a name of their own: nothing anybody may want is thrown away."""

import os
from pathlib import Path

from reconcile.state.files import read_file, replace_file
from reconcile.state.refusals import refusal, told_plainly
from reconcile.state.snapshot import MAX_STATE_BYTES

_MOST = 1_000


def free_name(path: Path, label: str) -> Path:
    """Return a name beside a file that nothing has yet. Raises ReconcileError if there is none."""
    for number in range(1, _MOST):
        free = path.with_name(f"{path.name}.{label}-{number}")
        if not os.path.lexists(free):
            return free
    raise refusal(
        "state-file-error",
        "A state file cannot be used",
        f"{path} cannot be set aside: {_MOST} files were before it.",
        path=path,
    )


def copy_aside(path: Path) -> tuple[Path, ...]:
    """Copy a file aside, if it is there: its place must not be empty for even a moment."""
    data = read_file(path, MAX_STATE_BYTES)
    if data is None:
        return ()
    aside = free_name(path, "damaged")
    replace_file(aside, data)
    return (aside,)


def move_aside(path: Path) -> tuple[Path, ...]:
    """Move a file aside, if it is there."""
    if not os.path.lexists(path):
        return ()
    aside = free_name(path, "damaged")
    with told_plainly(path, "set aside"):
        path.rename(aside)
    return (aside,)
