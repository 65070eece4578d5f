"""What a live instance says otherwise than the files, and its document.

What was not seen concludes nothing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from fnmatch import fnmatchcase
from glob import escape
from typing import Annotated, Final, Literal, assert_never, get_args

from msgspec import Meta, Struct, to_builtins
from msgspec.structs import asdict

from reconcile.live.discovery import can_tell, near, selection_findings, unmatched_selections
from reconcile.live.observed import (
    BranchMissing,
    ClockOff,
    Finding,
    ForeignSchedule,
    ModelDeleted,
    ModelMissing,
    NotChecked,
    PolicyUnknown,
    ScheduleDiffers,
    ScheduleDisabled,
    ScheduleMissing,
    SchemaUnknown,
    Seen,
    SelectionEmpty,
    Weight,
    addresses_of,
    by_model,
    connection_findings,
    differs,
    resolved,
    weight,
)
from reconcile.live.text import finding_text, not_checked_text
from reconcile.model.address import Address
from reconcile.model.desired import Desired, Manage, RefreshItem, ResetItem, spelled
from reconcile.model.observed import Observed, ObservedModel, branch_of
from reconcile.model.recorded import ScheduleRecord
from reconcile.model.struct import Instant
from reconcile.planning.feasibility import shadows
from reconcile.planning.requests import QUOTES
from reconcile.planning.schedules import Pool
from reconcile.render.documents import encode

MOST_AHEAD_S = 30.0
"""A clock further off than this is worth a word: resets are stamped with it."""


def drift(
    desired: Desired, observed: Observed, recorded: Mapping[Address, ScheduleRecord] | None = None
) -> tuple[Finding, ...]:
    """Compare what is declared with what was seen, in a stable order.

    `recorded`: the native schedules that applies made, which say whose is whose.
    """
    seen = Seen.of(observed)
    findings = [*_models(desired, seen), *connection_findings(desired, seen)]
    for item in desired.items:
        model = seen.there(item.model_id)
        if model is None and seen.models is not None:
            continue
        match item:
            case RefreshItem():
                if model is not None and item.branch_id is not None:
                    findings.extend(_branch(item, item.branch_id, model, seen))
                findings.extend(_schemas(item, seen))
            case ResetItem():
                findings.extend(_policy(item, seen))
            case _ as unreachable:
                assert_never(unreachable)
    findings.extend(selection_findings(desired, seen))
    findings.extend(_empty_selections(desired, seen))
    findings.extend(schedule_findings(desired, observed, recorded))
    places = {place.lower(): found for place, found in observed.schedules.items()}
    refreshes = (it for it in resolved(desired, observed).items if isinstance(it, RefreshItem))
    findings.extend(shadows(refreshes, places, observed.at))
    findings.extend(clock_findings(observed.clock_ahead_s))
    return in_order(findings)


def in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    """Sort by address, then by kind: the order of a listing must not follow that of a reply."""
    return tuple(sorted(findings, key=lambda f: (f.addresses, type(f).__name__, repr(f))))


def _models(desired: Desired, seen: Seen) -> Iterator[Finding]:
    if seen.models is None:
        return
    for model_id, items in by_model(desired.items).items():
        model = seen.models.get(model_id)
        if model is None:
            yield ModelMissing(
                addresses=addresses_of(items), model_id=model_id, alike=seen.alike(items[0].model)
            )
        elif model.deleted_at is not None:
            yield ModelDeleted(
                addresses=addresses_of(items),
                model_id=model_id,
                name=model.name,
                deleted_at=model.deleted_at,
            )


def _branch(
    item: RefreshItem, branch_id: str, model: ObservedModel, seen: Seen
) -> Iterator[Finding]:
    """Look among the model's active branches, and among the models that are branches of it."""
    branch = seen.there(branch_id)
    listed = branch is not None and branch.base_model_id in {None, model.model_id}
    if listed or branch_id.lower() in {known.lower() for known in model.branches}:
        return
    yield BranchMissing(
        addresses=(item.address,),
        model_id=item.model_id,
        branch_id=branch_id,
        branches=tuple(sorted(model.branches.values())),
    )


