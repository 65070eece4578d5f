"""`explain`: what a diagnostic code or an exit code means."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

import click

from reconcile.errors import Diagnostic, ReconcileError
from reconcile.messages import ALL_CODES
from reconcile.render.documents import explanations_json
from reconcile.render.escape import escape_terminal
from reconcile.render.layout import Ink, paint, wrap
from reconcile.terminal.console import Console
from reconcile.terminal.options import (
    Command,
    Options,
    offered,
    output_options,
)

_ECHOED = 80


@click.command(cls=Command)
@click.argument(
    "code",
    required=False,
    shell_complete=lambda _, __, incomplete: offered(ALL_CODES, incomplete),
    help="Such as lock-held, or 5.",
)
@output_options
def run_explain(options: Options, console: Console) -> int:
    """Explain one code, or list them all."""
    code = None if options.code is None else _known(options.code)
    if console.format == "json":
        console.say(_document(code))
    elif code is None:
        console.say("\n".join(_listing(console)))
    else:
        console.say("\n".join(_paragraph(code, console)))
    return 0


def _known(asked: str) -> str:
    # As it is read in a message: error[over-limit-calls].
    code = asked.rpartition("[")[2].rstrip("]:").lower()
    if code in ALL_CODES or code in EXIT_CODES:
        return code
    near = get_close_matches(code[:_ECHOED], ALL_CODES, n=1)
    raise ReconcileError(
        Diagnostic(
            code="unknown-code",
            summary=ALL_CODES["unknown-code"].summary,
            detail=f"Nothing that the tool says has the code {code[:_ECHOED]}."
            + (f" Did you mean {near[0]}?" if near else ""),
            hint=f"reconcile explain {near[0]}" if near else "reconcile explain",
        )
    )


def _paragraph(code: str, console: Console) -> Iterator[str]:
    heading, words = f"exit code {code}", EXIT_CODES.get(code, "")
    if code in ALL_CODES:
        heading, words = f"{code}: {_summary(code)}", ALL_CODES[code].explanation
    yield paint(escape_terminal(heading), Ink.BOLD, colour=console.coloured(console.out))
    yield from wrap(words, console.width())


def _listing(console: Console) -> Iterator[str]:
    coloured = console.coloured(console.out)
    yield paint("Diagnostic codes", Ink.BOLD, colour=coloured)
    widest = max(map(len, ALL_CODES)) + 2
    for code in sorted(ALL_CODES):
        yield from _row(code, _summary(code), widest, console.width())
    yield ""
    yield paint("Exit codes", Ink.BOLD, colour=coloured)
    for code, words in EXIT_CODES.items():
        yield from _row(code, words, 5, console.width())


def _row(name: str, words: str, column: int, width: int) -> Iterator[str]:
    first, *more = wrap(words, max(width - column - 2, 20))
    yield f"  {name:<{column}}{first}"
    yield from (" " * (column + 2) + line for line in more)


def _summary(code: str) -> str:
    summary = ALL_CODES[code].summary
    return f"{summary[0].upper()}{summary[1:]}"


def _document(code: str | None) -> str:
    codes = {
        name: (_summary(name), ALL_CODES[name].explanation)
        for name in sorted(ALL_CODES)
        if code in {None, name}
    }
    meanings = {name: words for name, words in EXIT_CODES.items() if code in {None, name}}
    return explanations_json(codes, meanings)


# What the exit codes of the process mean.

EXIT_CODES: Mapping[str, str] = {
    "0": "There was nothing to do, or everything that was asked for was done.",
    "1": "An error: in the files, on the command line, of the API, or of the tool.",
    "2": "With --detailed-exitcode: calls are due, or were made, or something changes.",
    "3": "Blocked by a limit; nothing was sent. Of plan, with --detailed-exitcode: it would be.",
    "4": "The saved plan or the approved digest no longer matches; nothing was sent.",
    "5": "Another run holds the lock.",
    "6": "Partly applied: some items failed, go on, or have an unknown outcome.",
    "8": "drift: the live instance differs.",
    "130": "Interrupted from the keyboard; the state is saved, and another apply goes on.",
    "143": "Terminated; the state is saved, and another apply goes on.",
}
