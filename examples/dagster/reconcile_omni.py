# ruff: noqa: INP001, S603 not a package; and the command is a constant
"""Refresh Omni's models and reset its caches, as reconcile.toml declares."""

import subprocess
from collections.abc import Iterator

import dagster as dg

APPLY = ("reconcile", "apply", "--yes", "--file", "/opt/reconcile/reconcile.toml")
HELD = 5


@dg.op(out=dg.Out(dg.Nothing, is_required=False))
def apply(context: dg.OpExecutionContext) -> Iterator[dg.Output[None]]:
    """Make the calls that are due. Without an output what comes after is skipped."""
    with subprocess.Popen(APPLY) as tool:
        try:
            code = tool.wait()
        except BaseException:
            tool.terminate()  # a run that is cut off hands its signal on: the tool saves its state
            tool.wait()
            raise
    if code == HELD:
        context.log.info("skipped: another run holds the lock")
    elif code:
        raise dg.Failure(f"reconcile apply ended with exit code {code}", allow_retries=False)
    else:
        yield dg.Output(None)


@dg.job(executor_def=dg.in_process_executor, tags={"dagster/max_runtime": 45 * 60})
def reconcile_omni() -> None:
    """Apply; hang onto it whatever needs fresh models."""
    apply()


defs = dg.Definitions(
    schedules=[dg.ScheduleDefinition(job=reconcile_omni, cron_schedule="*/15 * * * *")]
)
