"""One part of a sentence for each reason, with the arithmetic in it."""

from datetime import datetime
from typing import assert_never

from reconcile.model.address import Address
from reconcile.model.noun import noun
from reconcile.model.plan import freeing
from reconcile.model.reason import (
    BackingOff,
    BlockedBy,
    CarrierLeft,
    ContentChanged,
    CoveredSince,
    DeadlineMissed,
    FollowsRefresh,
    Forced,
    FrozenBy,
    HeldAfterFailures,
    HeldInDoubt,
    IntervalElapsed,
    JobRunningSince,
    MarkedDue,
    NeverRun,
    NothingYet,
    OutcomeUnknown,
    PausedUntil,
    PulledForward,
    Reason,
    RefreshCompleted,
    RefreshUnseen,
    ScheduleDue,
    ScheduleInPlace,
    SlotPassed,
    StampWouldGoBack,
    WaitsForFiles,
    WaitsForNextSlot,
    WaitsUntil,
)
from reconcile.render.escape import shell_word
from reconcile.render.instants import Vantage, interval_text
from reconcile.render.names import address_text, counted, paths_text, words_text
from reconcile.render.schedules.words import schedule_reason

_Cadence = NeverRun | IntervalElapsed | SlotPassed | ContentChanged | PulledForward
_Event = RefreshCompleted | FollowsRefresh | Forced | MarkedDue | CarrierLeft
_Attempt = OutcomeUnknown | JobRunningSince | RefreshUnseen
_Wait = (
    CoveredSince
    | NothingYet
    | StampWouldGoBack
    | WaitsUntil
    | WaitsForNextSlot
    | WaitsForFiles
    | DeadlineMissed
)
_Stop = FrozenBy | PausedUntil | BackingOff | HeldAfterFailures | HeldInDoubt | BlockedBy


