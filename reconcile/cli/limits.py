"""Stopping an apply that would pass a limit, and the waiver that lets one apply pass it."""

from collections.abc import Iterable, Sequence

from reconcile.model.desired import Desired
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.journal import Waived
from reconcile.model.plan import Plan
from reconcile.model.recorded import Recorded
from reconcile.planning.limits import Excess, excesses

BLOCKED = 3
_WAIVABLE = ("calls", "hard_refreshes", "share", "forget_all")
_WORDS = {
    "calls": "calls",
    "hard_refreshes": "hard refreshes",
    "share": "of all declared items due at once",
    "forget_all": "records forgotten, which is all there are",
}


def require_within_limits(
    planned: Plan, desired: Desired, recorded: Recorded, allowed: Sequence[str]
) -> tuple[Waived, ...]:
    """Return the waivers that were used; raises ReconcileError, exit code 3, where one is short."""
    waivers = dict(_waiver(text) for text in allowed)
    over = list(excesses(planned, desired.limits, len(recorded.items)))
    blocked = [excess for excess in over if waivers.get(excess.limit, -1.0) < excess.planned]
    if blocked:
        raise ReconcileError(*_blocked(blocked), exit_code=BLOCKED)
    return tuple(Waived(planned.now, excess.limit, waivers[excess.limit]) for excess in over)


def _blocked(over: Iterable[Excess]) -> Iterable[Diagnostic]:
    for excess in over:
        yield Diagnostic(
            code=f"over-limit-{excess.limit.replace('_', '-')}",
            summary="A limit blocks this apply",
            detail=f"The plan has {excess.planned:g} {_WORDS[excess.limit]}; the limit is "
            f"{excess.allowed:g}. Nothing was sent.",
            hint=f"reconcile apply --allow {excess.limit}={excess.planned:g}",
        )


def _waiver(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if name in _WAIVABLE and number >= 0:
        return name, number
    raise ReconcileError(
        Diagnostic(
            code="bad-waiver",
            summary="--allow takes LIMIT=VALUE",
            detail=f'"{text}" names none of the limits {", ".join(_WAIVABLE)} with a number.',
            hint="reconcile apply --allow calls=80",
        )
    )
