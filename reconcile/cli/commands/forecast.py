"""`forecast`: the calls that will fall due. Opens no socket, reads no token, takes no lock."""

from argparse import Namespace
from datetime import timedelta
from io import TextIOWrapper

from reconcile.cli.console import Console
from reconcile.cli.gathering import gather_desired, gather_now, gather_recorded
from reconcile.cli.holding import hold
from reconcile.clock import wall_clock
from reconcile.config.problems import LeafError
from reconcile.config.values import parse_positive_duration
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.forecast import Forecast
from reconcile.planning.ahead import forecast


def run(options: Namespace, console: Console) -> int:
    """Forecast and print."""
    span = _span(options.span)
    desired = gather_desired(options, console)
    recorded = hold(gather_recorded(desired, console))
    told = forecast(desired, recorded, gather_now(options.at), span, wall_clock())
    _say(told, console, options.format)
    return 0


def _say(told: Forecast, console: Console, form: str) -> None:
    if form == "json":
        from reconcile.render.forecast import forecast_json

        console.say(forecast_json(told))
    elif form == "ics":
        from reconcile.render.calendar import forecast_ics

        if isinstance(console.out, TextIOWrapper):
            # RFC 5545 fixes the encoding and the line ends, whatever the terminal prefers.
            console.out.reconfigure(encoding="utf-8", newline="")
        console.say(forecast_ics(told))
    else:
        from reconcile.render.forecast import forecast_text

        coloured = console.coloured(console.out)
        console.say(forecast_text(told, width=console.width(), colour=coloured))


def _span(text: str) -> timedelta:
    try:
        return parse_positive_duration(text)
    except LeafError as error:
        raise ReconcileError(
            Diagnostic(
                code="bad-duration",
                summary="--for needs a duration",
                detail=error.detail,
                hint="reconcile forecast --for 7d",
            )
        ) from error
