"""`state`: look at what is recorded, and mend it."""

from argparse import Namespace
from importlib import import_module

from reconcile.cli.console import Console

_LOOKING, _MENDING = "reconcile.cli.states.looking", "reconcile.cli.states.mending"
_MOVING = "reconcile.cli.states.moving"
_VERBS = {
    "list": (_LOOKING, "list_records"),
    "show": (_LOOKING, "show"),
    "history": (_LOOKING, "past"),
    "verify": (_LOOKING, "check"),
    "pull": (_LOOKING, "fetch"),
    "rm": (_MENDING, "remove"),
    "mv": (_MENDING, "move"),
    "mark": (_MENDING, "mark"),
    "push": (_MENDING, "send"),
    "unlock": (_MENDING, "unlock_stale"),
    "repair": (_MENDING, "mend_journal"),
    "restore": (_MENDING, "go_back"),
    "check": (_MOVING, "check_store"),
    "migrate": (_MOVING, "move_state"),
}


def run(options: Namespace, console: Console) -> int:
    """Carry out one verb."""
    module, name = _VERBS[options.verb]
    code: int = getattr(import_module(module), name)(options, console)
    return code
