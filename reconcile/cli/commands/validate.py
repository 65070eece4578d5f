"""`validate`: check the files. Opens no socket and reads no token."""

from argparse import Namespace

from reconcile.cli.console import Console
from reconcile.cli.gathering import gather_desired
from reconcile.model.desired import RefreshItem
from reconcile.render.json_text import encode
from reconcile.render.names import counted


def run(options: Namespace, console: Console) -> int:
    """Load everything, print what is wrong with it, and count what is declared."""
    desired = gather_desired(options, console)
    refreshes = sum(isinstance(item, RefreshItem) for item in desired.items)
    resets = len(desired.items) - refreshes
    models = len({item.model for item in desired.items})
    if console.format == "json":
        counts = {"models": models, "refreshes": refreshes, "resets": resets}
        console.say(encode({"format_version": 1, "valid": True, **counts}))
        return 0
    listed = ", ".join(
        counted(number, noun)
        for number, noun in ((models, "model"), (refreshes, "refresh"), (resets, "reset"))
    )
    console.say(f"Valid: {listed}.")
    return 0
