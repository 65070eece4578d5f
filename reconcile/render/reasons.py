"""Why an item stands as it does: part of a sentence for each reason, and as bare facts."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Final, assert_never, get_args

from msgspec import Struct

from reconcile.model import reason as because
from reconcile.model.address import Address
from reconcile.model.desired import ScheduleSpec
from reconcile.model.forecast import Riding
from reconcile.model.observed import Shadowed
from reconcile.model.plan import Plan, Standing, freeing
from reconcile.model.reason import Reason, ScheduleReason
from reconcile.model.struct import rfc3339
from reconcile.render import words
from reconcile.render.layout import escape_terminal, shell_word

_Earlier = (
    because.OutcomeUnknown
    | because.JobRunningSince
    | because.RefreshUnseen
    | because.CarrierLeft
    | because.RefreshCompleted
)
"""What is known of a call that was made."""

_Stop = (
    because.FrozenBy
    | because.PausedUntil
    | because.BackingOff
    | because.HeldAfterFailures
    | because.HeldInDoubt
    | because.BlockedBy
)


class Account(Struct, frozen=True):
    """Tells why one item stands as it does, from where its reader stands.

    `complete`: gives a command what the one that its reader ran was given.
    """

    address: Address
    vantage: words.Vantage
    complete: Callable[[str], str] = str

    def tell(self, reason: Reason) -> str:
        """Return the reason as part of a sentence, safe for a terminal, without a line break."""
        return "; ".join(self.parts(reason))

    def parts(self, reason: Reason) -> tuple[str, ...]:
        """Return the reason and, where there is one, the command that ends it, apart."""
        fact = _told(reason, self.vantage)
        return (fact, self.release()) if self._waits_for_more(reason) else (fact,)

    def release(self) -> str:
        """Return the command that frees the item from what earlier calls left behind."""
        word = shell_word(self.address) or "ADDRESS"
        return self.complete(f"release with: {' '.join(freeing(Address(word)))}")

    def _waits_for_more(self, reason: Reason) -> bool:
        """Tell whether a person may want to free the item sooner than it goes by itself."""
        match reason:
            case (
                because.HeldAfterFailures()
                | because.HeldInDoubt()
                | because.RefreshUnseen(retry_at=None)
            ):
                return True
            case (
                because.RefreshUnseen(retry_at=retry_at) | because.OutcomeUnknown(retry_at=retry_at)
            ):
                return retry_at is not None and retry_at > self.vantage.now
            case _:
                return False


@lru_cache(maxsize=4096)
def _told(reason: Reason, view: words.Vantage) -> str:
    """Tell a reason. Most items of a plan share their slot, and are told of in the same words."""
    if isinstance(reason, because.ScheduleDue | because.ScheduleInPlace):
        return schedule_reason(reason, view)
    return _due(reason, view) if isinstance(reason, because.Due) else _still(reason, view)


def _due(reason: because.Due, view: words.Vantage) -> str:
    match reason:
        case because.NeverRun(interval):
            return f"every {words.interval_text(interval)}, never run"
        case because.IntervalElapsed(interval, last_success, slot, missed):
            last, due = view.local(last_success), view.with_distance(slot)
            step = words.interval_text(interval)
            return f"every {step}, last {last}, due {due}{_missed(missed)}"
        case because.SlotPassed(slot, missed):
            return f"slot {view.both(slot)}{_missed(missed)}"
        case because.ContentChanged(paths):
            return f"content changed: {words.paths_text(paths)}"
        case because.PulledForward(slot, within):
            due = view.with_distance(slot)
            return f"due {due}, may come up to {words.interval_text(within)} early"
        case because.SignalCame(names, at, by, note):
            came = words.signals_text(names, every=len(names) > 1)
            return f"{came} at {view.both(at)}{words.sent_text(by, note)}"
        case because.FollowsRefresh(refresh):
            return f"when {words.address_text(refresh)} completes"
        case because.Forced():
            return "forced, whatever is recorded"
        case because.MarkedDue(at):
            return f"marked due {view.both(at)}"
        case _:
            return _of_earlier_call(reason, view)


def _of_earlier_call(reason: _Earlier, view: words.Vantage) -> str:
    match reason:
        case because.RefreshCompleted(refresh, at):
            return f"{words.address_text(refresh)} completed {view.both(at)}"
        case because.CarrierLeft(model_id, at):
            ran = f" {view.local(at)}" if at else ""
            return (
                f"the refresh{ran} was made through model {words.words_text(model_id)}, "
                "which shares no call with it any more"
            )
        case because.OutcomeUnknown(since, retry_at, doubts, message):
            again = "sent again" if retry_at is None else f"sent again {_later(view, retry_at)}"
            seen = (
                f" ({words.counted(doubts, 'time')}, {words.words_text(message)})"
                if message
                else ""
            )
            return f"outcome unknown since {view.both(since)}{seen}, {again}"
        case because.JobRunningSince(since, until, looked_at, answer):
            seen = ""
            if looked_at is not None and answer is not None:
                seen = f", last looked at {view.local(looked_at)}: {words.words_text(answer)}"
            end = "" if until is None else f", awaited until {view.both(until)}"
            running = f"job running since {view.with_distance(since)}"
            return f"{running}, not started again{seen}{end}"
        case because.RefreshUnseen(since, answer, retry_at, forbidden):
            lost = "its job may not be read" if forbidden else "its end was not seen"
            again = (
                "not made again before something changes"
                if retry_at is None
                else f"made again {_later(view, retry_at)}"
            )
            return f"accepted {view.both(since)}, {lost} ({words.words_text(answer)}), {again}"
        case _:
            assert_never(reason)


def _still(reason: because.Still, view: words.Vantage) -> str:
    match reason:
        case because.CoveredSince(at):
            text = f"covered by {view.both(at)}" if at else "covered"
        case because.NothingYet():
            text = "its refresh has not completed yet; it has never run"
        case because.StampWouldGoBack(slot, stamp):
            text = (
                f"slot {view.both(slot)} lies before the stamp {view.both(stamp)}; "
                "only a forced reset moves a stamp back"
            )
        case because.WaitsUntil(slot):
            text = f"waits until {view.both(slot)}, {view.distance(slot)}"
        case because.WaitsForNextSlot():
            text = _let_pass(reason, view)
        case because.WaitsForFiles(paths):
            text = f"waits for {words.paths_text(paths)} to exist"
        case because.AwaitsSignals(names, came, every, last, usually):
            text = f"on {words.signals_text(names, every=every)}"
            if came:
                text += f" ({words.signals_text(came, every=True)} has come)"
            if last or not came:
                text += f", last {view.both(last)}" if last else ", never so far"
            text += f", usually every {words.interval_text(usually)}" if usually else ""
        case because.DeadlineMissed(slot, deadline):
            limit = words.interval_text(deadline)
            text = f"slot {view.with_distance(slot)} is past its deadline of {limit}, not run"
        case _:
            text = _stop(reason, view)
    return text


def _stop(reason: _Stop, view: words.Vantage) -> str:
    match reason:
        case because.FrozenBy(name, until):
            end = f" until {view.both(until)}" if until else ", no end in sight"
            text = f"frozen by {words.words_text(name)}{end}"
        case because.PausedUntil(until, why):
            end = f"until {view.both(until)}" if until else "until the pause is removed"
            text = f"{end}: {words.words_text(why)}" if why else end
        case because.BackingOff() | because.HeldAfterFailures():
            often, message = words.counted(reason.failures, "failure"), reason.message
            text = f"{often}, last {view.local(reason.last)}: {words.words_text(message)}"
            if isinstance(reason, because.BackingOff):
                text += f"; tries again {view.with_distance(reason.retry_at)}"
        case because.HeldInDoubt(since):
            text = f"outcome unknown since {view.both(since)}, held as asked"
        case because.BlockedBy(refresh, why):
            text = f"needs {words.address_text(refresh)} first"
            if why is not None:
                text += f" ({Account(refresh, view).tell(why)})"
        case _:
            assert_never(reason)
    return text


def _let_pass(reason: because.WaitsForNextSlot, view: words.Vantage) -> str:
    if reason.first is not None:
        return f'new; first run at {view.with_distance(reason.first)}; on_change = "next"'
    text = "new; first run at its next slot"
    if reason.passed is not None:
        text = f"slot {view.both(reason.passed)} passed, not run"
    return f'{text} (on_change = "next")'


def _later(view: words.Vantage, at: datetime) -> str:
    return "now" if at <= view.now else view.with_distance(at)


def _missed(slots: int) -> str:
    return f", {words.counted(slots, 'slot')} missed" if slots else ""


# Who reads: the zone each item's instants are told in, and the one the whole is told in.


def home_zone(standings: Iterable[Standing]) -> str:
    """Return the zone that most of the items have."""
    return most_common(standing.zone for standing in standings)


def most_common(zones: Iterable[str]) -> str:
    """Return the most common of the zones, the first by name among equals, UTC if there is none."""
    counts = Counter(zones)
    return min(counts, key=lambda zone: (-counts[zone], zone), default="UTC")


class Reader(Struct, frozen=True):
    """Tells instants in each item's own zone; in `home` where an address has none.

    `dated`: always with their dates, for whoever reads it on another day. `left_out`: the addresses
    that were not selected. `complete`: gives a command what the one that the reader ran was given.
    """

    zones: Mapping[Address, str]
    home: str
    now: datetime
    dated: bool = False
    left_out: frozenset[Address] = frozenset()
    complete: Callable[[str], str] = str

    @staticmethod
    def of(plan: Plan, *, dated: bool = False, complete: Callable[[str], str] = str) -> "Reader":
        """Return the reader of a plan."""
        home = home_zone(plan.standings)
        elsewhere = {s.address: s.zone for s in plan.standings if s.zone != home}
        left_out = frozenset(s.address for s in plan.standings if not s.selected)
        return Reader(elsewhere, home, plan.now, dated, left_out, complete)

    def vantage(self, address: Address | None = None) -> words.Vantage:
        """Return where the reader of that address stands; of the whole, if None."""
        zone = self.home if address is None else self.zones.get(address, self.home)
        return words.Vantage(zone, self.now, self.dated)

    def account(self, address: Address) -> Account:
        """Return who tells that item's reasons."""
        return Account(address, self.vantage(address), self.complete)


