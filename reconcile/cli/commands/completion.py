"""`completion`: a script for the shell, and the addresses that script asks for."""

from argparse import Namespace

from reconcile.cli.console import Console


def run(options: Namespace, console: Console) -> int:
    """Print the script, or one address a line."""
    if options.shell == "addresses":
        from reconcile.config.load import plain_addresses

        console.give("".join(f"{address}\n" for address in plain_addresses(options.file)))
        return 0
    from reconcile.cli.arguments import command_line
    from reconcile.cli.completing import levels
    from reconcile.cli.completing_shells import SHELLS

    console.give(SHELLS[options.shell](tuple(levels(command_line()))))
    return 0
