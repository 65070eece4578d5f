"""`why`: why one item is due or not. Opens no socket, reads no token, takes no lock."""

from argparse import Namespace

from reconcile.cli.console import Console
from reconcile.cli.gathering import declared_address, gather_desired, gather_now, gather_recorded
from reconcile.planning.review.explaining import explain
from reconcile.render.why.answer import why_json, why_text


def run(options: Namespace, console: Console) -> int:
    """Explain one item and print."""
    desired = gather_desired(options, console)
    address = declared_address(options.address, {item.address for item in desired.items})
    recorded = gather_recorded(desired, console)
    told = explain(desired, recorded, gather_now(options.at), address)
    if console.format == "json":
        console.say(why_json(told))
    else:
        coloured = console.coloured(console.out)
        console.say(why_text(told, width=console.width(), colour=coloured))
    return 0
