"""Telling programs of an apply: `--events` and traces while it runs, `--metrics` at its end.

An observer changes nothing: whatever goes wrong here is one warning, and the apply goes on.
"""

import json
import os
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, Self, get_args

from msgspec import Struct, defstruct, to_builtins
from msgspec.structs import fields

from reconcile.applying.ports import Ledger
from reconcile.clock import wall_clock
from reconcile.errors import Diagnostic, ExitCode, Place, ReconcileError, Severity, diagnose
from reconcile.model.address import Address
from reconcile.model.desired import Desired
from reconcile.model.journal import Entry, Intent, ScheduleEntry, ScheduleIntent
from reconcile.model.plan import Await, Plan
from reconcile.model.progress import Budget, Event, ItemGauges, Summary, gauges_of
from reconcile.model.recorded import NO_RECORD, Recorded
from reconcile.model.struct import Instant, replace
from reconcile.planning.item import overdue
from reconcile.planning.plan import plan
from reconcile.planning.record import believed
from reconcile.render.documents import AnyAddress, Count, Seconds, unheeded
from reconcile.state.codec import Wire, plain_entry
from reconcile.terminal.console import Console
from reconcile.terminal.options import STANDARD_OUTPUT, Options

NOTHING_DONE = Summary(results=(), calls=0, polls=0, took_s=0.0)


def notified(options: Options, console: Console, act: "Callable[[Notifier], int]") -> int:
    """Run an apply and tell of it, however it ends. Returns and raises what `act` does."""
    notifier = Notifier(console, options.events, options.metrics)
    notifier.trace()
    code: int = ExitCode.ERROR
    try:
        code = act(notifier)
    except ReconcileError as error:
        code = error.exit_code
        raise
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else ExitCode.ERROR
        raise
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
        raise
    finally:
        notifier.close(code)
    return code


class _Tracer(Protocol):
    """Whoever is told of one apply while it goes on: a trace."""

    def begin(self, planned: Plan) -> None: ...
    def entry(self, entry: Entry, addresses: Sequence[Address]) -> None: ...
    def end(self, summary: Summary, at: datetime) -> None: ...
    def close(self, exit_code: int, at: datetime) -> None: ...


