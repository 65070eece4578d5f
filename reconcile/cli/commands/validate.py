"""`validate`: check the files. Opens no socket and reads no token."""

from argparse import Namespace

from reconcile.cli.console import Console
from reconcile.cli.gathering import gather_desired, gather_now
from reconcile.model.desired import Desired, RefreshItem
from reconcile.planning.feasibility import clock_changes, feasibility
from reconcile.render.forecast import clocks_text, validation_json
from reconcile.render.words import counted


def run(options: Namespace, console: Console) -> int:
    """Load everything, print what is wrong with it, and what the coming year brings."""
    desired = gather_desired(options, console)
    now = gather_now(options.at)
    console.diagnose(feasibility(desired, now))
    if desired.schedules:
        from reconcile.cli.live.shadowing import shadow_warnings

        console.diagnose(shadow_warnings(desired, now))
    changes = clock_changes(desired, now)
    counts = _counts(desired)
    if console.format == "json":
        console.say(validation_json(counts, changes))
        return 0
    nouns = {
        "models": "model",
        "refreshes": "refresh",
        "resets": "reset",
        "schedules": "native schedule",
    }
    listed = ", ".join(counted(number, nouns[name]) for name, number in counts.items())
    clocks = clocks_text(changes, now, width=console.width())
    console.say(f"Valid: {listed}.\n{clocks}")
    return 0


def _counts(desired: Desired) -> dict[str, int]:
    refreshes = sum(isinstance(item, RefreshItem) for item in desired.items)
    return {
        "models": len({item.model for item in desired.items}),
        "refreshes": refreshes,
        "resets": len(desired.items) - refreshes,
        **({"schedules": len(desired.schedules)} if desired.schedules else {}),
    }
