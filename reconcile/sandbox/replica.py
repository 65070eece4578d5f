"""Seeds from what `discover --format json` printed: a stand-in for an instance somebody has."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

from reconcile.model.diagnostic import Diagnostic, Place, ReconcileError
from reconcile.planning.time.cron import CronError
from reconcile.planning.time.eventbridge import canonical
from reconcile.planning.time.wall_clock import UnknownZoneError, zone_info
from reconcile.sandbox.instance import ModelKind
from reconcile.sandbox.seeding import (
    Seed,
    SeedBranch,
    SeedConnection,
    SeedModel,
    SeedSchedule,
    is_uuid,
)

FORMAT_VERSION = 1


def seeds_in(text: str, file: str) -> tuple[Seed, ...]:
    """Read a listing of an instance. What it does not tell, policies or schedules, is not there.

    Raises ReconcileError `instance-file-invalid`, which names the part that is wrong.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    root = _Part(document, "the document", file)
    version = root.field("format_version").value
    if version != FORMAT_VERSION:
        root.field("format_version").refuse(f"is not {FORMAT_VERSION}")
    return tuple(
        seed for place in root.field("connections").elements() for seed in _seeds_of(place)
    )


def _seeds_of(place: "_Part") -> Iterator[Seed]:
    connection_id = place.field("id").maybe_uuid()
    if connection_id is not None:
        yield SeedConnection(
            name=place.field("name").maybe_text() or connection_id,
            id=connection_id,
            dialect=place.field("dialect").maybe_text() or "",
            database=place.field("database").maybe_text() or "",
            deleted_at=place.field("deleted_at").maybe_instant(),
        )
        for schedule in place.field("schedules").elements():
            yield _schedule(schedule, connection_id)
    for model in place.field("models").elements():
        yield SeedModel(
            name=model.field("name").maybe_text() or "",
            id=model.field("id").uuid(),
            connection=connection_id,
            policies=tuple(policy.text() for policy in model.field("policies").elements()),
            branches=tuple(map(_branch, model.field("branches").elements())),
            kind=_kind(model.field("kind")),
            deleted_at=model.field("deleted_at").maybe_instant(),
        )


def _branch(part: "_Part") -> SeedBranch:
    return SeedBranch(part.field("id").uuid(), part.field("name").text())


def _kind(part: "_Part") -> ModelKind:
    word = part.maybe_text() or ModelKind.SHARED
    return ModelKind(word) if word in set(ModelKind) else part.refuse("is no kind of model")


def _schedule(part: "_Part", connection_id: str) -> SeedSchedule:
    cron, zone = part.field("cron"), part.field("timezone")
    try:
        canonical(cron.text())
        zone_info(zone.text())
    except CronError as error:
        cron.refuse(f"is not EventBridge cron: {error.message}")
    except UnknownZoneError:
        zone.refuse("is no time zone")
    return SeedSchedule(
        connection=connection_id,
        cron=cron.text(),
        zone=zone.text(),
        hard=part.field("hard").value is True,
        disabled_at=part.field("disabled_at").maybe_instant(),
        id=part.field("id").uuid(),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """A value in the document, and where it stands."""

    value: object
    where: str
    file: str

    def field(self, name: str) -> "_Part":
        if not isinstance(self.value, dict):
            self.refuse("is not an object")
        return _Part(self.value.get(name), f"{self.where}, {name}", self.file)

    def elements(self) -> "Iterator[_Part]":
        """Yield the elements of a list; null has none."""
        if not isinstance(self.value, list | None):
            self.refuse("is not a list")
        for number, value in enumerate(self.value or ()):
            yield _Part(value, f"{self.where}[{number}]", self.file)

    def text(self) -> str:
        return self.value if isinstance(self.value, str) else self.refuse("is not text")

    def maybe_text(self) -> str | None:
        return None if self.value is None else self.text()

    def uuid(self) -> str:
        return self.text() if is_uuid(self.text()) else self.refuse("is not a UUID")

    def maybe_uuid(self) -> str | None:
        return None if self.value is None else self.uuid()

    def maybe_instant(self) -> datetime | None:
        if self.value is None:
            return None
        try:
            return datetime.fromisoformat(self.text()).astimezone(UTC)
        except (ValueError, OverflowError):
            return self.refuse("is not an instant")

    def refuse(self, flaw: str) -> NoReturn:
        raise ReconcileError(
            Diagnostic(
                code="instance-file-invalid",
                summary="The listing of an instance cannot be used",
                detail=f"In {self.where.removeprefix('the document, ')}, what stands there {flaw}. "
                "The file has to be what discover prints as JSON.",
                hint="reconcile discover --format json > instance.json",
                places=(Place(self.file),),
            )
        )
