"""`forecast` and `why`: what will fall due, and why one item is due or not.

Both open no socket, read no token and take no lock.
"""

from datetime import timedelta
from io import TextIOWrapper

import click

from reconcile.clock import wall_clock
from reconcile.config.values import parse_positive_duration
from reconcile.errors import LeafError, fail
from reconcile.forecast.documents import explained, forecast_json
from reconcile.forecast.text import schedule_why_text, why_text
from reconcile.forecast.why import explain
from reconcile.model.address import Address
from reconcile.model.desired import Desired
from reconcile.model.forecast import Forecast
from reconcile.model.plan import Choice
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.planning.ahead import forecast
from reconcile.planning.guards import declared_addresses
from reconcile.planning.plan import plan
from reconcile.planning.signals import foreseen
from reconcile.render.documents import encode
from reconcile.render.outline import outlined
from reconcile.terminal import options as shared
from reconcile.terminal.console import Console, read_elsewhere
from reconcile.terminal.inputs import declared_address, gather_desired, gather_now, gather_recorded

# `forecast`: the calls that will fall due. Opens no socket, reads no token, takes no lock.


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
    span = _span(options.span)
    desired = gather_desired(options, console)
    recorded = gather_recorded(desired, console)
    now, clock = gather_now(options.at), wall_clock()
    if options.assume_signals:
        clock = max(clock, now + span)
        recorded = replace(recorded, signals=foreseen(recorded.signals, now, now + span))
    told = forecast(desired, recorded, now, span, clock)
    _say(told, console, options)
    return 0


def _say(told: Forecast, console: Console, options: shared.Options) -> None:
    if options.format == "json":
        console.say_pieces(forecast_json(told, singly=options.calls))
    elif options.format == "ics":
        from reconcile.forecast.text import forecast_ics

        if isinstance(console.out, TextIOWrapper):
            # RFC 5545 fixes the encoding and the line ends, whatever the terminal prefers.
            console.out.reconfigure(encoding="utf-8", newline="")
        console.say_pieces(forecast_ics(told, singly=options.calls))
    else:
        from reconcile.forecast.text import forecast_text

        coloured = console.coloured(console.out)
        console.say(forecast_text(told, width=console.width(), colour=coloured))


def _span(text: str) -> timedelta:
    try:
        return parse_positive_duration(text)
    except LeafError as error:
        raise fail(
            "bad-duration",
            headline="--for needs a duration",
            detail=error.detail,
            hint="reconcile forecast --for 7d",
        ) from error


# `why`: why one item is due or not. Opens no socket, reads no token, takes no lock.


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
    told = explained(explain(desired, recorded, gather_now(options.at), address, wall_clock()))
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
    outline = outlined(planned, host=desired.base_url)
    if console.format == "json":
        console.say(encode(outline.document))
    else:
        coloured = console.coloured(console.out)
        console.say(schedule_why_text(outline, width=console.width(), colour=coloured))
    return 0
