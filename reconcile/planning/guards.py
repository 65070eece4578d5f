"""What guards an apply: the digest of an approval, limits, whose state it is, what was chosen."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import assert_never

from reconcile.errors import Diagnostic, ReconcileError, diagnose, fail
from reconcile.model.address import Address, fits
from reconcile.model.desired import Desired, Limits, Mode, ResetItem, ScheduleSpec
from reconcile.model.journal import Waived
from reconcile.model.plan import (
    EXCEPT,
    Action,
    AdoptSchedule,
    Await,
    Choice,
    CreateSchedule,
    DeleteSchedule,
    Excess,
    Forget,
    Plan,
    Refresh,
    Rename,
    Request,
    ResetCache,
    ScheduleAction,
    ScheduleWrite,
    UpdateSchedule,
)
from reconcile.model.reason import ScheduleForeign
from reconcile.model.recorded import Coverage, Recorded
from reconcile.model.struct import figure, rfc3339
from reconcile.planning.budget import addresses

# The digest of a plan: what an approval approves.

_ENCODE = json.JSONEncoder(sort_keys=True, check_circular=False).encode


def digest(actions: Iterable[Action], base_url: str | None) -> str:
    """Hash the meaning of the actions: no clock, no order, no wording.

    Two plans of the same files a minute apart agree unless a slot fell between them. A stamp that
    is only the plan's own `now` (the first run of an `every` reset) is left out for that reason.
    """
    lines = sorted(_ENCODE(_meaning(action)) for action in actions)
    text = "\n".join([base_url or "", *lines])
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def _meaning(action: Action) -> tuple[object, ...]:
    match action:
        case Refresh():
            return "refresh", _covers(action.covers), _request(action.request, keep_body=True)
        case ResetCache():
            request = _request(action.request, keep_body=action.covers[0].slot is not None)
            return "reset", _covers(action.covers), request, action.waits_for
        case Await():
            return "await", _covers(action.covers), action.job_id
        case Forget():
            return "forget", action.address
        case Rename():
            return "rename", sorted(action.moves)
        case _:
            return _schedule(action)


def _schedule(action: ScheduleAction) -> tuple[object, ...]:
    subject = action.kind, action.address, action.connection_id
    match action:
        case CreateSchedule():
            return *subject, _spec(action.spec)
        case UpdateSchedule():
            return *subject, action.schedule_id, _spec(action.before), _spec(action.spec)
        case DeleteSchedule() | AdoptSchedule():
            return *subject, action.schedule_id, _spec(action.spec)
        case _ as unreachable:
            assert_never(unreachable)


def _spec(spec: ScheduleSpec) -> tuple[object, ...]:
    return spec.cron, spec.zone, spec.hard


def _covers(covers: tuple[Coverage, ...]) -> list[tuple[str | None, ...]]:
    return [(c.address, None if c.slot is None else _instant(c.slot), c.content) for c in covers]


_instant = lru_cache(maxsize=4096)(datetime.isoformat)
"""Spells a slot, which many items share."""


def _request(request: Request, *, keep_body: bool) -> tuple[object, ...]:
    body = dict(request.body) if keep_body and request.body is not None else None
    return request.method, request.path, request.query, body


# Which of the declared limits a plan would pass.


def excesses(plan: Plan, limits: Limits, *, declared: int, recorded: int) -> Iterable[Excess]:
    """Compare what a plan would do with the limits.

    `declared`: items and native schedules; `recorded`: records of either kind.

    Forgetting every record at once is always over the limit: it is what a wrong file, a wrong
    directory or a wrong branch looks like.
    """
    calls = calls_of(plan)
    if limits.calls is not None and len(calls) > limits.calls:
        yield Excess("calls", limits.calls, len(calls))
    hard = sum(isinstance(action, Refresh) and action.mode is Mode.HARD for action in calls)
    if limits.hard_refreshes is not None and hard > limits.hard_refreshes:
        yield Excess("hard_refreshes", limits.hard_refreshes, hard)
    wanted = (action for action in calls if not isinstance(action, DeleteSchedule))
    due = sum(1 for _ in addresses(wanted))
    share = due / declared if declared else 0.0
    if limits.share is not None and share > limits.share:
        yield Excess("share", limits.share, round(share, 3))
    forgotten = sum(map(_drops_record, plan.actions))
    if forgotten and forgotten == recorded:
        yield Excess("forget_all", 0, forgotten)


def calls_of(plan: Plan) -> list[Refresh | ResetCache | ScheduleWrite]:
    """Return the actions that make a call. To look at a job, or to remember something, is none."""
    kinds = Refresh | ResetCache | ScheduleWrite
    return [action for action in plan.actions if isinstance(action, kinds)]


def _drops_record(action: Action) -> bool:
    """Tell whether the action is there because the files no longer speak of a record."""
    if isinstance(action, DeleteSchedule):
        return action.recorded_at is None and not isinstance(action.reason, ScheduleForeign)
    return isinstance(action, Forget)


# What an apply is never allowed to do, whoever asks for it: pass a limit, mix up instances.


_WORDS = {
    "calls": "calls",
    "hard_refreshes": "hard refreshes",
    "share": "of all declared items due at once",
    "forget_all": "records forgotten, which is all there are",
}


def unwaived(planned: Plan, waivers: Mapping[str, float]) -> tuple[Excess, ...]:
    """Return the limits that still block a plan. `waivers`: up to what each may be passed."""
    over = planned.blocked_by
    return tuple(excess for excess in over if waivers.get(excess.limit, -1.0) < excess.planned)


def require_within_limits(
    planned: Plan, waivers: Mapping[str, float], command: str = "reconcile apply"
) -> tuple[Waived, ...]:
    """Return the waivers that were used, by name of limit. `command`: the one that is refused.

    Raises ReconcileError, exit code 3, where one is missing or too small.
    """
    over = planned.blocked_by
    blocked = [
        diagnose(
            f"over-limit-{excess.limit.replace('_', '-')}",
            f"The plan has {figure(excess.planned)} {_WORDS[excess.limit]}; the limit is "
            f"{figure(excess.allowed)}. Nothing was sent.",
            hint=f"{command} {' '.join(each.waiver for each in over)}",
        )
        for excess in unwaived(planned, waivers)
    ]
    if blocked:
        raise ReconcileError(*blocked)
    return tuple(Waived(planned.now, excess.limit, waivers[excess.limit]) for excess in over)


def require_same_host(host: str | None, recorded: Recorded, who: str) -> None:
    """Refuse a state that remembers another instance than this one; `who` says who names it."""
    if host is None or recorded.host in {None, host}:
        return
    raise fail(
        "foreign-state",
        f"{who} {host}, the state remembers calls made to {recorded.host}. What was "
        "done there says nothing about here. Nothing was sent.",
        hint="Give this instance a state of its own: [state] url = ... in the file, or --state",
    )


def require_forward(choice: Choice, desired: Desired, recorded: Recorded) -> None:
    """Refuse a stamp for forced resets that would move one of theirs back, or stamp no reset."""
    as_of, resets = choice.as_of, {it.address for it in desired.items if isinstance(it, ResetItem)}
    if as_of is None:
        return
    for address in sorted(choice.force):
        record = recorded.items.get(address)
        stamp = None if record is None else record.stamp
        if address not in resets:
            why = "it is no cache reset, and only these are made as of an instant"
        elif stamp is not None and stamp > as_of:
            why = f"it was reset as of {rfc3339(stamp)}, so everything older is invalid already"
        else:
            continue
        raise fail(
            "as-of-refused",
            f"{address}, as of {rfc3339(as_of)}: {why}. Nothing was sent.",
            hint="reconcile apply --force ADDRESS --as-of now",
        )


def has_effects(planned: Plan) -> bool:
    """Tell whether an apply of the plan would send or remember anything."""
    return bool(planned.actions or planned.noted or planned.missed)


_FEW = 3


def declared_addresses(desired: Desired) -> set[Address]:
    """Return the address of everything that is declared, of native schedules too."""
    return {declared.address for declared in (*desired.items, *desired.schedules)}


def unmatched(select: Iterable[str], addresses: Collection[str]) -> tuple[str, ...]:
    """Return the globs that match none of the addresses."""
    plain = ((glob, glob.removeprefix(EXCEPT)) for glob in select)
    return tuple(
        glob
        for glob, bare in plain
        if bare not in addresses and not any(fits(bare, address) for address in addresses)
    )


def require_selected(
    select: Iterable[str], desired: Desired, recorded: Collection[Address] = ()
) -> None:
    """Refuse globs that select nothing: a plan that looks at nothing finds nothing to do.

    `recorded`: addresses of the state. Raises ReconcileError with the nearest that is declared.
    """
    declared = declared_addresses(desired)
    found: list[Diagnostic] = []
    for lost in unmatched(select, declared):
        option = "--exclude" if lost.startswith(EXCEPT) else "--select"
        glob = lost.removeprefix(EXCEPT)
        headline = f'{option} "{glob}" matches nothing that is declared'
        detail = _why(glob, declared, recorded)
        found.append(diagnose("selects-nothing", detail, headline=headline, hint="reconcile show"))
    if found:
        raise ReconcileError(*found)


def _why(glob: str, declared: Collection[Address], recorded: Collection[Address]) -> str:
    gone = sorted(a for a in recorded if a not in declared and fits(glob, a))
    if gone:
        more = f" and {len(gone) - _FEW:,} more" if len(gone) > _FEW else ""
        names = ", ".join(gone[:_FEW])
        return f"It matches only what is recorded and no longer declared: {names}{more}."
    if not declared:
        return "The files declare no item."
    near = nearest(glob, {*declared, *map(_family, declared)})
    return f"Did you mean {near}?" if near else "It is compared with whole addresses; case counts."


def _family(address: Address) -> str:
    """Return the glob over all items of an address's model."""
    head, _, _ = address.removesuffix(".refresh").partition(".cache.")
    return f"{head}.*"


def nearest(text: str, known: Iterable[str]) -> str | None:
    """Return the nearest of some texts; None if none is near."""
    from difflib import get_close_matches  # noqa: PLC0415 -- only a mistake needs it

    return next(iter(get_close_matches(text, sorted(known), n=1)), None)
