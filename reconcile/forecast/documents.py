"""A forecast, and why one item stands as it does, as JSON."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, convert

from reconcile.forecast.text import sentence, steps
from reconcile.forecast.why import Explanation, ObstacleKind, Without
from reconcile.model.desired import Mode, RefreshItem
from reconcile.model.forecast import Day, ExpectedCall, Forecast
from reconcile.model.plan import Refresh
from reconcile.model.reason import Status
from reconcile.model.struct import Instant
from reconcile.render.documents import AnyAddress, Because, Count, RidingDocument, encode
from reconcile.render.reasons import Account, Reader, reason_json
from reconcile.render.words import Vantage

# A forecast. Days are those of its zone.

FORECAST_FORMAT_VERSION: Final = 1


class SlotDocument(Struct, frozen=True):
    """One address that a call covers, and the slot it makes up."""

    address: AnyAddress
    slot: Instant | None


class ExpectedRefresh(Struct, frozen=True, kw_only=True, tag_field="kind", tag="refresh"):
    """A refresh, when it falls due."""

    at: Instant
    model_id: str
    mode: Mode
    covers: tuple[SlotDocument, ...]


class ExpectedReset(Struct, frozen=True, kw_only=True, tag_field="kind", tag="reset"):
    """A reset, when it falls due."""

    at: Instant
    model_id: str
    policy: str
    waits_for: str | None
    covers: tuple[SlotDocument, ...]


class DayDocument(Struct, frozen=True, kw_only=True):
    """A day: its calls, those that cover each item, and requests of the busiest minutes."""

    date: Annotated[str, Meta(extra_json_schema={"format": "date"})]
    calls: Count
    items: dict[str, Count]
    busiest_minute: Instant | None
    peak_per_minute: Count
    hour_peaks: tuple[Count, ...]

    @staticmethod
    def of(day: Day) -> "DayDocument":
        """Return the figures of a day."""
        return DayDocument(
            date=day.date.isoformat(),
            calls=day.calls,
            items=dict(sorted(day.covering.items())),
            busiest_minute=day.busiest,
            peak_per_minute=day.peak,
            hour_peaks=day.peaks,
        )


class IdleDocument(Struct, frozen=True, kw_only=True):
    """An item without any call."""

    address: AnyAddress
    reason: str
    because: Because


class ForecastDocument(Struct, frozen=True, kw_only=True):
    """What `reconcile forecast --format json` prints."""

    format_version: Literal[1] = FORECAST_FORMAT_VERSION
    now: Instant
    until: Instant
    zone: str
    requests_per_minute: Count
    calls: tuple[ExpectedRefresh | ExpectedReset, ...]
    days: tuple[DayDocument, ...]
    riding: tuple[RidingDocument, ...]
    idle: tuple[IdleDocument, ...]


def forecast_json(told: Forecast) -> str:
    """Return a forecast."""
    reader = Reader(told.zones, told.zone, told.now)
    return encode(
        ForecastDocument(
            now=told.now,
            until=told.until,
            zone=told.zone,
            requests_per_minute=told.requests_per_minute,
            calls=tuple(map(_call, told.calls)),
            days=tuple(map(DayDocument.of, told.days)),
            riding=convert(told.riding, tuple[RidingDocument, ...], from_attributes=True),
            idle=tuple(
                IdleDocument(
                    address=address,
                    reason=reader.account(address).tell(reason),
                    because=reason_json(reason),
                )
                for address, reason in told.idle
            ),
        )
    )


def _call(call: ExpectedCall) -> ExpectedRefresh | ExpectedReset:
    action, at = call.action, call.at
    covers = tuple(SlotDocument(coverage.address, coverage.slot) for coverage in action.covers)
    if isinstance(action, Refresh):
        return ExpectedRefresh(at=at, model_id=action.model_id, mode=action.mode, covers=covers)
    return ExpectedReset(
        at=at,
        model_id=action.model_id,
        policy=action.policy,
        waits_for=action.waits_for,
        covers=covers,
    )


# Why one item is due or not.

WHY_FORMAT_VERSION: Final = 1


class StepDocument(Struct, frozen=True):
    """What was asked of an item, and what was found."""

    step: str
    found: str


class OwnCallDocument(Struct, frozen=True):
    """The call of an item: what it covers, and its place among all that are to go."""

    covers: tuple[AnyAddress, ...]
    place: Count
    of: Count


class WithoutDocument(Struct, frozen=True, kw_only=True):
    """When the item would run without one of its obstacles."""

    obstacle: ObstacleKind
    name: str | None
    status: Status
    because: Because
    earliest: Instant | None
    told: str

    @staticmethod
    def of(without: Without, view: Vantage) -> "WithoutDocument":
        """Return the same in words, too."""
        return WithoutDocument(
            obstacle=without.obstacle.kind,
            name=without.obstacle.name or None,
            status=without.status,
            because=reason_json(without.reason),
            earliest=without.earliest,
            told=sentence(without, view),
        )


class WhyDocument(Struct, frozen=True, kw_only=True):
    """What `reconcile why ADDRESS --format json` prints."""

    format_version: Literal[1] = WHY_FORMAT_VERSION
    now: Instant
    address: AnyAddress
    kind: Literal["refresh", "reset"]
    zone: str
    status: Status
    reason: str
    because: Because
    newest_slot: Instant | None
    next_slot: Instant | None
    missed: Count
    steps: tuple[StepDocument, ...]
    call: OwnCallDocument | None
    earliest: Instant | None
    searched: Instant | None
    without: tuple[WithoutDocument, ...]


def why_json(told: Explanation) -> str:
    """Return why one item stands as it does."""
    standing = told.standing
    view = Vantage(standing.zone, told.now)
    call = None
    if told.call is not None and told.place is not None:
        call = OwnCallDocument(tuple(one.address for one in told.call.covers), *told.place)
    return encode(
        WhyDocument(
            now=told.now,
            address=standing.address,
            kind="refresh" if isinstance(told.item, RefreshItem) else "reset",
            zone=standing.zone,
            status=standing.status,
            reason=Account(standing.address, view).tell(standing.reason),
            because=reason_json(standing.reason),
            newest_slot=standing.newest_slot,
            next_slot=standing.next_slot,
            missed=standing.missed,
            steps=tuple(StepDocument(*step) for step in steps(told, view)),
            call=call,
            earliest=told.earliest,
            searched=told.searched,
            without=tuple(WithoutDocument.of(without, view) for without in told.without),
        )
    )
