"""`signal`: say that something happened, such as the end of a load. No socket, no token."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime

import click

from reconcile.clock import wall_clock
from reconcile.errors import ReconcileError, fail
from reconcile.model.desired import Desired
from reconcile.model.recorded import Signal
from reconcile.planning.guards import nearest
from reconcile.planning.plan import standings
from reconcile.planning.signals import awaited, newest, rhythm
from reconcile.render.reasons import home_zone
from reconcile.render.records import KnownSignal, Receipt, receipt_text, signals_json, signals_text
from reconcile.render.words import Vantage, duration_text
from reconcile.state.backend import backend, load
from reconcile.state.origin import origin_here
from reconcile.terminal import options as shared
from reconcile.terminal.console import Console
from reconcile.terminal.inputs import gather_desired, gather_now, load_recorded


@click.command(cls=shared.Command)
@click.argument(
    "name", required=False, shell_complete=shared.complete_signals, help="Such as warehouse-load."
)
@shared.file_option
@shared.state_option
@shared.output_options
@click.option("--at", metavar="INSTANT", help="When it happened (RFC 3339); now if not given.")
@click.option("--note", metavar="TEXT", help="What is shown beside it, such as a run's URL.")
@click.option("--list", "listing", is_flag=True, help="Show every signal and what awaits it.")
def run_signal(options: shared.Options, console: Console) -> int:
    """Put a signal into the inbox of the state, whatever an apply is doing; or list all."""
    desired = gather_desired(options, console)
    if options.listing or options.name is None:
        if options.name is not None or options.at is not None or options.note is not None:
            raise click.UsageError("--list shows signals and sends none; leave the rest out.")
        _show(desired, awaited(desired), None, console)
        return 0
    name, at = options.name, gather_now(options.at)
    receipt = send(desired, name, at, options)
    _show(desired, (name,), receipt, console)
    return 0


def send(desired: Desired, name: str, at: datetime, options: shared.Options) -> Receipt:
    """Record a signal, unless a newer one is known. Raises ReconcileError where it cannot be."""
    require_awaited(name, desired)
    now = wall_clock()
    if at > now:
        raise _of_the_future(at, now)
    last = None
    with suppress(ReconcileError):  # A state that cannot be read does not stop the next signal.
        last = newest(load(desired.state_url).recorded.signals, name, now)
    if last is not None and last.at >= at:
        same = "it is known already" if last.at == at else "a newer one is known"
        return Receipt(name, last.at, same)
    origin = origin_here(options.file)
    person = " on ".join(filter(None, (origin.who, origin.machine))) or None
    signal = Signal(at, now, origin.run or person, getattr(options, "note", None))
    backend(desired.state_url).inbox.deliver(name, signal)
    return Receipt(name, at)


def require_awaited(name: str, desired: Desired) -> None:
    """Refuse a signal that no item awaits. Raises ReconcileError with the nearest that one does."""
    known = awaited(desired)
    if name in known:
        return
    near = nearest(name, known)
    listed = f"The files await {', '.join(known)}." if known else "The files await no signal."
    raise fail(
        "signal-not-awaited",
        f"Did you mean {near}?" if near else listed,
        hint=f"reconcile signal {near}" if near else "reconcile signal --list",
        headline=f'No item awaits a signal "{name[:100]}"',
    )


def _of_the_future(at: datetime, now: datetime) -> ReconcileError:
    ahead = duration_text((at - now).total_seconds(), up=True)
    return fail(
        "signal-of-the-future",
        f"--at lies {ahead} ahead of this machine's clock. Nothing was recorded.",
        hint="Leave --at out if it has happened just now.",
    )


def _refused(desired: Desired) -> Mapping[str, tuple[datetime, str]]:
    """Return what webhooks sent last that was no signal. An inbox that is damaged was told of."""
    with suppress(ReconcileError):
        unheeded = backend(desired.state_url).inbox.unheeded()
        return {name: (it.at, it.why) for name, it in unheeded.items()}
    return {}


def _show(
    desired: Desired, names: Iterable[str], receipt: Receipt | None, console: Console
) -> None:
    recorded = load_recorded(desired.state_url, console)
    now, awaiting = wall_clock(), awaited(desired)
    stand = {standing.address: standing for standing in standings(desired, recorded, now)}
    refused = _refused(desired)
    known = [
        KnownSignal(
            name,
            newest(recorded.signals, name, now),
            rhythm(recorded.signals.get(name, ())),
            tuple(stand[address] for address in awaiting[name]),
            refused.get(name),
        )
        for name in names
    ]
    if console.format == "json":
        console.say(signals_json(known, receipt))
        return
    view = Vantage(home_zone(tuple(stand.values())), now)
    told = "" if receipt is None else receipt_text(receipt, view)
    console.say(told + signals_text(known, view, console.width()))
