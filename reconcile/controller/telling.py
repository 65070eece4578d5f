"""What a controller logs."""

from collections.abc import Callable, Iterable
from datetime import datetime

from reconcile.controller.absence import Absence
from reconcile.controller.keeping import Kept
from reconcile.controller.outcome import Outcome
from reconcile.model.address import Address
from reconcile.model.diagnostic import Diagnostic
from reconcile.model.progress import Event, FailedCall, Finished, Left, Throttled
from reconcile.render.situation import Level, LogLine, Value, diagnostic_line
from reconcile.render.words import addresses_text

_LATE_SHOWN = 5


class Teller:
    """Turns what happens into lines. `write` takes each line; `now` is UTC."""

    def __init__(self, write: Callable[[LogLine], None], now: Callable[[], datetime]) -> None:
        self._write, self._now = write, now
        self._warned: frozenset[str] = frozenset()
        self._failing: dict[tuple[Address, ...], str] = {}

    def say(self, event: str, level: Level = "info", **fields: Value) -> None:
        """Log one event, now."""
        self._write(LogLine(self._now(), level, event, fields))

    def ended(self, outcome: Outcome, wake_at: datetime | None) -> None:
        """Log what a cycle came to."""
        self.warned(outcome.warnings)
        for problem in outcome.problems:
            self._write(diagnostic_line(problem, self._now(), "cycle-problem"))
        summary = outcome.summary
        self.say(
            "cycle",
            "info" if outcome.well else "warning",
            verdict=outcome.verdict.value,
            calls=summary.calls if summary else None,
            polls=summary.polls if summary else None,
            took_s=(outcome.ended_at - outcome.began_at).total_seconds(),
            next=wake_at,
        )

    def warned(self, warnings: Iterable[Diagnostic]) -> None:
        """Log warnings, unless they were all there last time."""
        warnings = tuple(warnings)
        codes = frozenset(warning.code for warning in warnings)
        if codes - self._warned:
            for warning in warnings:
                self._write(diagnostic_line(warning, self._now(), "note"))
        self._warned = codes

    def reloaded(self, kept: Kept) -> None:
        """Log that the files were read anew, or why what they say is not used."""
        if not kept.refused:
            self.say("files-reloaded", items=len(kept.desired.items))
            return
        for diagnostic in kept.refused:
            self._write(diagnostic_line(diagnostic, self._now(), "files-refused"))
        self.say("files-kept", "error", why="the earlier version goes on until the new is valid")

    def absent(self, found: Absence, now: datetime) -> None:
        """Log for how long nobody reconciled, and what that touched."""
        self.say(
            "absent",
            "warning" if found.late or found.slots_missed else "info",
            last_seen=found.last_seen,
            for_s=(now - found.last_seen).total_seconds(),
            slots_missed=found.slots_missed,
            items_late=len(found.late),
        )
        for address, since in found.late[:_LATE_SHOWN]:
            self.say("item-late", "warning", item=address, since=since)

    def progress(self, event: Event) -> None:
        """Log what a person should know of an apply in progress."""
        match event:
            case FailedCall(addresses=addresses, message=message):
                if self._failing.get(addresses) == message:
                    return  # said already, and nothing else happened to it since
                self._failing[addresses] = message
                self.say(
                    "item-failed",
                    "warning",
                    item=addresses_text(addresses),
                    message=message,
                    may_have_happened=event.may_have_happened,
                )
            case Left(addresses=addresses, job=job):
                told: dict[str, Value] = {
                    "item": addresses_text(addresses),
                    "job": job.job_id,
                    "since": job.since,
                    "looked_at": job.looked_at,
                    "answer": job.answer,
                    "until": job.until,
                }
                if job.until is None:
                    self.say("end-unseen", "warning", **told)
                else:
                    self.say("job-left", "info", **told)
            case Finished(addresses=addresses):
                self._failing.pop(addresses, None)
            case Throttled(wait_s=wait_s):
                self.say("throttled", "warning", wait_s=wait_s)
            case _:
                pass
