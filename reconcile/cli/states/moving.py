"""The verbs about where the state is kept: check, migrate."""

from argparse import Namespace

from reconcile.cli.console import Console
from reconcile.cli.gathering import absolute_url
from reconcile.cli.states.subject import state_url
from reconcile.clock import wall_clock
from reconcile.render.escape import escape_terminal
from reconcile.render.words import counted
from reconcile.state.files import is_remote
from reconcile.state.load import load
from reconcile.state.mend import migrate


def check_store(options: Namespace, console: Console) -> int:
    """See that the store of the state keeps two runs apart."""
    url = state_url(options, console)
    if not is_remote(url):
        console.say("State is kept in a local file; every apply tries its lock out.")
        return 0
    from reconcile.state.remote.stores import prove_store

    prove_store(url)
    console.say("The store refuses a second create and a stale update: it keeps two runs apart.")
    return 0


def move_state(options: Namespace, console: Console) -> int:
    """Copy the state to another place."""
    source = absolute_url(options.source, "FROM-URL")
    target = absolute_url(options.target, "TO-URL")
    console.diagnose(load(source).warnings)
    moved = migrate(source, target, lock_timeout_s=options.lock_timeout, now=wall_clock())
    console.say(
        f"Copied {counted(len(moved.items), 'record')}, serial {moved.serial}, lineage "
        f"{moved.lineage}. What is at the old place stays, and must not be used any more.\n"
        f'Next, in the file: [state] url = "{escape_terminal(options.target)}"'
    )
    return 0
