"""Telling programs of an apply: `--events` and traces while it runs, `--metrics` at its end.

An observer changes nothing: whatever goes wrong here is one warning, and the apply goes on.
"""

import os
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reconcile.applying.ports import Ledger
from reconcile.cli.console import Console
from reconcile.cli.event_stream import (
    STANDARD_OUTPUT,
    EventStream,
    metrics_not_written,
    not_opened,
    stopped,
)
from reconcile.clock import wall_clock
from reconcile.model.address import Address
from reconcile.model.desired import Desired
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.journal import Entry, Intent, ScheduleIntent
from reconcile.model.plan import Await, Plan
from reconcile.model.progress import Budget, Event, Summary
from reconcile.model.recorded import Recorded
from reconcile.render.documents import entry_line, finished_line, started_line
from reconcile.tracing.asked import open_trace, traces_not_sent

if TYPE_CHECKING:
    from reconcile.tracing.trace import Trace

NOTHING_DONE = Summary(results=(), calls=0, polls=0, took_s=0.0)
_ERROR, _INTERRUPTED = 1, 130


def notified(options: Namespace, console: Console, act: "Callable[[Notifier], int]") -> int:
    """Run an apply and tell of it, however it ends. Returns and raises what `act` does."""
    notifier = Notifier(console, options.events, options.metrics)
    notifier.trace()
    code = _ERROR
    try:
        code = act(notifier)
    except ReconcileError as error:
        code = error.exit_code
        raise
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else _ERROR
        raise
    except KeyboardInterrupt:
        code = _INTERRUPTED
        raise
    finally:
        notifier.close(code)
    return code


class Notifier:
    """Observes one apply. `console` is where everything but the events is printed."""

    def __init__(
        self, console: Console, events: str | None = None, metrics: str | None = None
    ) -> None:
        # Whoever reads events on standard output wants nothing else there.
        self.console = console._replace(out=console.err) if events == STANDARD_OUTPUT else console
        self._metrics = None if metrics is None else Path(metrics)
        self._stream: EventStream | None = None
        self._traced: Trace | None = None
        self._covered: dict[str, tuple[Address, ...]] = {}
        self._known: tuple[Desired, Recorded] | None = None
        self._summary, self._budget = NOTHING_DONE, 0
        if events is not None:
            with self._harmlessly(lambda error: not_opened(events, error)):
                self._stream = EventStream.opened(events)

    def trace(self) -> None:
        """Also make a trace, where OpenTelemetry is configured."""
        with self._harmlessly(traces_not_sent):
            self._traced = open_trace(os.environ)

    def know(self, desired: Desired, recorded: Recorded) -> None:
        """Learn what is declared and what is recorded, as of now."""
        self._known = desired, recorded

    def begin(self, planned: Plan) -> None:
        """Tell that a plan is being carried out."""
        self._covered |= {
            action.operation: tuple(coverage.address for coverage in action.covers)
            for action in planned.actions
            if isinstance(action, Await)
        }
        self._tell(lambda: started_line(planned))
        self._record(lambda trace: trace.begin(planned))

    def overhear(self, ledger: Ledger) -> Ledger:
        """Return the same ledger, which tells of every entry once that is durable."""
        return _Overheard(ledger, self._entry)

    def report(self, event: Event) -> None:
        """Learn how much of the request budget was used."""
        if isinstance(event, Budget):
            self._budget = max(self._budget, event.used)

    def end(self, summary: Summary) -> None:
        """Tell what it came to."""
        self._summary, now = summary, wall_clock()
        self._tell(lambda: finished_line(summary, now))
        self._record(lambda trace: trace.end(summary, now))

    def close(self, exit_code: int) -> None:
        """Write the metrics, send the trace and let go of the stream."""
        path, stream, exit_code = self._metrics, self._stream, int(exit_code)
        if path is not None:
            with self._harmlessly(lambda error: metrics_not_written(path, error)):
                self._write_metrics(path, exit_code)
        if stream is not None:
            with self._harmlessly(lambda error: stopped(stream.name, error)):
                stream.close()
        self._record(lambda trace: trace.close(exit_code, wall_clock()))

    def _entry(self, entry: Entry, recorded: Recorded) -> None:
        if self._known is not None:
            self._known = self._known[0], recorded
        if isinstance(entry, Intent):
            self._covered[entry.operation] = tuple(part.address for part in entry.covers)
        if isinstance(entry, ScheduleIntent):
            self._covered[entry.operation] = (entry.address,)
        addresses = self._covered.get(getattr(entry, "operation", ""), ())
        self._tell(lambda: entry_line(entry, addresses))
        self._record(lambda trace: trace.entry(entry, addresses))

    def _tell(self, line: Callable[[], str]) -> None:
        stream = self._stream
        if stream is None:
            return
        self._stream = None  # unless it works, this was the last event
        with self._harmlessly(lambda error: stopped(stream.name, error)):
            stream.write(line())
            self._stream = stream

    def _record(self, told: "Callable[[Trace], None]") -> None:
        trace = self._traced
        if trace is None:
            return
        self._traced = None  # as with the stream
        with self._harmlessly(traces_not_sent):
            told(trace)
            self._traced = trace

    def _write_metrics(self, path: Path, exit_code: int) -> None:
        from reconcile.cli.gauges import item_gauges
        from reconcile.config.edit import replace_content
        from reconcile.render.metrics import RunGauges, metrics_text

        now, known = wall_clock(), self._known
        run = RunGauges(
            at=now,
            exit_code=exit_code,
            summary=self._summary,
            budget_used=self._budget,
            budget_limit=known[0].requests_per_minute if known else 0,
            items=item_gauges(*known, now) if known else (),
        )
        replace_content(path, metrics_text(run).encode())

    @contextmanager
    def _harmlessly(self, told: Callable[[Exception], Diagnostic]) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 -- an observer changes nothing it observes
            self.console.diagnose([told(error)])


class _Overheard:
    """A ledger that is listened to."""

    def __init__(self, ledger: Ledger, listen: Callable[[Entry, Recorded], None]) -> None:
        self._ledger, self._listen = ledger, listen

    def append(self, *entries: Entry) -> Recorded:
        """Write entries, then tell of them."""
        recorded = self._ledger.append(*entries)
        for entry in entries:
            self._listen(entry, recorded)
        return recorded
