"""A plan as a person reads it, in a terminal or a log."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import assert_never, get_args

from msgspec import Struct

from reconcile.model.address import Address
from reconcile.model.desired import Mode, ScheduleSpec
from reconcile.model.plan import (
    Action,
    AdoptSchedule,
    Await,
    CreateSchedule,
    DeleteSchedule,
    Excess,
    Forget,
    Plan,
    Refresh,
    Rename,
    ResetCache,
    ScheduleAction,
    ScheduleWrite,
    Standing,
    Status,
    TroubleKind,
    UpdateSchedule,
    figure,
    freeing,
    troubles,
)
from reconcile.model.reason import (
    BackingOff,
    BlockedBy,
    CoveredSince,
    DeadlineMissed,
    FollowsRefresh,
    FrozenBy,
    HeldAfterFailures,
    HeldInDoubt,
    IntervalElapsed,
    JobRunningSince,
    OutcomeUnknown,
    PausedUntil,
    Reason,
    RefreshCompleted,
    RefreshUnseen,
    SlotPassed,
    WaitsUntil,
)
from reconcile.model.recorded import Coverage
from reconcile.render.escape import escape_terminal, shell_word
from reconcile.render.layout import (
    DOT,
    LEAST_WIDTH,
    MOST_LISTED,
    Cell,
    Ink,
    Row,
    both_ends,
    listing,
    paint,
    wrap,
)
from reconcile.render.reasons import Reader, changes_text, schedule_reason, spec_text
from reconcile.render.words import (
    address_text,
    addresses_text,
    counted,
    duration_text,
    request_text,
)

# The lines of a plan for what an apply would do.

_NO_TAG = Cell("")
_RIDES_ALONG = "rides along: "


def action_rows(action: Action, reader: Reader, *, verbose: bool) -> Iterator[Row]:
    """Yield one row for the action and one for each address that rides along with it."""
    match action:
        case Refresh():
            hard = action.mode is Mode.HARD
            verb = Cell("refresh", Ink.REFRESH)
            tag = Cell(action.mode.value, Ink.HARD if hard else Ink.PLAIN)
            details = (*_asked(action), *_details(action, verbose=verbose))
            yield from _covering(action, verb, tag, details, reader)
        case ResetCache():
            (reason,) = action.reasons
            why = _reset_why(action, reason, reader)
            name = address_text(action.covers[0].address)
            details = _details(action, verbose=verbose)
            yield Row(Cell("reset", Ink.RESET), name, _NO_TAG, (why, *details))
        case Await():
            details = (f"job {escape_terminal(action.job_id, 64)}",) if verbose else ()
            yield from _covering(action, Cell("await", Ink.DIM), _NO_TAG, details, reader)
        case Forget(address=address):
            why = "no longer declared; its record is dropped, nothing is sent"
            yield Row(Cell("forget", Ink.DIM), address_text(address), _NO_TAG, (why,))
        case Rename(moves=moves):
            for old, new in moves:
                why = f"renamed from {address_text(old)}; its record moves, nothing is sent"
                yield Row(Cell("rename", Ink.DIM), address_text(new), _NO_TAG, (why,))
        case CreateSchedule() | UpdateSchedule() | DeleteSchedule() | AdoptSchedule():
            yield schedule_row(action, reader, verbose=verbose)
        case _:
            assert_never(action)


def action_addresses(action: Action) -> tuple[Address, ...]:
    """Return every address the action covers."""
    if isinstance(action, Forget | ScheduleAction):
        return (action.address,)
    if isinstance(action, Rename):
        return tuple(new for _, new in action.moves)
    return tuple(coverage.address for coverage in action.covers)


def _covering(
    action: Refresh | Await, verb: Cell, tag: Cell, details: tuple[str, ...], reader: Reader
) -> Iterator[Row]:
    for index, (coverage, reason) in enumerate(zip(action.covers, action.reasons, strict=True)):
        why = reader.account(coverage.address).tell(reason)
        name = address_text(coverage.address)
        if index == 0:
            yield Row(verb, name, tag, (why, *details))
        else:
            yield Row(Cell("      +", Ink.DIM), name, _NO_TAG, (_RIDES_ALONG + why,))


def _asked(action: Refresh) -> Iterator[str]:
    """Say what a call asks for that not all of its members would, and to what it is narrowed."""
    hard = [m.coverage.address for m in action.members if m.mode is Mode.HARD]
    if 0 < len(hard) < len(action.members):
        yield f"hard because of {addresses_text(hard)}"
    narrowed = [pair for pair in action.request.query if pair[0] in {"schemas", "tables"}]
    for key, names in narrowed:
        yield f"only {key} {escape_terminal(names.replace(',', ', '), 240)}"
    narrow = [m for m in action.members if m.schemas or m.tables]
    if narrow and not narrowed and action.mode is Mode.SOFT:
        whole = [m.coverage.address for m in action.members if not (m.schemas or m.tables)]
        because = addresses_text(whole) if whole else "tables without a schema"
        yield f"of everything because of {because}"


def _reset_why(action: ResetCache, reason: Reason, reader: Reader) -> str:
    (coverage,) = action.covers
    why = reader.account(coverage.address).tell(reason)
    if coverage.stamp is not None and not _names_stamp(reason, coverage):
        why += f", resets to {reader.vantage(coverage.address).both(coverage.stamp)}"
    waits = action.waits_for
    if waits is not None and not isinstance(reason, FollowsRefresh):
        why += f", waits for {address_text(waits)}"
    return why


def _names_stamp(reason: Reason, coverage: Coverage) -> bool:
    match reason:
        case (
            SlotPassed(slot=instant) | IntervalElapsed(slot=instant) | RefreshCompleted(at=instant)
        ):
            return instant == coverage.stamp
        case _:
            return False


def _details(action: Refresh | ResetCache, *, verbose: bool) -> tuple[str, ...]:
    if not verbose:
        return ()
    fields = (f"{key}={value}" for key, value in (action.request.body or {}).items())
    body = escape_terminal(" ".join(fields), 240)
    request = f"{request_text(action.request)} {body}".rstrip()
    if isinstance(action, ResetCache):
        return (request,)
    limit = f"given up after {duration_text(action.timeout_s)}"
    if action.expected_s is None:
        return (request, limit)
    return (request, f"about {duration_text(action.expected_s)}, {limit}")


# The lines of a plan for what stands still, and what comes next.

STATUS_WORDS = {
    Status.COVERED: "covered",
    Status.DUE: "due",
    Status.DEFERRED: "deferred",
    Status.PAUSED: "paused",
    Status.HELD: "held",
    Status.BACKING_OFF: "backing off",
    Status.BLOCKED: "blocked",
}

_AWAITED = "awaited"

STATUS_INKS = {
    Status.COVERED: Ink.PLAIN,
    Status.DUE: Ink.REFRESH,
    Status.DEFERRED: Ink.DIM,
    Status.PAUSED: Ink.DIM,
    Status.HELD: Ink.BAD,
    Status.BACKING_OFF: Ink.BAD,
    Status.BLOCKED: Ink.RESET,
}

STANDING_STILL = (
    Status.HELD,
    Status.BACKING_OFF,
    Status.BLOCKED,
    Status.PAUSED,
    Status.DEFERRED,
)
"""What is listed apart from what is due; what needs a person comes first."""


_NAMES_ITS_MOMENT = (
    FrozenBy,
    PausedUntil,
    BackingOff,
    WaitsUntil,
    RefreshUnseen,
    OutcomeUnknown,
)


def status_word(standing: Standing) -> str:
    """Return what a standing is called: an item whose job runs is awaited, and sends nothing."""
    if standing.status is Status.DUE and isinstance(standing.reason, JobRunningSince):
        return _AWAITED
    return STATUS_WORDS[standing.status]


def standing_row(standing: Standing, reader: Reader) -> Row:
    """Return the row of a standing."""
    verb = Cell(status_word(standing), STATUS_INKS[standing.status])
    return Row(verb, address_text(standing.address), Cell(""), _why(standing, reader))


def next_moment(standing: Standing) -> datetime | None:
    """Return when the standing next matters: the end of what stops it, else its next slot.

    Not `until` alone: a slot that comes up during a pause changes the plan, but nothing happens.
    """
    match standing.reason:
        case CoveredSince():  # Nearly all there are, and so asked first.
            return standing.next_slot
        case FrozenBy(until=end) | PausedUntil(until=end):
            return end
        case BackingOff(retry_at=instant) | WaitsUntil(slot=instant):
            return instant
        case RefreshUnseen(retry_at=moment) | OutcomeUnknown(retry_at=moment) if moment is not None:
            return moment
        case HeldAfterFailures() | HeldInDoubt():
            return None
        case BlockedBy():
            return standing.until
        case _:
            return standing.next_slot


def first_moment(standings: Iterable[Standing]) -> tuple[datetime, Standing] | None:
    """Return the first instant at which any of the standings matters, and whose it is."""
    found: tuple[datetime, Standing] | None = None
    for standing in standings:
        moment = next_moment(standing)
        if moment is None or (found and moment > found[0]):
            continue
        if not found or moment < found[0] or standing.address < found[1].address:
            found = moment, standing
    return found


def _why(standing: Standing, reader: Reader) -> tuple[str, ...]:
    parts = reader.account(standing.address).parts(standing.reason)
    moment = next_moment(standing)
    if moment is None or isinstance(standing.reason, _NAMES_ITS_MOMENT):
        return parts
    return (
        f"{parts[0]}; next {reader.vantage(standing.address).with_distance(moment)}",
        *parts[1:],
    )


# What a plan does about a native schedule: a line for people, keys for programs.

_ID_LIMIT = 64


def schedule_row(action: ScheduleAction, reader: Reader, *, verbose: bool) -> Row:
    """Return the line of a plan for one action, with what is there before and after."""
    verb, what = _told(action)
    why = f"{what}; {schedule_reason(action.reason, reader.vantage(action.address))}"
    details = (request_line(action),) if verbose else ()
    return Row(verb, address_text(action.address), Cell(""), (why, *details))


def request_line(action: ScheduleAction) -> str:
    """Return the exact request with its body; of one that sends nothing, what it is about."""
    if isinstance(action, AdoptSchedule):
        return f"schedule {escape_terminal(action.schedule_id, _ID_LIMIT)}, nothing is sent"
    if action.request is None:
        return "asks which schedule it is, then DELETE"
    body = action.request.body
    told = "" if body is None else json.dumps(dict(body), ensure_ascii=False)
    return f"{request_text(action.request)} {escape_terminal(told, 240)}".rstrip()


def schedule_keys(action: ScheduleAction) -> dict[str, object]:
    """Return what the JSON of an action has besides what all actions have."""
    before, after, schedule_id = _sides(action)
    return {
        "connection_id": action.connection_id,
        "schedule_id": schedule_id,
        "before": before and spec_json(before),
        "after": after and spec_json(after),
    }


def spec_json(spec: ScheduleSpec) -> dict[str, object]:
    """Return what a schedule says, under the keys of the file."""
    return {"cron": spec.cron, "timezone": spec.zone, "hard": spec.hard}


def _told(action: ScheduleAction) -> tuple[Cell, str]:
    match action:
        case CreateSchedule():
            return Cell("create", Ink.REFRESH), spec_text(action.spec)
        case UpdateSchedule():
            return Cell("update", Ink.RESET), changes_text(action.before, action.spec)
        case DeleteSchedule():
            return Cell("delete", Ink.BAD), spec_text(action.spec)
        case AdoptSchedule():
            return Cell("adopt", Ink.DIM), spec_text(action.spec)
        case _:
            assert_never(action)


def _sides(
    action: ScheduleAction,
) -> tuple[ScheduleSpec | None, ScheduleSpec | None, str | None]:
    match action:
        case CreateSchedule():
            return None, action.spec, None
        case UpdateSchedule():
            return action.before, action.spec, action.schedule_id
        case DeleteSchedule():
            return action.spec, None, action.schedule_id
        case AdoptSchedule():
            return action.spec, action.spec, action.schedule_id
        case _:
            assert_never(action)


# What of a plan needs a person: limits that block it, items that do not go on by themselves.

_TOLD: Mapping[TroubleKind, str] = {
    TroubleKind.HELD: "Held",
    TroubleKind.UNSEEN: "Accepted, and the end was never seen",
    TroubleKind.UNKNOWN: "Outcome unknown",
}
_GOES_BY_ITSELF = "Sent again by the next apply."
_SHOWN = 3


class Alert(Struct, frozen=True):
    """Items in one kind of trouble. `command` frees the first of them; None: they go by themselves.

    All that is told is safe for a terminal.
    """

    told: str
    addresses: tuple[Address, ...]
    command: str | None

    def names(self) -> Sequence[str]:
        """Return the first of the addresses as they are shown."""
        return [address_text(address) for address in self.addresses[:_SHOWN]]

    def more(self) -> str:
        """Return ` and 4 more`, or nothing."""
        left = len(self.addresses) - _SHOWN
        return f" and {left:,} more" if left > 0 else ""

    def outlook(self) -> str:
        """Return what becomes of them, without the command that stands behind it."""
        if self.command is None:
            return _GOES_BY_ITSELF
        return "To free it: " if len(self.addresses) == 1 else "To free them: "

    def sentence(self) -> str:
        """Return the alert as one line."""
        names = f"{', '.join(self.names())}{self.more()}"
        return f"{self.told}: {names}. {self.outlook()}{self.command or ''}"


def alerts(standings: Iterable[Standing]) -> tuple[Alert, ...]:
    """Gather the items in trouble by its kind. Items that are not selected are left out."""
    found: dict[tuple[TroubleKind, bool], list[Address]] = {}
    for trouble in troubles(standings):
        found.setdefault((trouble.kind, trouble.command is None), []).append(trouble.address)
    return tuple(
        Alert(_TOLD[kind], tuple(members), None if by_themselves else _release(members))
        for kind in TroubleKind
        for by_themselves in (False, True)
        if (members := found.get((kind, by_themselves)))
    )


def _release(addresses: Sequence[Address]) -> str:
    """Return the command that frees one item, or the first few at once."""
    words = [Address(shell_word(address) or "ADDRESS") for address in addresses[:_SHOWN]]
    if len(words) == 1:
        return " ".join(freeing(words[0]))
    return " ".join(["reconcile apply", *(f"--force {word}" for word in words)])


def waivers(over: Iterable[Excess]) -> str:
    """Return the options that let one apply pass these limits."""
    return " ".join(excess.waiver for excess in over)


def blocked_text(over: Sequence[Excess]) -> str:
    """Return `Blocked: 5 calls, and the limit is 1. To pass it once: --allow calls=5`."""
    told = "; ".join(map(_excess_text, over))
    it = "it" if len(over) == 1 else "them"
    return f"Blocked: {told}. To pass {it} once: reconcile apply {waivers(over)}"


def blocked_json(over: Iterable[Excess]) -> list[dict[str, object]]:
    """Return the limits as JSON, each with what an apply would need to pass it."""
    return [
        {"limit": e.limit, "allowed": e.allowed, "planned": e.planned, "waiver": e.waiver}
        for e in over
    ]


def alerts_json(found: Iterable[Alert]) -> list[dict[str, object]]:
    """Return the alerts as JSON, all addresses with them."""
    return [
        {"what": one.told, "addresses": list(one.addresses), "command": one.command}
        for one in found
    ]


def _excess_text(excess: Excess) -> str:
    planned, limit = figure(excess.planned), f", and the limit is {figure(excess.allowed)}"
    match excess.limit:
        case "calls":
            return counted(int(excess.planned), "call") + limit
        case "hard_refreshes":
            return counted(int(excess.planned), "hard refresh") + limit
        case "share":
            return f"{planned} of all items are due at once{limit}"
        case "forget_all":
            return f"all {counted(int(excess.planned), 'record')} would be forgotten"
        case _ as unreachable:
            assert_never(unreachable)


# What a plan has to say, before it is laid out for a terminal, a comment or a page.


class Outline(Struct, frozen=True):
    """The parts of a plan in words.

    `numbers`: how many actions of each kind. `selected`: the standings that `--select` left in.
    """

    plan: Plan
    reader: Reader
    numbers: Mapping[type[Action], int]
    selected: Mapping[Status, Sequence[Standing]]

    @staticmethod
    def of(plan: Plan, *, dated: bool = False) -> "Outline":
        """Return the outline of a plan. `dated`: it may be read on another day."""
        numbers = Counter(map(type, plan.actions))
        selected: dict[Status, list[Standing]] = {status: [] for status in Status}
        for standing in plan.standings:
            if standing.selected:
                selected[standing.status].append(standing)
        return Outline(plan, Reader.of(plan, dated=dated), numbers, selected)

    def number(self, *kinds: type[Action]) -> int:
        """Count the actions of these kinds."""
        return sum(self.numbers.get(kind, 0) for kind in kinds)

    def calls(self) -> int:
        """Count the calls an apply would make."""
        return self.number(Refresh, ResetCache, *get_args(ScheduleWrite))

    def due(self) -> str:
        """Return `3 calls are due`."""
        calls = self.calls()
        if not calls:
            return "No calls are due"
        return f"{counted(calls, 'call')} {'is' if calls == 1 else 'are'} due"

    def blocked(self) -> str | None:
        """Return which limits an apply of the plan would not pass; None if it passes all."""
        return blocked_text(self.plan.blocked_by) if self.plan.blocked_by else None

    def alerts(self) -> tuple[Alert, ...]:
        """Return what is held or in doubt, and what frees it."""
        return alerts(self.plan.standings)

    def as_of(self, *, elsewhere: bool = False) -> str:
        """Return the instant of the plan on both clocks; `elsewhere`: in full."""
        view = self.reader.vantage()
        full = elsewhere or view.dated
        return f"as of {view.in_full(self.plan.now) if full else view.both(self.plan.now)}"

    def counts(self) -> Iterator[str]:
        """Yield how many of everything else there are."""
        if awaited := self.number(Await):
            yield f"{counted(awaited, 'job')} to await"
        if adopted := self.number(AdoptSchedule):
            yield f"{counted(adopted, 'schedule')} to adopt"
        if renamed := sum(len(a.moves) for a in self.plan.actions if isinstance(a, Rename)):
            yield f"{counted(renamed, 'record')} renamed"
        if forgotten := self.number(Forget):
            yield f"{counted(forgotten, 'record')} to forget"
        if covered := len(self.selected[Status.COVERED]):
            yield f"{counted(covered, 'item')} covered"
        for status in STANDING_STILL:
            if still := len(self.selected[status]):
                yield f"{still:,} {STATUS_WORDS[status]}"
        if left_out := len(self.plan.standings) - sum(map(len, self.selected.values())):
            yield f"{left_out:,} not selected"

    def upcoming(self) -> tuple[str, str] | None:
        """Return the address that matters next, and when; None if nothing will by itself."""
        found = first_moment(chain.from_iterable(self.selected.values()))
        if found is None:
            return None
        moment, standing = found
        when = self.reader.vantage(standing.address).with_distance(moment)
        return address_text(standing.address), when

    def noted(self) -> str | None:
        """Return how many declarations an apply will remember; None if it will remember none."""
        if not self.plan.noted:
            return None
        noted = counted(len(self.plan.noted), "new or edited declaration")
        return f"{noted} to be noted, without a call"

    def load(self) -> str | None:
        """Return what the plan costs against the request budget; None if nothing is sent."""
        if not self.calls() and not self.number(Await):
            return None
        load, late = self.plan.load, ""
        if load.overtaken:
            late = f", {counted(len(load.overtaken), 'item')} only after the next slot"
        return (
            f"{counted(load.calls, 'call')} + about {counted(load.polls, 'poll')}, "
            f"{duration_text(load.duration_s)}, peak {load.peak_per_minute} of "
            f"{load.requests_per_minute} requests a minute{late}"
        )

    def still_rows(self) -> Iterator[Row]:
        """Yield what is neither due nor covered, without what `missed_rows` tells."""
        told = {address for address, _ in self.plan.missed}
        for status in STANDING_STILL:
            for standing in self.selected[status]:
                if not (standing.address in told and isinstance(standing.reason, DeadlineMissed)):
                    yield standing_row(standing, self.reader)

    def covered_rows(self) -> Iterator[Row]:
        """Yield what is covered."""
        for standing in self.selected[Status.COVERED]:
            yield standing_row(standing, self.reader)

    def missed_rows(self) -> Iterator[Row]:
        """Yield the slots an apply will record as past their deadline."""
        if not self.plan.missed:
            return
        reasons = {standing.address: standing.reason for standing in self.plan.standings}
        for address, slot in self.plan.missed:
            account = self.reader.account(address)
            match reasons.get(address):
                case DeadlineMissed(slot=told) as reason if told == slot:
                    why = account.tell(reason)
                case _:
                    why = f"slot {account.vantage.with_distance(slot)}"
            yield Row(Cell("missed", Ink.DIM), address_text(address), Cell(""), (why,))


_DIGEST_SHOWN = 12


def plan_text(
    plan: Plan, *, width: int, colour: bool, verbose: bool = False, elsewhere: bool = False
) -> str:
    """Return the whole plan as text that ends with a line break.

    `width` is in terminal cells. `verbose` adds the exact requests, what is covered, the whole
    digest, and whatever lists leave out beyond their first thousand addresses. `elsewhere`: it may
    be read on another day than the plan's.
    """
    page = _Page(
        plan=plan,
        outline=Outline.of(plan),
        width=max(width, LEAST_WIDTH),
        colour=colour,
        verbose=verbose,
        elsewhere=elsewhere,
    )
    return "\n".join(page.lines()) + "\n"


class _Page(Struct, frozen=True, kw_only=True):
    plan: Plan
    outline: Outline
    width: int
    colour: bool
    verbose: bool
    elsewhere: bool

    def lines(self) -> Iterator[str]:
        outline = self.outline
        if blocked := outline.blocked():
            for line in wrap(blocked, self.width):
                yield paint(line, Ink.BAD_LOUD, colour=self.colour)
        first, *rest = self._headline()
        yield paint(first, Ink.BOLD, colour=self.colour)
        yield from rest
        for alert in outline.alerts():
            for line in wrap(alert.sentence(), self.width):
                yield paint(line, Ink.BAD, colour=self.colour)
        rows = (
            row
            for action in self.plan.actions
            for row in action_rows(action, outline.reader, verbose=self.verbose)
        )
        yield from self._listed(rows, stacked=self.verbose)
        yield from self._section("Not now:", outline.still_rows())
        missed = outline.missed_rows()
        yield from self._section("Past the deadline, to be recorded as missed:", missed)
        if self.verbose:
            yield from self._section("Covered:", outline.covered_rows())
        for sentence in self._foot():
            yield from wrap(sentence, self.width)

    def _headline(self) -> list[str]:
        outline = self.outline
        as_of = outline.as_of(elsewhere=self.elsewhere)
        if self._anything():
            due = DOT.join([outline.due(), *outline.counts()])
            return both_ends(due, as_of, self.width)
        first = " ".join([f"{outline.due()}.", *self._next()])
        counts = DOT.join(outline.counts())
        return [*wrap(first, self.width), *both_ends(counts, as_of, self.width)]

    def _section(self, title: str, rows: Iterator[Row]) -> Iterator[str]:
        lines = list(self._listed(rows, stacked=False))
        if lines:
            yield from wrap(title, self.width)
            yield from lines

    def _listed(self, rows: Iterable[Row], *, stacked: bool) -> Iterator[str]:
        rows = iter(rows)
        shown = rows if self.verbose else islice(rows, MOST_LISTED)
        yield from listing(shown, self.width, colour=self.colour, stacked=stacked)
        if next(rows, None) is not None:
            said = f"  ... and more than these {MOST_LISTED:,}: --verbose lists all of them."
            yield from wrap(said, self.width)

    def _foot(self) -> Iterator[str]:
        plan, outline = self.plan, self.outline
        if noted := outline.noted():
            yield noted
        if load := outline.load():
            yield f"Load: {load}"
        if self._anything():
            yield from self._next()
        if plan.valid_until is not None:
            yield f"Valid until {outline.reader.vantage().both(plan.valid_until)}"
        short = plan.digest.rpartition(":")[2][:_DIGEST_SHOWN]
        digest = plan.digest if self.verbose else short
        yield f"Digest {escape_terminal(digest)}"

    def _next(self) -> Iterator[str]:
        if found := self.outline.upcoming():
            address, when = found
            yield f"Next: {address} at {when}"

    def _anything(self) -> bool:
        return bool(self.plan.actions)


# The command that applies exactly one plan.


def approving_command(digest: str, arguments: Sequence[str]) -> str | None:
    """Return the command; None if an argument has anything in it that a shell might read.

    Whoever copies it does not read every character of it.
    """
    words = ["reconcile", "apply", *arguments, "--approve", digest]
    bare = [word.lstrip("-") for word in words]
    return " ".join(words) if all(shell_word(word) == word for word in bare) else None
