"""What an apply is never allowed to do, whoever asks for it: pass a limit, mix up instances."""

from collections.abc import Iterable, Mapping

from reconcile.errors import Diagnostic, ReconcileError, diagnose, fail
from reconcile.model.desired import Desired, ResetItem
from reconcile.model.journal import Waived
from reconcile.model.plan import AdoptSchedule, Choice, Excess, Forget, Plan, Rename
from reconcile.model.recorded import Recorded
from reconcile.model.struct import figure
from reconcile.planning.guards import excesses
from reconcile.render.words import rfc3339

"""The exit code of an apply that a limit stopped."""

_WORDS = {
    "calls": "calls",
    "hard_refreshes": "hard refreshes",
    "share": "of all declared items due at once",
    "forget_all": "records forgotten, which is all there are",
}


def require_within_limits(
    planned: Plan, desired: Desired, recorded: Recorded, waivers: Mapping[str, float]
) -> tuple[Waived, ...]:
    """Return the waivers that were used, by name of limit.

    Raises ReconcileError, exit code 3, where one is missing or too small.
    """
    records = len(recorded.items) + len(recorded.schedules)
    over = list(excesses(planned, desired.limits, records))
    blocked = [excess for excess in over if waivers.get(excess.limit, -1.0) < excess.planned]
    if blocked:
        raise ReconcileError(*_blocked(blocked))
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


def has_calls(planned: Plan) -> bool:
    """Tell whether anything would be sent or awaited."""
    return any(
        not isinstance(action, Forget | Rename | AdoptSchedule) for action in planned.actions
    )


def _blocked(over: Iterable[Excess]) -> Iterable[Diagnostic]:
    for excess in over:
        yield diagnose(
            f"over-limit-{excess.limit.replace('_', '-')}",
            f"The plan has {figure(excess.planned)} {_WORDS[excess.limit]}; the limit is "
            f"{figure(excess.allowed)}. Nothing was sent.",
            hint=f"reconcile apply {excess.waiver}",
        )
