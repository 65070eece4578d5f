"""An approved plan being applied: progress, signals, the shared budget, and an exit code."""

import asyncio
import os
import shutil
import signal
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from datetime import datetime

from reconcile.applying.apply import GroupCommit, OmniAccess, carry_out
from reconcile.applying.ports import Stop, StopCause
from reconcile.clock import wall_clock
from reconcile.errors import Diagnostic, ExitCode
from reconcile.model.desired import Desired
from reconcile.model.journal import Entry
from reconcile.model.plan import Forget, Plan
from reconcile.model.progress import Event, Summary
from reconcile.model.struct import replace
from reconcile.omni.credential import Credential, load_credential, require_same_origin
from reconcile.omni.limiter import find_shared_log
from reconcile.render.apply import board_lines, ended_line, event_line, summary_text
from reconcile.render.documents import summed
from reconcile.render.outline import board_of
from reconcile.render.reasons import home_zone
from reconcile.state.session import Session
from reconcile.terminal.console import Console, collect_again
from reconcile.terminal.events import Notifier
from reconcile.terminal.interruption import Interruption
from reconcile.terminal.options import Options

REDRAW_S = 1.0
_UP_AND_CLEAR = "\x1b[{lines}A\x1b[J"


class Progress:
    """Shows the events of one apply: a board on a terminal that redraws itself, lines elsewhere.

    Whether anybody can still read it is no reason to stop: calls go on when standard error is gone.
    """

    def __init__(self, console: Console, planned: Plan) -> None:
        self._console, self._zone = console, home_zone(planned.standings)
        self._live = console.err.isatty() and os.environ.get("TERM") != "dumb"
        self._board = board_of(planned.actions)
        self._drawn = 0

    def report(self, event: Event) -> None:
        """Show one event."""
        if self._live:
            ended = ended_line(self._board, event, self._zone)
            self._board = self._board.after(event)
            self._redraw(wall_clock(), "" if ended is None else f"{ended}\n")
            return
        line = event_line(event, self._zone)
        if line is not None:
            with suppress(OSError):
                self._console.note(line)

    async def keep_fresh(self) -> None:
        """Redraw every second, since ages grow between events; ends when cancelled."""
        with suppress(asyncio.CancelledError):
            while self._live:
                await asyncio.sleep(REDRAW_S)
                self._redraw(wall_clock())

    def clear(self) -> None:
        """Take the board off the screen; the summary follows."""
        if self._drawn:
            self._show(_UP_AND_CLEAR.format(lines=self._drawn))
            self._drawn = 0

    def _redraw(self, now: datetime, above: str = "") -> None:
        """Draw the board anew, below what stays."""
        columns, rows = shutil.get_terminal_size((80, 24))
        lines = board_lines(self._board, now, columns, rows - 1)
        erase = _UP_AND_CLEAR.format(lines=self._drawn) if self._drawn else ""
        self._show(erase + above + "".join(f"{line}\n" for line in lines))
        self._drawn = len(lines)

    def _show(self, text: str) -> None:
        with suppress(OSError):
            self._console.err.write(text)
            self._console.err.flush()


def make_calls(
    planned: Plan,
    session: Session,
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
    stop = Stop()
    interruption = Interruption(lambda: stop.request(StopCause.INTERRUPTED))
    progress = Progress(console, planned)
    collect_again()
    # Others on this machine are looked for if anything is to be spent of the budget they share.
    alone = credential.private or not (planned.load.calls or planned.load.polls)
    access = OmniAccess(credential) if alone else access_to(credential, console)
    access = replace(access, still_mine=session.still_mine)

    def report(event: Event) -> None:
        notifier.report(event)
        progress.report(event)

    async def carried() -> Summary:
        async with GroupCommit(session) as group:
            ledger = notifier.overhear(group)
            await ledger.append(*first)
            return await carry_out(
                planned,
                ledger=ledger,
                recorded=ledger.recorded,
                access=access,
                report=report,
                stop=stop,
            )

    handler = signal.getsignal(signal.SIGINT)
    try:
        summary = asyncio.run(_attended(carried(), progress, interruption))
    finally:
        # The loop leaves Python's own, and what follows may hang as well.
        signal.signal(signal.SIGINT, handler)
        progress.clear()
    notifier.end(summary)
    console.diagnose(summary.troubles)
    say_summary(summary, console, rehearsed=credential.private)
    if interruption.exit_code is not None:
        session.close()
        raise SystemExit(interruption.exit_code)
    return summary


async def _attended(
    carried: Coroutine[None, None, Summary], progress: Progress, interruption: Interruption
) -> Summary:
    interruption.listen(asyncio.get_running_loop())
    fresh = asyncio.create_task(progress.keep_fresh())
    try:
        return await carried
    finally:
        fresh.cancel()
        # Waited for, not awaited: a task that was cancelled before it began raises.
        await asyncio.wait([fresh])


def say_summary(summary: Summary, console: Console, *, rehearsed: bool = False) -> None:
    """Print what an apply came to, in the format that was asked for."""
    told = summed(summary)
    if console.format == "json":
        console.say_document(told.document)
        return
    text = summary_text(
        told,
        width=console.width(),
        colour=console.coloured(console.out),
        rehearsed=rehearsed,
        complete=console.complete,
    )
    console.say(text)


def exit_code_of(summary: Summary, *, detailed: bool) -> int:
    """Turn the summary of an apply that ran to its end into an exit code.

    `detailed`: say by the code that calls were made (`--detailed-exitcode`). Where what kept calls
    back is no item's fault, and nothing was done, it is an error.
    """
    if summary.troubles:
        return ExitCode.PARTLY if summary.acted else ExitCode.ERROR
    called = [result for result in summary.results if not isinstance(result.action, Forget)]
    if all(result.status == "done" for result in called):
        return ExitCode.CALLS if summary.calls and detailed else ExitCode.DONE
    return ExitCode.PARTLY


# The right to call an instance, and who else on this machine spends the same budget.


def gather_credential(options: Options, desired: Desired) -> Credential:
    """Load the operator's credential; the files must not assert another instance."""
    credential = load_credential(os.environ, profile=options.profile)
    require_same_origin(desired.base_url, credential)
    return credential


def access_to(credential: Credential, console: Console) -> OmniAccess:
    """Share the budget with the other runs on this machine that use the key."""
    sends = find_shared_log(credential, os.environ, wall_clock())
    if isinstance(sends, Diagnostic):
        console.diagnose([sends])
        return OmniAccess(credential)
    return OmniAccess(credential, sends=sends)
