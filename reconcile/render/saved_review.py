"""A saved plan, and whether it still stands: for people, for a review, and for programs."""

from collections.abc import Iterator, Sequence
from typing import Final

from reconcile.model.address import Address
from reconcile.model.noun import noun
from reconcile.model.saved import Difference, SavedPlan
from reconcile.render.instants import rfc3339
from reconcile.render.json_text import encode, instant_json
from reconcile.render.layout import wrap
from reconcile.render.names import counted
from reconcile.render.plan_json import request_json
from reconcile.render.saved_plan import confirmed_text, differences_text, saved_text
from reconcile.render.told import Passage, Told

SAVED_FORMAT_VERSION: Final = 1

_DIFFERENCES_SHOWN = 200


@noun(frozen=True, slots=True, kw_only=True)
class Standing:
    """What became of a saved plan.

    `differences`: why an apply would refuse it; there is none where it stands. Of one that stands
    `left` actions are to be done, `covered` was settled since, and `left_alone` fell due since.
    """

    differences: Sequence[Difference] = ()
    left: int = 0
    covered: Sequence[Address] = ()
    left_alone: Sequence[Address] = ()


def review_text(plan: SavedPlan, standing: Standing, *, width: int, colour: bool) -> str:
    """Return the plan as it was approved, and whether it still stands; ends with a line break."""
    lines = "\n".join([_verdict(standing), *_beside(standing, width)])
    return f"{saved_text(plan, width=width, colour=colour)}{lines}\n"


def review_told(plan: SavedPlan, standing: Standing, *, width: int) -> Told:
    """Return the same for a comment or a page."""
    lines = saved_text(plan, width=width, colour=False).splitlines()
    return Told(
        subject="saved plan",
        headline=_verdict(standing).removesuffix("."),
        passages=(
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
            "actions": [
                {
                    "kind": action.kind,
                    "slots": {name: instant_json(slot) for name, slot in action.slots.items()},
                    "request": None if action.request is None else request_json(action.request),
                    "reason": action.reason,
                }
                for action in plan.actions
            ],
            "stands": not standing.differences,
            "differences": [
                {"subject": one.subject, "then": one.then, "now": one.now}
                for one in standing.differences
            ],
            "left": standing.left,
            "covered": list(standing.covered),
            "left_alone": list(standing.left_alone),
        }
    )


def _verdict(standing: Standing) -> str:
    if standing.differences:
        return "Stale: apply would refuse it."
    return f"Still stands: {counted(standing.left, 'action')} left to do."


def _beside(standing: Standing, width: int) -> Iterator[str]:
    text = differences_text(standing.differences, limit=_DIFFERENCES_SHOWN)
    for line in (text or confirmed_text(standing.covered, standing.left_alone)).splitlines():
        yield from wrap(line, width)