def _policy(item: ResetItem, seen: Seen) -> Iterator[Finding]:
    names = seen.policies.get(item.model_id.lower())
    if names is None:
        return
    known = {*names, *_policies_of_extensions(item.model_id, seen)}
    if item.policy in known:
        return
    yield PolicyUnknown(
        addresses=(item.address,),
        model_id=item.model_id,
        policy=item.policy,
        near=nearest(item.policy, known),
        known=tuple(sorted(known)),
    )


def _policies_of_extensions(model_id: str, seen: Seen) -> Iterator[str]:
    """Yield the policies of models built on this one, as far as they were seen."""
    for other_id, names in seen.policies.items():
        other = seen.there(other_id)
        if other and other.base_model_id and other.base_model_id.lower() == model_id.lower():
            yield from names


# Names in the filters of refreshes. Omni ends a refresh as COMPLETED where a name matches nothing.
#
# A table is looked for by its schema alone: Omni lists the views of a model, which are named anew
# and may leave tables out, and no tables.


def _schemas(item: RefreshItem, seen: Seen) -> Iterator[Finding]:
    """Look for each name of the filters; a model without schemas was never refreshed yet."""
    known = seen.schemas.get(branch_of(item.model_id, item.branch_id), ())
    for key, name, wanted in _filtered(item) if known else ():
        told, parts = wanted and not QUOTES & set(name), wanted.count(".") + 1
        if told and not any(_may_mean(wanted, schema) for schema in known):
            yield SchemaUnknown(
                addresses=(item.address,),
                model_id=item.model_id,
                key=key,
                name=name,
                near=nearest(wanted, {".".join(it.split(".")[-parts:]) for it in known}),
                known=tuple(sorted(known)),
            )


def _filtered(item: RefreshItem) -> Iterator[tuple[Literal["schemas", "tables"], str, str]]:
    """Yield each filter's key and name with the schema it asks for; empty where it tells none."""
    for name in item.schemas:
        yield "schemas", name, name
    for name in item.tables:
        yield "tables", name, name.rpartition(".")[0]


def _may_mean(wanted: str, schema: str) -> bool:
    """Tell whether a name with wildcards may be of a schema; either may leave the catalog out."""
    ours, theirs = wanted.casefold().split("."), schema.casefold().split(".")
    fewest = min(len(ours), len(theirs))
    pattern = escape(".".join(ours[-fewest:])).replace("[*]", "*")
    whole = escape(wanted.casefold()).replace("[*]", "*")
    return fnmatchcase(".".join(theirs[-fewest:]), pattern) or fnmatchcase(schema.casefold(), whole)


def nearest(wrong: str, known: set[str]) -> str | None:
    """Return the known name that was probably meant; None if none is near."""
    folded = {name.casefold(): name for name in sorted(known, reverse=True)}
    near = get_close_matches(wrong[:200].casefold(), folded, n=1, cutoff=0.6)
    return folded[near[0]] if near else None


def _empty_selections(desired: Desired, seen: Seen) -> Iterator[Finding]:
    names = [m.name for m in (seen.models or {}).values() if m.deleted_at is None]
    for selection in unmatched_selections(desired, seen) if can_tell(desired, seen) else ():
        yield SelectionEmpty(
            addresses=(),
            number=selection.number,
            selects=spelled(selection),
            near=near(selection.name, names),
        )


def clock_findings(ahead_s: float | None) -> Iterator[Finding]:
    """Yield that our clock is ahead of Omni's by so much, where that is worth a word."""
    if ahead_s is not None and abs(ahead_s) > MOST_AHEAD_S:
        yield ClockOff(addresses=(), ahead_s=ahead_s)


# Declared native schedules beside those of the connections that were looked at.