# What a native schedule says and why it stands as it does, as parts of a sentence.

_DAILY = re.compile(r"([0-9]{1,2}) ([0-9]{1,2}) \* \* \? \*")
_LIMIT = 160


def spec_text(spec: ScheduleSpec) -> str:
    """Return `0 2 * * ? * America/New_York, soft`."""
    return f"{_shown(spec.cron)} {_shown(spec.zone)}, {_mode(hard=spec.hard)}"


def shadow_text(found: Shadowed) -> str:
    """Say how a native schedule makes a refresh of ours idle, or comes close to it."""
    whole = f"Omni's own schedule ({spec_text(found.schedule.spec)}) refreshes the connection at"
    if found.ours is None or found.theirs is None:
        return f"{whole} least as often; this soft refresh adds nothing."
    return f"{whole} {rfc3339(found.theirs)}, and this refresh is due at {rfc3339(found.ours)}."


def runs_text(spec: ScheduleSpec, other: ScheduleSpec) -> str:
    """Say when a schedule runs and how, as far as it differs from the other: `at 02:00`.

    What is not plainly daily is told by its cron.
    """
    daily = _DAILY.fullmatch(spec.cron)
    when = f"at {int(daily[2]):02}:{int(daily[1]):02}" if daily else f"on {_shown(spec.cron)}"
    if spec.zone != other.zone:
        when = f"{when} {_shown(spec.zone)}"
    if spec.hard == other.hard:
        return when
    mode = _mode(hard=spec.hard)
    same_time = (spec.cron, spec.zone) == (other.cron, other.zone)
    return mode if same_time else f"{when}, {mode}"


