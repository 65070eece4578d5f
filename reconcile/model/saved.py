"""A saved plan: data only. Its actions can ask for less than the files justify, never for more."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from reconcile.model.address import Address
from reconcile.model.comparison import Value
from reconcile.model.noun import noun
from reconcile.model.plan import ActionKind, Request
from reconcile.model.recorded import Declaration


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

    `serial` and `sequence` of the state; `items`: what every item declared, or a short hash of it.
    `select`, `force`, `hold_unknown`: what the operator chose; `files` and `state`: where from, as
    it was given. `succeeded`: the last success of forced items when the plan was made. `live`: it
    follows a look at the instance, and only another look can tell whether it stands.
    """

    tool: str
    now: datetime
    valid_until: datetime | None
    digest: str
    lineage: str
    serial: int
    sequence: int
    host: str | None
    items: Mapping[Address, Declaration | str]
    select: tuple[str, ...]
    force: tuple[Address, ...]
    hold_unknown: bool
    actions: tuple[SavedAction, ...]
    live: bool = False
    succeeded: Mapping[Address, datetime] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    state: str | None = None


@noun(frozen=True, slots=True)
class Difference:
    """One way in which a saved plan no longer matches: what it was about, then, and now.

    `field`: whose values these are, by the name that the files or the plan give it; where there is
    none, they are words: ours if `plain`, somebody else's if not.
    """

    subject: str
    then: Value
    now: Value
    field: str = ""
    plain: bool = False
