"""`forecast` and `why`: what will fall due, and why one item is due or not.

Both open no socket, read no token and take no lock.
"""

from collections.abc import Iterator
from io import TextIOWrapper
from typing import Annotated, Literal

import click
from msgspec import Meta, Struct, convert

from reconcile.clock import wall_clock
from reconcile.forecast.text import forecast_ics, forecast_text, schedule_why_text, why_text
from reconcile.forecast.why import explain, explained
from reconcile.model.address import Address
from reconcile.model.desired import Desired, Mode
from reconcile.model.forecast import Day, ExpectedCall, Forecast
from reconcile.model.plan import Choice, Refresh
from reconcile.model.recorded import Recorded
from reconcile.model.struct import Instant, replace
from reconcile.planning.forecast import forecast
from reconcile.planning.guards import declared_addresses
from reconcile.planning.plan import plan
from reconcile.planning.record import believed_of
from reconcile.planning.signals import foreseen
from reconcile.render.documents import AnyAddress, Because, Count, RidingDocument, encode, encoded
from reconcile.render.outline import outlined
from reconcile.render.reasons import Reader, reason_json
from reconcile.terminal import options as shared
from reconcile.terminal.console import Console, read_elsewhere, warn_of_clock
from reconcile.terminal.inputs import (
    declared_address,
    gather_desired,
    gather_duration,
    gather_now,
    gather_recorded,
)


@click.command(cls=shared.Command)
@shared.file_option
@shared.state_option
@shared.format_option("text", "json", "ics")
@shared.color_option
@shared.at_option
@click.option(
    "--for",
    "span",
    default="7d",
    metavar="DURATION",
    help="How far ahead, such as 36h or 2w; at most 366d.",
)
@click.option(
    "--assume-signals",
    is_flag=True,
    help="Count the runs of items on signals too, as if these kept coming as they did so far.",
)
@click.option(
    "--calls",
    is_flag=True,
    help="In JSON and calendars, list every call by itself: the more there are, the longer it "
    "takes.",
)
def run_forecast(options: shared.Options, console: Console) -> int:
    """Forecast and print."""
    span = gather_duration(options.span, "--for", "reconcile forecast --for 7d")
    desired = gather_desired(options, console)
    recorded = gather_recorded(desired, console)
    now, clock = gather_now(options.at), wall_clock()
    known = believed_of(recorded, max(clock, now))
    warn_of_clock(known.newest, console)
    if options.assume_signals:
        # What is still to come is foreseen from what is believed, and believed then.
        clock = max(clock, now + span)
        signals = foreseen(known.signals, now, now + span)
        recorded = replace(recorded, items=known.items, signals=signals)
    told = forecast(desired, recorded, now, span, clock)
    if options.format == "json":
        console.say_pieces(forecast_json(told, singly=options.calls))
    elif options.format == "ics":
        if isinstance(console.out, TextIOWrapper):
            # RFC 5545 fixes the encoding and the line ends, whatever the terminal prefers.
            console.out.reconfigure(encoding="utf-8", newline="")
        console.say_pieces(forecast_ics(told, singly=options.calls))
    else:
        coloured = console.coloured(console.out)
        console.say(forecast_text(told, width=console.width(), colour=coloured))
    return 0


@click.command(cls=shared.Command)
@click.argument(
    "address", shell_complete=shared.complete_addresses, help="Such as models.sales.refresh."
)
@shared.file_option
@shared.state_option
@shared.output_options
@shared.at_option
def run_why(options: shared.Options, console: Console) -> int:
    """Explain one item and print."""
    desired = gather_desired(options, console)
    address = declared_address(options.address, declared_addresses(desired))
    recorded = gather_recorded(desired, console)
    if any(schedule.address == address for schedule in desired.schedules):
        return _explain_schedule(desired, recorded, address, options, console)
    now, clock = gather_now(options.at), wall_clock()
    warn_of_clock(believed_of(recorded, max(clock, now)).newest, console)
    found = explain(desired, recorded, now, address, clock)
    told = explained(found, console.complete)
    if console.format == "json":
        console.say(encode(told.document))
    else:
        coloured = console.coloured(console.out)
        elsewhere = read_elsewhere(told.document.now, console)
        width = console.width()
        console.say(why_text(told, width=width, colour=coloured, elsewhere=elsewhere))
    return 0


def _explain_schedule(
    desired: Desired,
    recorded: Recorded,
    address: Address,
    options: shared.Options,
    console: Console,
) -> int:
    """Show a plan of this schedule alone: how it differs is all there is to explain."""
    choice = Choice(only=frozenset({address}))
    planned = plan(desired, recorded, gather_now(options.at), choice)
    outline = outlined(planned, host=desired.base_url, complete=console.complete)
    if console.format == "json":
        console.say(encode(outline.document))
    else:
        coloured = console.coloured(console.out)
        console.say(schedule_why_text(outline, width=console.width(), colour=coloured))
    return 0


# A forecast. Days are those of its zone.


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
    """What `reconcile forecast --format json` prints; `calls` is null but for `--calls`."""

    format_version: Literal[2] = 2
    now: Instant
    until: Instant
    zone: str
    requests_per_minute: Count
    refreshes: Count
    resets: Count
    calls: tuple[ExpectedRefresh | ExpectedReset, ...] | None
    days: tuple[DayDocument, ...]
    riding: tuple[RidingDocument, ...]
    idle: tuple[IdleDocument, ...]


def forecast_json(told: Forecast, *, singly: bool = False) -> Iterator[str]:
    """Yield a forecast piece by piece. `singly`: every call by itself, too."""
    reader = Reader(told.zones, told.zone, told.now)
    document = ForecastDocument(
        now=told.now,
        until=told.until,
        zone=told.zone,
        requests_per_minute=told.requests_per_minute,
        refreshes=told.refreshes,
        resets=told.resets,
        calls=None,
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
    return encoded(document, calls=map(_call, told.calls)) if singly else encoded(document)


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
