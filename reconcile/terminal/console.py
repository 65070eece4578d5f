"""Where everything the tool says is printed, and nothing else prints."""

import gc
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal, TextIO

from msgspec import Struct

from reconcile.clock import wall_clock
from reconcile.errors import Diagnostic, Severity, diagnose
from reconcile.model.plan import Plan
from reconcile.model.struct import replace, rfc3339
from reconcile.render.actions import plan_document
from reconcile.render.diagnostics import annotation, diagnostic_text
from reconcile.render.documents import diagnostics_json, encoded
from reconcile.render.layout import LEAST_WIDTH, escape_ci_log, for_encoding
from reconcile.render.outline import outlined
from reconcile.render.plan import plan_text

PIPED_WIDTH = 100

_RUNNERS = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")
"""Set by what runs pipelines; Azure and TeamCity do not set the first."""

_NO = frozenset(("", "false", "0"))

ColourChoice = Literal["auto", "always", "never"]
Format = Literal["text", "json", "markdown", "html"]


class Console(Struct, frozen=True):
    """The two output streams of this process, and how they may be written to.

    `annotate`: diagnostics become annotations of a pull request, too. `complete`: gives a command
    that people are told to run what the running one was given. `kept`: diagnostics that are told
    as one JSON document at the end; None in a command that stays, which tells each at once.
    """

    out: TextIO
    err: TextIO
    format: Format
    colour: ColourChoice = "auto"
    annotate: bool = False
    complete: Callable[[str], str] = str
    kept: list[Diagnostic] | None = None

    def say(self, text: str) -> None:
        """Print a result on standard output."""
        _write(self.out, self._inert(text) if self.format == "text" else text)

    def say_document(self, document: Struct) -> None:
        """Print a document as JSON on standard output."""
        self.say_pieces(encoded(document))

    def say_pieces(self, pieces: Iterable[str]) -> None:
        """Print a result for programs on standard output, piece by piece."""
        for piece in pieces:
            _write(self.out, piece, end="")

    def give(self, text: str) -> None:
        """Print what is to be kept as it is, such as a state or a script, on standard output."""
        _write(self.out, text)

    @property
    def answers(self) -> bool:
        """Whether there is somebody who can be asked."""
        return sys.stdin is not None and sys.stdin.isatty() and self.format == "text"

    def ask(self, text: str) -> str:
        """Print a question on standard output and return the answer; empty where none came."""
        _write(self.out, text, end="")
        try:
            return input().strip()
        except EOFError:
            return ""

    def note(self, text: str) -> None:
        """Print something beside the result on standard error."""
        _write(self.err, self._inert(text))

    def width(self) -> int:
        """Width of the terminal in cells; a fixed one when piped, so that logs are stable."""
        if not self.out.isatty():
            return PIPED_WIDTH
        return max(LEAST_WIDTH, shutil.get_terminal_size((80, 24)).columns)

    def coloured(self, stream: TextIO) -> bool:
        """Tell whether a stream gets colour: NO_COLOR says no, then FORCE_COLOR says yes."""
        if self.colour != "auto":
            return self.colour == "always"
        if os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR", "0") not in {"", "0"}:
            return True
        if os.environ.get("TERM") == "dumb":
            return False
        return stream.isatty()

    def diagnose(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Print diagnostics on standard error; as JSON, if that was asked, see `kept`.

        In GitHub Actions, and with --format github, each is also an annotation of the pull request:
        the runner looks for those in both streams, and standard error is free for them, unless it
        is to be JSON.
        """
        listed = [
            replace(one, hint=self.complete(one.hint)) if one.hint else one for one in diagnostics
        ]
        if not listed:
            return
        if self.format == "json" and self.kept is not None:
            self.kept.extend(listed)
        elif self.format == "json":
            self.note(diagnostics_json(listed, indent=0))
        else:
            coloured, width = self.coloured(self.err), self.width()
            for diagnostic in listed:
                self.note(diagnostic_text(diagnostic, width=width, colour=coloured))
        if self.annotate:
            for diagnostic in listed:
                _write(self.err, annotation(_from_workspace(diagnostic)))

    def end(self) -> None:
        """Print the diagnostics that were kept for the end."""
        if self.kept:
            self.note(diagnostics_json(self.kept))

    def _inert(self, text: str) -> str:
        """Leave nothing in a log that a runner would obey; elsewhere text stays as it is."""
        runner = any(os.environ.get(name, "").lower() not in _NO for name in _RUNNERS)
        return escape_ci_log(text) if runner or self.annotate else text


def standard_console(format_: Format | Literal["github"], colour: ColourChoice) -> Console:
    """Make the console of this process. `github`: text, and annotations wherever it runs."""
    on_github = os.environ.get("GITHUB_ACTIONS") == "true" and format_ != "json"
    annotate = format_ == "github" or on_github
    shown: Format = "text" if format_ == "github" else format_
    return Console(sys.stdout, sys.stderr, shown, colour, annotate, kept=[])


def _from_workspace(diagnostic: Diagnostic) -> Diagnostic:
    """Name files as GitHub knows them: from the root of the checkout, wherever a step runs."""
    root = os.environ.get("GITHUB_WORKSPACE")
    if not root:
        return diagnostic
    places = []
    for place in diagnostic.places:
        file = os.path.relpath(place.file, root)
        places.append(place if file.startswith("..") else replace(place, file=file))
    return replace(diagnostic, places=tuple(places))


def _write(stream: TextIO, text: str, end: str = "\n") -> None:
    """Write a text that ends with `end`. That its reader went away (`| head`) changes nothing."""
    try:
        stream.write(for_encoding(text, getattr(stream, "encoding", None)))
        if not text.endswith(end):
            stream.write(end)
        stream.flush()
    except BrokenPipeError:
        let_go(stream)


def let_go(stream: TextIO) -> None:
    """Have a stream that nobody reads any more lead nowhere, what is still buffered with it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def collect_again() -> None:
    """Search for cycles from now on, but not among what has been built so far.

    A call leaves none behind, so it is enough to search now and then: each 700 objects, as Python
    would, takes a twentieth of a simulation.
    """
    gc.freeze()
    gc.set_threshold(10_000)
    gc.enable()


# Showing a plan, for every command that makes one.


def read_elsewhere(now: datetime, console: Console) -> bool:
    """Tell whether a text about `now` may be read where that is not today: its date is told."""
    today = wall_clock().astimezone().date()
    return not console.out.isatty() or now.astimezone().date() != today


def say_plan(
    planned: Plan, console: Console, *, host: str | None, verbose: bool, state: str = ""
) -> None:
    """Print a plan in the format that was asked for. `state`: its name, where it is to be told."""
    if console.format == "json":
        console.say_document(plan_document(planned, host=host, complete=console.complete))
        return
    text = plan_text(
        outlined(planned, host=host, state=state, complete=console.complete),
        width=console.width(),
        colour=console.coloured(console.out),
        verbose=verbose,
        elsewhere=read_elsewhere(planned.now, console),
    )
    console.say(text)


def warn_of_clock(newest: datetime | None, console: Console) -> None:
    """Warn of records and signals that are void. `newest`: the newest of their instants, if any."""
    if newest is None:
        return
    told = diagnose(
        "clock-went-back",
        f"The newest is {rfc3339(newest)}, of a run or a signal. A clock that was ahead wrote "
        "it, so it covers nothing and delays nothing.",
        hint="Set that machine's clock. The next call that is made puts the record right.",
        severity=Severity.WARNING,
    )
    console.diagnose([told])