def changes_text(before: ScheduleSpec, after: ScheduleSpec) -> str:
    """Return each value that differs as `cron 0 2 * * ? * -> 0 3 * * ? *`."""
    pairs = (
        ("cron", _shown(before.cron), _shown(after.cron)),
        ("timezone", _shown(before.zone), _shown(after.zone)),
        ("mode", _mode(hard=before.hard), _mode(hard=after.hard)),
    )
    told = [f"{name} {old} -> {new}" for name, old, new in pairs if old != new]
    return ", ".join(told) or f"sent again: {spec_text(after)}"


def schedule_reason(reason: ScheduleReason | because.ScheduleInPlace, view: words.Vantage) -> str:
    """Return why a schedule is acted on, or is not, safe for a terminal."""
    match reason:
        case because.Forced():
            return "forced, whatever is recorded"
        case because.ScheduleInPlace(schedule_id):
            return f"in place as {words.id_text(schedule_id)}"
        case because.ScheduleUndeclared():
            return "no longer declared"
        case because.ScheduleForeign():
            return 'nobody declares it, and the connection says manage = "all"'
        case because.ScheduleUnmade():
            return "not on record; adopted if Omni has it"
        case because.ScheduleVanished(schedule_id):
            return f"removed in Omni, where it was {words.id_text(schedule_id)}"
        case because.ScheduleFound(schedule_id):
            return f"Omni has it already, as {words.id_text(schedule_id)}"
        case because.ScheduleEdited(changed):
            return f"edited in the file: {', '.join(changed)}"
        case because.ScheduleDrifted(changed):
            return f"edited in Omni: {', '.join(changed)}"
        case because.ScheduleInDoubt(since):
            return f"outcome unknown since {view.both(since)}, harmless to repeat"
        case _:
            assert_never(reason)


