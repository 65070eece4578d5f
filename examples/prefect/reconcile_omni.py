# ruff: noqa: INP001, S603 not a package; and the command is a constant
"""Refresh Omni's models and reset its caches, as reconcile.toml declares."""

import os
import subprocess

from prefect import State, flow
from prefect.blocks.system import Secret
from prefect.states import Completed

APPLY = ("reconcile", "apply", "--yes", "--file", "/opt/reconcile/reconcile.toml")
HELD = 5


@flow(name="reconcile-omni", retries=0, timeout_seconds=45 * 60)
def reconcile_omni() -> State:
    """Make the calls that are due."""
    token = {"OMNI_API_KEY": Secret.load("omni-api-key").get()}
    with subprocess.Popen(APPLY, env=os.environ | token) as tool:
        try:
            code = tool.wait()
        except BaseException:
            tool.terminate()  # a run that is cut off hands its signal on: the tool saves its state
            tool.wait()
            raise
    if code == HELD:
        return Completed(name="Skipped", message="another run holds the lock")
    if code:
        raise RuntimeError(f"reconcile apply ended with exit code {code}")
    return Completed()


if __name__ == "__main__":
    reconcile_omni.serve(name="every-15-minutes", cron="*/15 * * * *", limit=1)
