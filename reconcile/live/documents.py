"""What a live look found, and what an instance has, as JSON."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal, get_args

from msgspec import Meta, Struct, to_builtins
from msgspec.structs import asdict

from reconcile.live.observed import Finding, ForeignSchedule, NotChecked, Part, Weight, weight
from reconcile.live.text import finding_text, not_checked_text
from reconcile.model.observed import Inventory, ListedConnection, ListedModel, ListedSchedule
from reconcile.model.struct import Instant
from reconcile.render.documents import Count, encode

# What differs. A drift has no digest and no actions: it cannot be applied.

DRIFT_FORMAT_VERSION: Final = 1
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


class NotCheckedDocument(Struct, frozen=True, kw_only=True):
    """A part that was not told; `declared`: something in the files depends on it."""

    part: Part
    count: Annotated[int, Meta(extra_json_schema={"minimum": 1})]
    why: str | None
    declared: bool
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
    format_version: Literal[1] = DRIFT_FORMAT_VERSION
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
        NotCheckedDocument(
            part=part.part,
            count=part.count,
            why=part.why,
            declared=part.declared,
            message=not_checked_text(part),
        )
        for part in not_checked
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
    differs = any(weight(finding) is Weight.DIFFERS for finding in findings)
    return encode(DriftDocument(host=host, now=now, differs=differs, **asdict(found)))


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


# What an instance has, connection by connection. Null: not seen, or not asked for.

INVENTORY_FORMAT_VERSION: Final = 1


class NotListed(Struct, frozen=True):
    """A part that could not be read, in Omni's words."""

    part: str
    id: str | None
    message: str


class ScheduleDocument(Struct, frozen=True, kw_only=True):
    """One of Omni's own schedules."""

    id: str
    cron: str
    timezone: str
    hard: bool
    disabled_at: Instant | None
    next_run: Instant | None

    @staticmethod
    def of(listed: ListedSchedule) -> "ScheduleDocument":
        """Return a schedule and its next run."""
        schedule = listed.schedule
        return ScheduleDocument(
            id=schedule.schedule_id,
            cron=schedule.spec.cron,
            timezone=schedule.spec.zone,
            hard=schedule.spec.hard,
            disabled_at=schedule.disabled_at,
            next_run=listed.next_run,
        )


class BranchDocument(Struct, frozen=True):
    """An active branch of a model."""

    id: str
    name: str


class ModelDocument(Struct, frozen=True, kw_only=True):
    """One model, its branches by name, and its own cache policies."""

    id: str
    name: str | None
    kind: str | None
    base_model_id: str | None
    deleted_at: Instant | None
    branches: tuple[BranchDocument, ...]
    policies: tuple[str, ...] | None

    @staticmethod
    def of(listed: ListedModel) -> "ModelDocument":
        """Return a model."""
        model = listed.model
        branches = sorted(model.branches.items(), key=lambda branch: (branch[1], branch[0]))
        return ModelDocument(
            id=model.model_id,
            name=model.name,
            kind=model.kind,
            base_model_id=model.base_model_id,
            deleted_at=model.deleted_at,
            branches=tuple(BranchDocument(*branch) for branch in branches),
            policies=listed.policies,
        )


class ConnectionDocument(Struct, frozen=True, kw_only=True):
    """One connection with what lives on it."""

    id: str | None
    name: str | None
    dialect: str | None
    database: str | None
    deleted_at: Instant | None
    schedules: tuple[ScheduleDocument, ...] | None
    models: tuple[ModelDocument, ...]

    @staticmethod
    def of(place: ListedConnection) -> "ConnectionDocument":
        """Return a connection, or what lives on none."""
        schedules = place.schedules
        known = {} if place.connection is None else asdict(place.connection)
        return ConnectionDocument(
            id=known.get("connection_id"),
            name=known.get("name"),
            dialect=known.get("dialect"),
            database=known.get("database"),
            deleted_at=known.get("deleted_at"),
            schedules=None if schedules is None else tuple(map(ScheduleDocument.of, schedules)),
            models=tuple(map(ModelDocument.of, place.models)),
        )


class InventoryDocument(Struct, frozen=True, kw_only=True):
    """What `reconcile discover --format json` prints. Null: not seen, or not asked for."""

    format_version: Literal[1] = INVENTORY_FORMAT_VERSION
    host: str
    observed_at: Instant
    connections: tuple[ConnectionDocument, ...]
    unseen: tuple[NotListed, ...]
    requests: Count


def inventory_json(
    inventory: Inventory, *, host: str, unseen: Iterable[NotListed], requests: int
) -> str:
    """Return the listing. `unseen`: each gap."""
    return encode(
        InventoryDocument(
            host=host,
            observed_at=inventory.at,
            connections=tuple(map(ConnectionDocument.of, inventory.connections)),
            unseen=tuple(unseen),
            requests=requests,
        )
    )
