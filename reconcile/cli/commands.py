"""The table of commands: the one place that names them. Importing it imports none of them."""

from collections.abc import Mapping
from importlib import import_module

import click
from click.exceptions import NoSuchCommand
from click.shell_completion import CompletionItem

TABLE: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Plan and apply": {
        "plan": ("cli.plan", "Show the calls that are due now, and where every item stands."),
        "apply": ("cli.apply", "Make the calls that are due."),
        "show": ("cli.show", "Show every item, or a saved plan."),
        "state": ("cli.state", "Look at the recorded state, and mend it."),
    },
    "The files": {
        "init": ("cli.files", "Start a file, or add models to one."),
        "validate": ("cli.files", "Check the files; opens no socket and reads no token."),
        "fmt": ("cli.files", "Give files their canonical form, comments included."),
    },
    "Time": {
        "forecast": (
            "forecast.command",
            "Show the calls of the coming days, and how full they are.",
        ),
        "why": ("forecast.command", "Show why one item is due or not, and when it will run."),
        "simulate": (
            "simulation.command",
            "Play months of plan and apply in virtual time, against an in-memory Omni.",
        ),
    },
    "The live instance, only read": {
        "discover": (
            "live.command",
            "List connections, models, policies and native schedules.",
        ),
        "drift": ("live.command", "Compare the files with it; exit 8 if they differ."),
        "import": (
            "live.command",
            "Write models of it into the file; the rest of that stays as it is.",
        ),
        "lock": ("live.command", "Write down which models the [[select]] blocks stand for."),
    },
    "An Omni to try things on": {
        "rehearse": (
            "sandbox.command",
            "Plan and apply against an embedded server, on a copy of the state.",
        ),
        "sandbox": ("sandbox.command", "Serve an Omni server on loopback."),
    },
    "Commands that stay": {
        "run": ("controller.command", "Stay, and make the calls whenever they fall due."),
        "fleet": ("fleet.command", "Reconcile many instances, with any number of workers."),
    },
    "Help": {
        "help": ("cli.explain", "Print the help of a command."),
        "docs": (
            "cli.explain",
            "Read the documents: tutorial, keys, runbook and others.",
        ),
        "explain": ("cli.explain", "Explain an error code, an exit code or a key."),
        "schema": ("cli.schema", "Print the JSON Schema of the file, or of an output."),
        "completion": ("cli.completion", "Print what completes commands in a shell."),
    },
}
"""Heading -> name -> the module that has `run_NAME`, and one line of help.

An extra can be deleted with its lines: nothing else imports its folder but on the way to do what
was asked for.
"""

_COMMANDS = {name: command for commands in TABLE.values() for name, command in commands.items()}


class NotInstalledError(Exception):
    """A command needs a package that comes with an extra."""

    def __init__(self, command: str, package: str, extra: str) -> None:
        super().__init__(package)
        self.command, self.package, self.extra = command, package, extra


class Commands(click.Group):
    """The commands of the table. Only the one that is called is imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command. Raises NotInstalledError."""
        if cmd_name not in _COMMANDS:
            return None
        place, summary = _COMMANDS[cmd_name]
        try:
            module = import_module(f"reconcile.{place}")
        except ModuleNotFoundError as missing:
            if missing.name is None or missing.name.partition(".")[0] == "reconcile":
                raise
            if ctx.resilient_parsing:  # A shell asks, and shows whatever is said.
                return None
            raise NotInstalledError(cmd_name, missing.name, place.partition(".")[0]) from None
        command: click.Command = getattr(module, f"run_{cmd_name}")
        command.help = summary
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; click itself suggests only what is imported already."""
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as unknown:
            raise NoSuchCommand(unknown.command_name, None, _COMMANDS, ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write all commands by what they are about."""
        del ctx
        widest = max(map(len, _COMMANDS))
        for heading, commands in filter(all, TABLE.items()):
            with formatter.section(heading):
                rows = ((name.ljust(widest), line) for name, (_, line) in commands.items())
                formatter.write_dl(list(rows))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Offer options, and the commands with their lines of help."""
        named = [item for item in _COMMANDS.items() if item[0].startswith(incomplete)]
        commands = [CompletionItem(name, help=summary) for name, (_, summary) in named]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]
