"""`explain`: what a diagnostic code or an exit code means."""

from collections.abc import Iterator
from difflib import get_close_matches

import click

from reconcile.errors import fail
from reconcile.messages import EXIT_CODES, MESSAGES
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
    shell_complete=lambda _, __, incomplete: offered(MESSAGES, incomplete),
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


_ENDS = {str(int(code)): words for code, words in EXIT_CODES.items()}
"""What each exit code means, as it is asked for."""


def _known(asked: str) -> str:
    # As it is read in a message: error[over-limit-calls].
    code = asked.rpartition("[")[2].rstrip("]:").lower()
    if code in MESSAGES or code in _ENDS:
        return code
    near = get_close_matches(code[:_ECHOED], MESSAGES, n=1)
    raise fail(
        "unknown-code",
        f"Nothing that the tool says has the code {code[:_ECHOED]}."
        + (f" Did you mean {near[0]}?" if near else ""),
        hint=f"reconcile explain {near[0]}" if near else "reconcile explain",
    )


def _paragraph(code: str, console: Console) -> Iterator[str]:
    heading, words = f"exit code {code}", _ENDS.get(code, "")
    if code in MESSAGES:
        heading, words = f"{code}: {_summary(code)}", MESSAGES[code].explanation
    yield paint(escape_terminal(heading), Ink.BOLD, colour=console.coloured(console.out))
    yield from wrap(words, console.width())


def _listing(console: Console) -> Iterator[str]:
    coloured = console.coloured(console.out)
    yield paint("Diagnostic codes", Ink.BOLD, colour=coloured)
    widest = max(map(len, MESSAGES)) + 2
    for code in sorted(MESSAGES):
        yield from _row(code, _summary(code), widest, console.width())
    yield ""
    yield paint("Exit codes", Ink.BOLD, colour=coloured)
    for code, words in _ENDS.items():
        yield from _row(code, words, 5, console.width())


def _row(name: str, words: str, column: int, width: int) -> Iterator[str]:
    first, *more = wrap(words, max(width - column - 2, 20))
    yield f"  {name:<{column}}{first}"
    yield from (" " * (column + 2) + line for line in more)


def _summary(code: str) -> str:
    summary = MESSAGES[code].headline
    return f"{summary[0].upper()}{summary[1:]}"


def _document(code: str | None) -> str:
    codes = {
        name: (_summary(name), MESSAGES[name].explanation)
        for name in sorted(MESSAGES)
        if code in {None, name}
    }
    meanings = {name: words for name, words in _ENDS.items() if code in {None, name}}
    return explanations_json(codes, meanings)
