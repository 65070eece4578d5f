"""`completion`: the script that has a shell ask what may come next, at each press of Tab."""

import click

from reconcile.cli.shells import SHELLS
from reconcile.terminal.console import Console
from reconcile.terminal.options import Command, OneOf, Options, output_options

_SHELLS = {shell.name: shell for shell in SHELLS}


@click.command(cls=Command)
@click.argument("shell", type=OneOf(tuple(_SHELLS)), metavar="bash|zsh|fish")
@output_options
def run_completion(options: Options, console: Console) -> int:
    """Print the script."""
    root = click.get_current_context().find_root().command
    shell = _SHELLS[options.shell](root, {}, "reconcile", "_RECONCILE_COMPLETE")
    console.give(shell.source())
    return 0