@noun(frozen=True, slots=True)
class Account:
    """Tells why one item stands as it does, from where its reader stands."""

    address: Address
    vantage: Vantage

    def tell(self, reason: Reason) -> str:
        """Return the reason as part of a sentence, safe for a terminal, without a line break."""
        return "; ".join(self.parts(reason))

    def parts(self, reason: Reason) -> tuple[str, ...]:
        """Return the reason and, where there is one, the command that ends it, apart."""
        fact = self._fact(reason)
        return (fact, self.release()) if self._waits_for_more(reason) else (fact,)

    def release(self) -> str:
        """Return the command that frees the item from what earlier calls left behind."""
        word = shell_word(self.address) or "ADDRESS"
        return f"release with: {' '.join(freeing(Address(word)))}"

    def _waits_for_more(self, reason: Reason) -> bool:
        """Tell whether a person may want to free the item sooner than it goes by itself."""
        match reason:
            case HeldAfterFailures() | HeldInDoubt() | RefreshUnseen(retry_at=None):
                return True
            case RefreshUnseen(retry_at=retry_at) | OutcomeUnknown(retry_at=retry_at):
                return retry_at is not None and retry_at > self.vantage.now
            case _:
                return False

    def _fact(self, reason: Reason) -> str:
        if isinstance(reason, ScheduleDue | ScheduleInPlace):
            return schedule_reason(reason, self.vantage)
        match reason:
            case NeverRun() | IntervalElapsed() | SlotPassed() | ContentChanged() | PulledForward():
                return self._cadence(reason)
            case RefreshCompleted() | FollowsRefresh() | Forced() | MarkedDue() | CarrierLeft():
                return self._event(reason)
            case OutcomeUnknown() | JobRunningSince() | RefreshUnseen():
                return self._attempt(reason)
            case (
                CoveredSince()
                | NothingYet()
                | StampWouldGoBack()
                | WaitsUntil()
                | WaitsForNextSlot()
                | WaitsForFiles()
                | DeadlineMissed()
            ):
                return self._wait(reason)
            case _:
                return self._stop(reason)

    def _cadence(self, reason: _Cadence) -> str:
        view = self.vantage
        match reason:
            case NeverRun(interval):
                return f"every {interval_text(interval)}, never run"
            case IntervalElapsed(interval, last_success, slot, missed):
                last, due = view.local(last_success), view.with_distance(slot)
                return f"every {interval_text(interval)}, last {last}, due {due}{_missed(missed)}"
            case SlotPassed(slot, missed):
                return f"slot {view.both(slot)}{_missed(missed)}"
            case ContentChanged(paths):
                return f"content changed: {paths_text(paths)}"
            case PulledForward(slot, within):
                due = view.with_distance(slot)
                return f"due {due}, may come up to {interval_text(within)} early"
            case _:
                assert_never(reason)

    def _event(self, reason: _Event) -> str:
        view = self.vantage
        match reason:
            case RefreshCompleted(refresh, at):
                return f"{address_text(refresh)} completed {view.both(at)}"
            case FollowsRefresh(refresh):
                return f"when {address_text(refresh)} completes"
            case Forced():
                return "forced, whatever is recorded"
            case MarkedDue(at):
                return f"marked due {view.both(at)}"
            case CarrierLeft(model_id, at):
                ran = f" {view.local(at)}" if at else ""
                return (
                    f"the refresh{ran} was made through model {words_text(model_id)}, which shares "
                    "no connection with it any more"
                )
            case _:
                assert_never(reason)

    def _attempt(self, reason: _Attempt) -> str:
        view = self.vantage
        match reason:
            case OutcomeUnknown(since, retry_at, doubts, message):
                again = "sent again" if retry_at is None else f"sent again {_later(view, retry_at)}"
                seen = f" ({counted(doubts, 'time')}, {words_text(message)})" if message else ""
                return f"outcome unknown since {view.both(since)}{seen}, {again}"
            case JobRunningSince(since, until, looked_at, answer):
                seen = ""
                if looked_at is not None and answer is not None:
                    seen = f", last looked at {view.local(looked_at)}: {words_text(answer)}"
                end = "" if until is None else f", awaited until {view.both(until)}"
                running = f"job running since {view.with_distance(since)}"
                return f"{running}, not started again{seen}{end}"
            case RefreshUnseen(since, answer, retry_at, forbidden):
                lost = "its job may not be read" if forbidden else "its end was not seen"
                again = (
                    "not made again before something changes"
                    if retry_at is None
                    else f"made again {_later(view, retry_at)}"
                )
                return f"accepted {view.both(since)}, {lost} ({words_text(answer)}), {again}"
            case _:
                assert_never(reason)

    def _wait(self, reason: _Wait) -> str:
        view = self.vantage
        match reason:
            case CoveredSince(at):
                text = f"covered by {view.both(at)}" if at else "covered"
            case NothingYet():
                text = "no slot has come up yet"
            case StampWouldGoBack(slot, stamp):
                text = (
                    f"slot {view.both(slot)} lies before the stamp {view.both(stamp)}; "
                    "only a forced reset moves a stamp back"
                )
            case WaitsUntil(slot):
                text = f"waits until {view.both(slot)}, {view.distance(slot)}"
            case WaitsForNextSlot(passed):
                slot_text = f"slot {view.both(passed)} passed" if passed else "newly declared"
                text = f'on_change = "next": {slot_text}, waits for the next one'
            case WaitsForFiles(paths):
                text = f"waits for {paths_text(paths)} to exist"
            case DeadlineMissed(slot, deadline):
                limit = interval_text(deadline)
                text = f"slot {view.with_distance(slot)} is past its deadline of {limit}, not run"
            case _:
                assert_never(reason)
        return text

    def _stop(self, reason: _Stop) -> str:
        view = self.vantage
        match reason:
            case FrozenBy(name, until):
                end = f" until {view.both(until)}" if until else ", no end in sight"
                text = f"frozen by {words_text(name)}{end}"
            case PausedUntil(until, why):
                end = f"until {view.both(until)}" if until else "until the pause leaves the file"
                text = f"{end}: {words_text(why)}" if why else end
            case BackingOff(failures, last, retry_at, message):
                again = view.with_distance(retry_at)
                text = (
                    f"{counted(failures, 'failure')}, last {view.local(last)}: "
                    f"{words_text(message)}; tries again {again}"
                )
            case HeldAfterFailures(failures, last, message):
                text = (
                    f"{counted(failures, 'failure')}, last {view.local(last)}: "
                    f"{words_text(message)}"
                )
            case HeldInDoubt(since):
                text = f"outcome unknown since {view.both(since)}, held as asked"
            case BlockedBy(refresh, why):
                text = f"needs {address_text(refresh)} first"
                if why is not None:
                    text += f" ({Account(refresh, view).tell(why)})"
            case _:
                assert_never(reason)
        return text


def _later(view: Vantage, at: datetime) -> str:
    return "now" if at <= view.now else view.with_distance(at)


def _missed(slots: int) -> str:
    return f", {counted(slots, 'slot')} missed" if slots else ""
