"""What becomes of a command line that cannot be carried out: a diagnostic, and an exit code."""

from collections.abc import Sequence

import click
from click.exceptions import NoSuchCommand, NoSuchOption

from reconcile import install_with
from reconcile.cli.commands import NotInstalledError
from reconcile.errors import Diagnostic, diagnose, mishap
from reconcile.messages import ExitCode
from reconcile.terminal.console import standard_console


def refuse(error: Exception, given: Sequence[str]) -> int:
    """Say what is wrong with the words that were given; returns the exit code."""
    match error:
        case click.Abort():
            return ExitCode.INTERRUPTED
        case click.ClickException():
            told: Sequence[Diagnostic] = [_bad_usage(error)]
        case NotInstalledError():
            told = [_not_installed(error)]
        case _:
            told = mishap(error)
    # It could not be read, and may still ask for JSON.
    as_json = "--format json" in " ".join(given) or bool({"--format=json", "--json"} & {*given})
    standard_console("json" if as_json else "text", "auto").diagnose(told)
    return ExitCode.ERROR


def _bad_usage(error: click.ClickException) -> Diagnostic:
    """Put click's words in ours. It shows no value of an option that is unknown."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "reconcile"
    why = " ".join(error.format_message().split())
    meant = ""
    if isinstance(error, NoSuchCommand | NoSuchOption) and error.possibilities:
        why, meant = error.message, f" Did you mean {error.possibilities[0]}?"
    culprit, _, more = why.partition(". ")
    return diagnose(
        "bad-usage",
        headline=f"{command}: {culprit.rstrip('.')}",
        detail=f"{more or 'The command line cannot be read.'}{meant}",
        hint=f"{command} --help",
    )


def _not_installed(error: NotInstalledError) -> Diagnostic:
    return diagnose(
        "extra-missing",
        f"`{error.command}` needs the package {error.package}, which comes with the extra "
        f"`{error.extra}`.",
        hint=install_with(error.extra),
    )
