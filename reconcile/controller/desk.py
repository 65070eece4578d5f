"""What a controller knows, kept for whoever looks: the page, the probes, the metrics."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from reconcile.controller.outcome import Outcome
from reconcile.model.diagnostic import Diagnostic
from reconcile.model.plan import Plan
from reconcile.model.progress import Budget, Event, FailedCall, Finished, Left, Skipped
from reconcile.planning.ahead import timeline
from reconcile.planning.item import overdue
from reconcile.render.apply import Board, left_job_text
from reconcile.render.situation import Cycle, Recent, RecentWord, Situation
from reconcile.render.words import duration_text

AHEAD = timedelta(days=3)
_RECENT = 40


class Desk:
    """Holds the situation; `changed` is called after every change, from the controller's loop."""

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self._cycles: Counter[str] = Counter()
        self._recent: deque[Recent] = deque(maxlen=_RECENT)
        self._ended: Outcome | None = None
        self.changed: Callable[[], None] = lambda: None

    @property
    def situation(self) -> Situation:
        """The situation without the timeline, which is only laid out for those who look at it."""
        return self._situation

    def with_timeline(self) -> Situation:
        """Return the situation with the next days."""
        known, ended = self._situation, self._ended
        if known.timeline is None and ended and ended.desired and ended.recorded and ended.plan:
            ahead = timeline(ended.desired, ended.recorded, ended.plan, AHEAD)
            self._situation = replace(known, timeline=ahead)
        return self._situation

    def begun(self, planned: Plan) -> None:
        """Learn that a plan is being carried out."""
        self._put(replace(self._situation, plan=planned, board=Board.of(planned.actions)))

    def happened(self, event: Event) -> None:
        """Learn of progress."""
        known = self._situation
        recent = _recent(event)
        if recent is not None:
            self._recent.appendleft(recent)
        board = known.board.after(event) if known.board else None
        budget = event if isinstance(event, Budget) else known.budget
        self._put(replace(known, board=board, budget=budget, recent=tuple(self._recent)))

    def ended(self, outcome: Outcome) -> None:
        """Learn what a cycle came to."""
        self._cycles[outcome.verdict.value] += 1
        summary = outcome.summary
        cycle = Cycle(
            at=outcome.ended_at,
            verdict=outcome.verdict.value,
            well=outcome.well,
            took_s=(outcome.ended_at - outcome.began_at).total_seconds(),
            calls=summary.calls if summary else 0,
            polls=summary.polls if summary else 0,
        )
        known = replace(
            self._situation,
            board=None,
            cycle=cycle,
            cycles=MappingProxyType(dict(self._cycles)),
            problems=outcome.problems,
        )
        if outcome.desired and outcome.recorded and outcome.plan:
            self._ended = outcome
            late = overdue(outcome.desired, outcome.recorded, outcome.plan)
            known = replace(
                known, plan=outcome.plan, recorded=outcome.recorded, late=late, timeline=None
            )
        self._put(known)

    def sleeps(self, wake_at: datetime | None) -> None:
        """Learn when the next cycle is to be made."""
        self._put(replace(self._situation, wake_at=wake_at))

    def refused(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        """Learn why the newest version of the files is not used, or (nothing) that it is."""
        self._put(replace(self._situation, refused=diagnostics))

    def _put(self, situation: Situation) -> None:
        self._situation = situation
        self.changed()


def _recent(event: Event) -> Recent | None:
    match event:
        case Finished(at=at, addresses=addresses, took_s=took_s):
            told = f"took {duration_text(took_s)}"
            return Recent(at=at, addresses=addresses, word="done", detail=told)
        case FailedCall(at=at, addresses=addresses, message=message):
            word: RecentWord = "unknown" if event.may_have_happened else "failed"
            return Recent(at=at, addresses=addresses, word=word, detail=message)
        case Left(at=at, addresses=addresses, job=job):
            return Recent(at=at, addresses=addresses, word="running", detail=left_job_text(job))
        case Skipped(at=at, addresses=addresses, why=why):
            return Recent(at=at, addresses=addresses, word="skipped", detail=why)
        case _:
            return None
