"""Reads a command line without running it."""

from collections.abc import Sequence

import click

from reconcile.cli.main import command_line
from reconcile.terminal.options import Options


def parsed(words: Sequence[str]) -> Options:
    """Return what a command would be given, and its path. Raises click's errors."""
    command: click.Command | None = command_line
    context, left = (
        click.Context(command_line, info_name="reconcile", **command_line.context_settings),
        list(words),
    )
    while isinstance(command, click.Group):
        name, command, left = command.resolve_command(context, left)
        assert command is not None
        context = command.make_context(name, left, parent=context)
    return Options(path=context.command_path, **context.params)