class Notifier:
    """Observes one apply. `console` is where everything but the events is printed.

    `warn` is told of what goes wrong here; the console, if it is not given.
    """

    def __init__(
        self,
        console: Console,
        events: str | None = None,
        metrics: str | None = None,
        *,
        warn: Callable[[Sequence[Diagnostic]], None] | None = None,
    ) -> None:
        # Whoever reads events on standard output wants nothing else there.
        self.console = replace(console, out=console.err) if events == STANDARD_OUTPUT else console
        self._warn = warn or self.console.diagnose
        self._metrics = None if metrics is None else Path(metrics)
        self._stream: EventStream | None = None
        self._traced: _Tracer | None = None
        self._covered: dict[str, tuple[Address, ...]] = {}
        self._known: tuple[Desired, Recorded] | None = None
        self._summary, self._budget = NOTHING_DONE, 0
        if events is not None:
            with self._harmlessly("events-not-opened", events):
                self._stream = EventStream.opened(events)

    def trace(self) -> None:
        """Also make a trace, where OpenTelemetry is configured."""
        with self._harmlessly(*_NO_TRACE):
            self._traced = _open_trace(os.environ)

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
            with self._harmlessly("metrics-not-written", str(path)):
                self._write_metrics(path, exit_code)
        if stream is not None:
            with self._harmlessly("events-stopped", stream.name):
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
        stream, self._stream = self._stream, None  # unless it works, this was the last event
        if stream is not None:
            with self._harmlessly("events-stopped", stream.name):
                stream.write(line())
                self._stream = stream

    def _record(self, told: Callable[[_Tracer], None]) -> None:
        trace, self._traced = self._traced, None  # as with the stream
        if trace is not None:
            with self._harmlessly(*_NO_TRACE):
                told(trace)
                self._traced = trace

    def _write_metrics(self, path: Path, exit_code: int) -> None:
        from reconcile.config.writer import replace_content
        from reconcile.metrics import RunGauges, metrics_text

        now, known = wall_clock(), self._known
        run = RunGauges(
            at=now,
            exit_code=exit_code,
            summary=self._summary,
            budget_used=self._budget,
            budget_limit=known[0].requests_per_minute if known else 0,
            items=list(_gauges(*known, now)) if known else (),
        )
        replace_content(path, metrics_text(run).encode())

    @contextmanager
    def _harmlessly(self, code: str, subject: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 -- an observer changes nothing it observes
            self._warn([_warning(code, subject, error)])


_NO_TRACE = ("traces-not-sent", "OpenTelemetry is configured, and its exporter failed")
_AFTERWARDS = {
    "events-not-opened": "The apply goes on without it.",
    "events-stopped": "The apply goes on without it; the journal has it all.",
    "metrics-not-written": "The apply itself was not changed by it.",
    "traces-not-sent": "The apply itself was not changed by it.",
}


def _warning(code: str, subject: str, error: Exception) -> Diagnostic:
    why = type(error).__name__
    if isinstance(error, OSError) and code != "traces-not-sent":  # Exporters may tell a token.
        why = error.strerror or str(error)
    is_file = code in {"events-not-opened", "metrics-not-written"}
    return diagnose(
        code,
        f"{subject}: {why}. {_AFTERWARDS[code]}",
        hint="reconcile state history" if code == "events-stopped" else f"reconcile explain {code}",
        places=(Place(str(Path(subject))),) if is_file else (),
        severity=Severity.WARNING,
    )


class _Overheard:
    """A ledger that is listened to."""

    def __init__(self, ledger: Ledger, listen: Callable[[Entry, Recorded], None]) -> None:
        self._ledger, self._listen = ledger, listen

    @property
    def recorded(self) -> Recorded:
        """The state as it stands."""
        return self._ledger.recorded

    async def append(self, *entries: Entry) -> Recorded:
        """Write entries, then tell of them."""
        recorded = await self._ledger.append(*entries)
        for entry in entries:
            self._listen(entry, recorded)
        return recorded


# One JSON object a line, in the journal's own words.
#
# Every key that the journal has for an entry is here under the same name with the same value, so
# that who can read one can read the other. An event adds `format_version`, and to the outcome of a
# call the `addresses` it covers, which the journal says once, with the intent.


class _Event(Struct, frozen=True, kw_only=True, tag_field="event"):
    format_version: Literal[1]
    at: Instant


class Begun(_Event, frozen=True, kw_only=True, tag="started"):
    """A line that `reconcile apply --events FILE` writes; this one says what it set out to do."""

    digest: str
    valid_until: Instant | None
    actions: Count


class Ended(_Event, frozen=True, kw_only=True, tag="finished"):
    """The last event. A stream without one is of an apply that died or failed midway."""

    statuses: dict[str, Count]
    calls: Count
    polls: Count
    took_s: Seconds
    interrupted: bool


def _of_entry(kind: type[Struct]) -> type[Struct]:
    known = {one.name for one in fields(kind)}
    covers = {"operation", "address", "connection_id"} & known == {"operation"}
    more = [("addresses", tuple[AnyAddress, ...])] if covers else []
    return defstruct(
        kind.__name__.strip("_"),
        [("format_version", Literal[1]), *more],
        bases=(kind,),
        tag_field="event",
        tag=kind.__struct_config__.tag,
        kw_only=True,
        forbid_unknown_fields=False,
    )


def events() -> tuple[type[Struct], ...]:
    """Return every kind of event as it is printed."""
    return (Begun, Ended, *map(_of_entry, get_args(Wire)))


def started_line(planned: Plan) -> str:
    """Return the first event of an apply, at the plan's `now`."""
    begun = Begun(
        format_version=1,
        at=planned.now,
        digest=planned.digest,
        valid_until=planned.valid_until,
        actions=len(planned.actions),
    )
    return _line(to_builtins(begun))


def finished_line(summary: Summary, at: datetime) -> str:
    """Return the last event."""
    statuses = Counter(result.status for result in summary.results)
    ended = Ended(
        format_version=1,
        at=at,
        statuses=dict(sorted(statuses.items())),
        calls=summary.calls,
        polls=summary.polls,
        took_s=summary.took_s,
        interrupted=summary.interrupted,
    )
    return _line(to_builtins(ended))


def entry_line(entry: Entry, addresses: Sequence[Address]) -> str:
    """Return the event of one journal entry. `addresses`: what its call covers."""
    told = plain_entry(entry)
    said = {"event": told.pop("entry"), "at": told.pop("at")}
    if "operation" in told and not isinstance(entry, ScheduleEntry):
        said |= {"operation": told.pop("operation"), "addresses": list(addresses)}
    return _line(said | told)


def _line(told: dict[str, object]) -> str:
    head = {"format_version": 1, "event": told["event"], "at": told["at"]}
    return json.dumps(head | told, ensure_ascii=True, allow_nan=False) + "\n"


# Where `--events` go: appended to a private file, or down standard output.

_PRIVATE = 0o600
_SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class EventStream:
    """Takes whole lines, each written before `write` returns. `name` is for messages."""

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = name
        self._descriptor = descriptor

    @classmethod
    def opened(cls, target: str) -> Self:
        """Open what `--events` names. Raises OSError.

        Not through a symbolic link, and only a regular file: whoever can plant a link or a pipe
        could have events overwrite a file, or hold the apply up for ever.
        """
        if target == STANDARD_OUTPUT:
            return cls("standard output", sys.stdout.fileno())
        descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_APPEND | _SAFELY, _PRIVATE)
        stream = cls(target, descriptor)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise OSError("it is not a regular file")
        if status.st_size and os.pread(descriptor, 1, status.st_size - 1) != b"\n":
            stream.write("\n")  # a disk that was full once left half a line
        return stream

    def write(self, line: str) -> None:
        """Write a line of JSON. Raises OSError."""
        rest = memoryview(unheeded(line).encode())
        while rest:
            # Past Python's buffers: what stays in them after a failure fails again at exit.
            rest = rest[os.write(self._descriptor, rest) :]

    def close(self) -> None:
        """Close the file; standard output stays open."""
        if self._descriptor != sys.stdout.fileno():
            os.close(self._descriptor)