def schedule_findings(
    desired: Desired, observed: Observed, recorded: Mapping[Address, ScheduleRecord] | None = None
) -> Iterator[Finding]:
    """Match by the id that an apply recorded, else by what schedules say.

    Which of two equal ones is whose makes no difference here.
    """
    there = {place.lower(): found for place, found in observed.schedules.items()}
    known = recorded or {}
    owned = {
        item.address: known[item.address].schedule_id
        for item in desired.schedules
        if item.address in known
    }
    pools = {place: Pool(found, owned.values()) for place, found in there.items()}
    for item in desired.schedules:
        pool = pools.get(item.connection_id.lower())
        if pool is None:
            continue
        mine, those = owned.get(item.address), there[item.connection_id.lower()]
        found = next((one for one in those if one.schedule_id == mine), None)
        found = found or pool.claim(item.spec)
        if found is not None and found.spec != item.spec:
            yield ScheduleDiffers(addresses=(item.address,), declared=item.spec, schedule=found)
        if found is None:
            yield ScheduleMissing(addresses=(item.address,), declared=item.spec)
        elif found.disabled_at is not None:
            yield ScheduleDisabled(addresses=(item.address,), schedule=found)
    for connection in desired.connections:
        pool = pools.get(connection.id.lower())
        for foreign in pool.left() if pool and connection.manage is Manage.ALL else ():
            yield ForeignSchedule(addresses=(), connection=connection.name, schedule=foreign)


# What differs, as JSON. A drift has no digest and no actions: it cannot be applied.

_INNER_CAPITAL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _kind(finding: type) -> str:
    if finding is ForeignSchedule:
        return "schedule-foreign"
    return _INNER_CAPITAL.sub("-", finding.__name__).lower()


FindingDocument = Annotated[
    dict[str, object],
    Meta(
        description="a finding: its kind, and facts that depend on it",
        extra_json_schema={
            "required": ["kind", "weight", "message", "addresses"],
            "properties": {
                "kind": {"enum": [_kind(kind) for kind in get_args(Finding)]},
                "weight": {"enum": list(Weight)},
                "message": {"type": "string"},
                "addresses": {"type": "array", "items": {"type": "string"}},
            },
            "additionalProperties": True,
        },
    ),
]


class NotCheckedDocument(NotChecked, frozen=True, kw_only=True):
    """A part that was not told; `declared`: something in the files depends on it."""

    message: str


class LiveDocument(Struct, frozen=True, kw_only=True):
    """What was found; `unseen`: the messages of `not_checked`."""

    observed_at: Instant
    findings: tuple[FindingDocument, ...]
    not_checked: tuple[NotCheckedDocument, ...]
    unseen: tuple[str, ...]


class DriftDocument(Struct, frozen=True, kw_only=True):
    """What `reconcile drift --format json` prints. It has neither a digest nor actions."""

    kind: Literal["drift"] = "drift"
    format_version: Literal[1] = 1
    host: str
    now: Instant
    differs: bool
    observed_at: Instant
    findings: tuple[FindingDocument, ...]
    not_checked: tuple[NotCheckedDocument, ...]
    unseen: tuple[str, ...]


def live_document(
    findings: Iterable[Finding], *, observed_at: datetime, not_checked: Sequence[NotChecked]
) -> LiveDocument:
    """Return what was found, as a plan has it under `live`."""
    parts = tuple(
        NotCheckedDocument(**asdict(part), message=not_checked_text(part)) for part in not_checked
    )
    return LiveDocument(
        observed_at=observed_at,
        findings=tuple(map(_finding, findings)),
        not_checked=parts,
        unseen=tuple(part.message for part in parts),
    )


def drift_json(
    findings: Sequence[Finding],
    *,
    host: str,
    observed_at: datetime,
    now: datetime,
    not_checked: Sequence[NotChecked],
) -> str:
    """Return a whole `drift`."""
    found = live_document(findings, observed_at=observed_at, not_checked=not_checked)
    told = asdict(found)
    return encode(DriftDocument(host=host, now=now, differs=differs(findings), **told))


def _finding(finding: Finding) -> dict[str, object]:
    told = to_builtins(finding)
    if "kind" in told:
        told["how"] = told.pop("kind")
    head = {
        "kind": _kind(type(finding)),
        "weight": weight(finding).value,
        "message": finding_text(finding),
    }
    return {**head, **told}
