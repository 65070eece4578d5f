"""Making the calls of an approved plan, with progress, signals and an exit code."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING

from reconcile.applying.apply import Access, carry_out
from reconcile.applying.ports import Stop, StopCause
from reconcile.cli.collecting import collect_again
from reconcile.cli.console import Console
from reconcile.cli.notifying import Notifier
from reconcile.cli.progress import Progress
from reconcile.cli.signals import Interruption
from reconcile.cli.spending import access_to
from reconcile.model.exit_code import ExitCode
from reconcile.model.journal import Entry
from reconcile.model.plan import Forget, Plan
from reconcile.model.progress import Event, Summary
from reconcile.omni.credential import Credential

if TYPE_CHECKING:
    from reconcile.state.session import Session


def make_calls(
    planned: Plan,
    session: "Session",
    credential: Credential,
    console: Console,
    first: Sequence[Entry] = (),
    notifier: Notifier | None = None,
) -> Summary:
    """Carry a plan out and print what came of it. `first` is journalled before anything else.

    `notifier` is told of everything. Raises ReconcileError when the journal can no longer be
    written, and `SystemExit` with 130 or 143 once an interrupted apply has come to rest.
    """
    notifier = notifier or Notifier(console)
    notifier.begin(planned)
    ledger = notifier.overhear(session)
    if first:
        ledger.append(*first)
    stop = Stop()
    interruption = Interruption(lambda: stop.request(StopCause.INTERRUPTED))
    progress = Progress(console, planned)
    collect_again()
    carried = carry_out(
        planned,
        ledger=ledger,
        recorded=session.recorded,
        access=_access(planned, credential, console),
        report=_both(notifier.report, progress.report),
        stop=stop,
    )
    try:
        summary = asyncio.run(_attended(carried, progress, interruption))
    finally:
        progress.clear()
    notifier.end(summary)
    console.diagnose(summary.troubles)
    say_summary(summary, console)
    if interruption.exit_code is not None:
        session.close()
        raise SystemExit(interruption.exit_code)
    return summary


def _load_the_end() -> None:
    """Import what tells how an apply ended: later there may be no descriptor left to do it with."""
    from reconcile.controller.mishaps import mishap  # noqa: F401
    from reconcile.render.apply import summary_text  # noqa: F401
    from reconcile.render.diagnostics import diagnostic_text  # noqa: F401


def _access(planned: Plan, credential: Credential, console: Console) -> Access:
    """Find the others on this machine that spend the same budget, if anything is to be spent."""
    if credential.private or not (planned.load.calls or planned.load.polls):
        return Access(credential)
    return access_to(credential, console)


def _both(
    first: Callable[[Event], None], second: Callable[[Event], None]
) -> Callable[[Event], None]:
    def report(event: Event) -> None:
        first(event)
        second(event)

    return report


async def _attended(
    carried: Coroutine[None, None, Summary], progress: Progress, interruption: Interruption
) -> Summary:
    _load_the_end()
    interruption.listen(asyncio.get_running_loop())
    fresh = asyncio.create_task(progress.keep_fresh())
    try:
        return await carried
    finally:
        fresh.cancel()
        # Waited for, not awaited: a task that was cancelled before it began raises.
        await asyncio.wait([fresh])


def say_summary(summary: Summary, console: Console) -> None:
    """Print what an apply came to, in the format that was asked for."""
    from reconcile.render.apply import summary_json, summary_text

    if console.format == "json":
        console.say(summary_json(summary))
        return
    coloured = console.coloured(console.out)
    console.say(summary_text(summary, width=console.width(), colour=coloured))


def exit_code_of(summary: Summary, *, detailed: bool) -> int:
    """Turn the summary of an apply that ran to its end into an exit code.

    `detailed`: say by the code that calls were made (`--detailed-exitcode`). Where what kept calls
    back is no item's fault, and nothing was done, it is an error.
    """
    if summary.troubles:
        return ExitCode.PARTLY if summary.acted else ExitCode.ERROR
    called = [result for result in summary.results if not isinstance(result.action, Forget)]
    if all(result.status == "done" for result in called):
        return ExitCode.CALLS if called and detailed else ExitCode.DONE
    return ExitCode.PARTLY