def _gauges(desired: Desired, recorded: Recorded, now: datetime) -> Iterator[ItemGauges]:
    """Yield how each item stands, selected or not, by what is believed of it."""
    planned = plan(desired, recorded, now)
    declared, late = {item.address for item in desired.items}, overdue(desired, recorded, planned)
    for standing in planned.standings:
        if standing.address in declared:
            record = believed(recorded.items.get(standing.address, NO_RECORD), now)
            since = late.get(standing.address, now)
            yield gauges_of(standing, record, (now - since).total_seconds())


# Whether anybody wants traces, found out without importing what would make them.

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_NOWHERE = frozenset(("", "none"))


def _open_trace(environment: Mapping[str, str]) -> _Tracer | None:
    """Begin the trace of an apply; None where none is asked for or the SDK is not installed.

    It is asked for by OpenTelemetry's own variables, or by whatever started this process and set
    a global provider (`opentelemetry-instrument`). Raises whatever an exporter's settings provoke.
    """
    if not is_asked_for(environment):
        return None
    try:
        from reconcile.tracing import Trace
    except ImportError:
        return None
    return Trace.opened(environment)


def is_asked_for(environment: Mapping[str, str]) -> bool:
    """Tell whether OpenTelemetry is configured. An endpoint is enough: that is where traces go."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if "opentelemetry.trace" in sys.modules:
        return True
    exporters = environment.get("OTEL_TRACES_EXPORTER", "").strip()
    if exporters:
        return exporters not in _NOWHERE
    return any(environment.get(name, "").strip() for name in _ENDPOINTS)