def _mode(*, hard: bool) -> str:
    return "hard" if hard else "soft"


def _shown(text: str) -> str:
    return escape_terminal(text, _LIMIT)


# A reason as its bare facts, for programs that would rather not read sentences.

_Fact = datetime | timedelta | tuple[str, ...] | str | int | Reason | None

_WORD_START = re.compile(r"(?<!^)(?=[A-Z])")


@lru_cache(maxsize=4096)
def reason_json(reason: Reason) -> dict[str, object]:
    """Return the kind of the reason and each of its facts; durations in seconds (`_s`)."""
    facts: dict[str, object] = {"kind": _kind(type(reason))}
    for name in reason.__struct_fields__:
        value = getattr(reason, name)
        facts[f"{name}_s" if isinstance(value, timedelta) else name] = _fact(value)
    return facts


def reason_kinds() -> list[str]:
    """Return every kind `reason_json` can give, sorted."""
    return sorted(map(_kind, get_args(Reason)))


@cache
def _kind(reason: type[Struct]) -> str:
    return _WORD_START.sub("_", reason.__name__).lower()


def _fact(value: _Fact) -> object:
    match value:
        case datetime():
            return rfc3339(value)
        case timedelta():
            return value.total_seconds()
        case tuple():
            return list(value)
        case str() | int() | None:
            return value
        case _:  # because.BlockedBy.why: the reason of the item it waits for
            return reason_json(value)


# Why an item runs more often than its cadence says, in words.

_DAY: Final = timedelta(days=1)


def riding_text(riding: Riding, span: timedelta, vantage: words.Vantage) -> str:
    """Return with whom it rides along, and how often it runs for that.

    `span`: the time that was looked at. Runs are told by the day where that tells them apart.
    """
    runs, alone = (round(number * (_DAY / span)) for number in (riding.runs, riding.alone))
    often = f"{words.counted(runs, 'run')} a day instead of {alone:,}"
    if span < _DAY or runs == alone:
        many = words.counted(riding.runs, "run")
        often = f"{many} in {words.interval_text(span)} instead of {riding.alone:,}"
    along = f"{words.address_text(riding.along_with)} {words.cadence_text(riding.cadence, vantage)}"
    return f"rides along with {along}: {often}"
