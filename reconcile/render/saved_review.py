"""A saved plan, and whether it still stands: for people, for a review, and for programs."""

from collections.abc import Iterator, Sequence
from typing import Final

from reconcile.model.address import Address
from reconcile.model.comparison import Difference, SavedAction, SavedPlan, Value
from reconcile.model.noun import noun
from reconcile.model.plan import Excess
from reconcile.render.attention import blocked_json, blocked_text
from reconcile.render.comparison.values import file_words
from reconcile.render.instants import Vantage, rfc3339
from reconcile.render.json_text import encode, instant_json
from reconcile.render.layout import Ink, paint, wrap
from reconcile.render.names import counted
from reconcile.render.plan_json import request_json
from reconcile.render.saved_plan import confirmed_text, differences_text, forced_text, saved_text
from reconcile.render.told import Passage, Told

SAVED_FORMAT_VERSION: Final = 1

_DIFFERENCES_SHOWN = 200


@noun(frozen=True, slots=True, kw_only=True)
class Standing:
    """What became of a saved plan.

    `differences`: why an apply would refuse it; there is none where it stands. Of one that stands
    `left` actions are to be done, `covered` was settled since, and `left_alone` fell due since.
    `spent`: forced by the plan, and done since. `blocked_by`: the limits an apply would not pass.
    """

    differences: Sequence[Difference] = ()
    left: int = 0
    covered: Sequence[Address] = ()
    left_alone: Sequence[Address] = ()
    spent: Sequence[Address] = ()
    blocked_by: Sequence[Excess] = ()


def review_text(
    plan: SavedPlan, standing: Standing, view: Vantage, *, width: int, colour: bool
) -> str:
    """Return the plan as it was approved, and whether it still stands; ends with a line break.

    What an apply would refuse comes first, then what the plan forces.
    """
    first = [paint(line, Ink.BOLD, colour=colour) for line in _first(plan, standing, width)]
    lines = "\n".join([_verdict(standing), *_beside(standing, width)])
    saved = saved_text(plan, view, width=width, colour=colour)
    return "".join([*(f"{line}\n" for line in first), saved, f"{lines}\n"])


def _first(plan: SavedPlan, standing: Standing, width: int) -> Iterator[str]:
    if standing.blocked_by:
        yield from wrap(blocked_text(standing.blocked_by), width)
    if forced := forced_text(plan):
        yield from wrap(forced, width)


def review_told(plan: SavedPlan, standing: Standing, view: Vantage, *, width: int) -> Told:
    """Return the same for a comment or a page."""
    lines = saved_text(plan, view, width=width, colour=False).splitlines()
    blocked = "Blocked. " if standing.blocked_by else ""
    return Told(
        subject="saved plan",
        headline=f"{blocked}{_verdict(standing)}".removesuffix("."),
        passages=(
            Passage("First", list(_first(plan, standing, width))),
            Passage("Since then", list(_beside(standing, width))),
            Passage("As it was approved", lines),
        ),
    )


def review_json(plan: SavedPlan, standing: Standing) -> str:
    """Return the same as one JSON object, indented, ending with a line break."""
    return encode(
        {
            "format_version": SAVED_FORMAT_VERSION,
            "now": rfc3339(plan.now),
            "valid_until": instant_json(plan.valid_until),
            "digest": plan.digest,
            "host": plan.host,
            "blocked_by": blocked_json(standing.blocked_by),
            "force": list(plan.force),
            "select": list(plan.select),
            "on_unknown": "hold" if plan.hold_unknown else "resend",
            "live": plan.live,
            "files": list(plan.files),
            "state": plan.state,
            "actions": [_action(action) for action in plan.actions],
            "stands": not standing.differences,
            "differences": [
                {
                    "subject": one.subject,
                    "field": one.field or None,
                    "then": _side(one, one.then),
                    "now": _side(one, one.now),
                }
                for one in standing.differences
            ],
            "left": standing.left,
            "covered": list(standing.covered),
            "left_alone": list(standing.left_alone),
            "spent": list(standing.spent),
        }
    )


def _action(action: SavedAction) -> dict[str, object]:
    return {
        "kind": action.kind,
        "slots": {name: instant_json(slot) for name, slot in action.slots.items()},
        "request": None if action.request is None else request_json(action.request),
        "reason": action.reason,
    }


def _side(one: Difference, value: Value) -> str:
    return file_words(value) if one.field else str(value)


def _verdict(standing: Standing) -> str:
    if standing.differences:
        return "Stale: apply would refuse it."
    return f"Still stands: {counted(standing.left, 'action')} left to do."


def _beside(standing: Standing, width: int) -> Iterator[str]:
    text = differences_text(standing.differences, limit=_DIFFERENCES_SHOWN)
    beside = confirmed_text(standing.covered, standing.left_alone, standing.spent)
    for line in (text or beside).splitlines():
        yield from wrap(line, width)
