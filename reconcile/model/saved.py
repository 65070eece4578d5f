"""A saved plan: data only. It can ask for less than the files justify, never for more."""

from collections.abc import Mapping
from datetime import datetime

from reconcile.model.address import Address
from reconcile.model.noun import noun
from reconcile.model.plan import ActionKind, Request


@noun(frozen=True, slots=True, kw_only=True)
class SavedAction:
    """One action as it was approved. `slots`: per address the slot it makes up, None if none."""

    kind: ActionKind
    slots: Mapping[Address, datetime | None]
    request: Request | None
    reason: str


@noun(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """A plan and all that it was made from, as far as that is needed to tell whether it stands.

    `serial` and `sequence` of the state; `items`: a short hash of every declared item; `select`,
    `force`, `hold_unknown`: what the operator chose. `live`: it follows a look at the instance, and
    only another look can tell whether it stands.
    """

    tool: str
    now: datetime
    valid_until: datetime | None
    digest: str
    lineage: str
    serial: int
    sequence: int
    host: str | None
    items: Mapping[Address, str]
    select: tuple[str, ...]
    force: tuple[Address, ...]
    hold_unknown: bool
    actions: tuple[SavedAction, ...]
    live: bool = False


@noun(frozen=True, slots=True)
class Difference:
    """One way in which a saved plan no longer matches: what it was about, then, and now."""

    subject: str
    then: str
    now: str
