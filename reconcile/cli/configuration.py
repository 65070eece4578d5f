"""`validate`, `init`, `fmt`: the commands about files. They open no socket and read no token."""

import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

import click

from reconcile.config import edit
from reconcile.config.load import load, load_text
from reconcile.config.toml import LARGEST, at_file, decode_text
from reconcile.config.writer import replace_content
from reconcile.errors import Diagnostic, LeafError, ReconcileError, Severity, diagnose, fail
from reconcile.model.address import OperatorUrl, require_no_secret
from reconcile.model.desired import Desired, RefreshItem
from reconcile.planning.feasibility import clock_changes, declared_shadows, feasibility, never_run
from reconcile.render import documents
from reconcile.render.diagnostics import clocks_text, validation_json
from reconcile.render.layout import escape_terminal, wrap
from reconcile.render.reasons import shadow_text
from reconcile.render.words import counted
from reconcile.state.backend import backend
from reconcile.terminal import options as shared
from reconcile.terminal.console import Console
from reconcile.terminal.inputs import (
    absolute_url,
    file_to_write,
    gather_desired,
    gather_now,
    is_of_state,
    refused,
    require_text,
)

# Files can also be named without `-f`, as editors and hooks do, and one may come from elsewhere.

STANDARD_INPUT = "-"

files_argument = click.argument(
    "files",
    nargs=-1,
    type=shared.FILE,
    metavar="[FILE|DIR|-]...",
    help="Instead of -f; - reads one from standard input.",
)


def _given_text() -> tuple[bytes, str]:
    """Read standard input, up to what a file may hold, and the text of it."""
    content = sys.stdin.buffer.read(LARGEST)
    try:
        return content, decode_text(content)
    except LeafError as error:
        raise ReconcileError(at_file(error, Path(STANDARD_INPUT))) from None


@click.command(cls=shared.Command)
@files_argument
@shared.file_option
@shared.checked_output_options
@shared.at_option
def run_validate(options: shared.Options, console: Console) -> int:
    """Load everything, print what is wrong with it, and what the coming year brings."""
    desired = _declared(options, console)
    now = gather_now(options.at)
    console.diagnose(
        [*feasibility(desired, now), *never_run(desired, now), *_shadow_warnings(desired, now)]
    )
    changes = clock_changes(desired, now)
    counts = _counts(desired)
    if console.format == "json":
        console.say(validation_json(counts, changes))
        return 0
    nouns = {
        "models": "model",
        "refreshes": "refresh",
        "resets": "reset",
        "schedules": "native schedule",
    }
    listed = ", ".join(counted(number, nouns[name]) for name, number in counts.items())
    clocks = clocks_text(changes, now, width=console.width())
    console.say(f"Valid: {listed}.\n{clocks}")
    return 0


def _declared(options: shared.Options, console: Console) -> Desired:
    if options.files != (STANDARD_INPUT,):
        options.file = options.files or options.file
        return gather_desired(options, console)
    loaded = load_text(_given_text()[1], STANDARD_INPUT)
    console.diagnose(loaded.warnings)
    return loaded.desired


def _shadow_warnings(desired: Desired, at: datetime) -> Iterator[Diagnostic]:
    """Yield one warning for each refresh and native schedule that meet in the days after `at`."""
    for found in declared_shadows(desired, at):
        yield diagnose(
            "connection-shadowed",
            f"{found.addresses[0]} and {found.schedule.schedule_id}: {shadow_text(found)}",
            hint="Leave one of the two out, or move it.",
            severity=Severity.WARNING,
        )


def _counts(desired: Desired) -> dict[str, int]:
    refreshes = sum(isinstance(item, RefreshItem) for item in desired.items)
    return {
        "models": len({item.model for item in desired.items}),
        "refreshes": refreshes,
        "resets": len(desired.items) - refreshes,
        **({"schedules": len(desired.schedules)} if desired.schedules else {}),
    }


IGNORED = ("*.lock", "*.reserve", "*.tmp-*", "*.prev", "*.observed")
"""What lies beside a state and means something on one machine only."""

_ADVICE = (
    "Commit the file. The state is its memory: commit it too, with the journal, history and "
    "session beside it, or keep it in a store. What lies there for one machine only belongs in "
    ".gitignore (`reconcile init --gitignore` adds it):"
)
_GLOB = re.compile(r"[\\*?\[ ]")
"""What means something else in a .gitignore."""


@click.command(cls=shared.Command)
@shared.new_file_option
@click.option(
    "--model",
    multiple=True,
    metavar="NAME=UUID",
    help="Add this model, also to a file that exists. May be given again.",
)
@click.option(
    "--state",
    type=shared.FILE,
    metavar="URL",
    help="Where a new file keeps its state; a store is tried out first.",
)
@click.option("--gitignore", is_flag=True, help="Add what is not to be committed to .gitignore.")
@shared.output_options
def run_init(options: shared.Options, console: Console) -> int:
    """Write, and say what to do next."""
    require_text("--state", options.state)
    require_text("--model", *options.model)
    place = _only_file(options.file)
    path = file_to_write(options.file[0])
    models = edit.parse_models(options.model)
    beside = edit.sources_beside(place, path)
    there = os.path.lexists(path)
    what: documents.Become = "created"
    if models and options.state is None and (there or beside):
        file = edit.with_models(path, models, beside)
        if file.changed:
            file.save()
            console.diagnose(edit.leaving(models, file, beside))
            what = "added" if there else "created"
        else:
            what = "unchanged"
    elif there and options.gitignore and options.state is None:
        what = "ignoring"
    else:
        _start(path, models, options.state, beside)
    lines = _not_committed(place, path) if options.gitignore or what == "created" else ()
    ignored = path.with_name(".gitignore")
    if options.gitignore:
        _ignore(ignored, lines)
    if what == "ignoring":
        _say_ignored(console, ignored, lines)
    else:
        told = [*wrap(_ADVICE, console.width()), *(f"  {escape_terminal(it)}" for it in lines), ""]
        advice = "\n".join(told) if lines and not options.gitignore else ""
        _say_written(console, place if what == "unchanged" else path, what, len(models), advice)
    return 0


def _start(path: Path, models: Mapping[str, str], state: str | None, beside: edit.Sources) -> None:
    if state is not None:
        if is_of_state(path, state):
            raise refused("init", str(path), "its own state would be kept there")
        # Two runs have to be kept apart where a new file is to keep its state.
        require_no_secret(state, "--state")
        absolute_url(state)
        backend(OperatorUrl(state)).prove()
    edit.start(path, models, state, beside)


def _not_committed(place: Path, path: Path) -> tuple[str, ...]:
    """Return the lines of a .gitignore beside the file; none where the state is not below it."""
    state = backend(load(place, unlocked=True).desired.state_url).file
    folder = path.absolute().parent
    if state is None or not state.is_relative_to(folder):
        return ()
    below = _GLOB.sub(r"\\\g<0>", state.relative_to(folder).as_posix())
    parent, slash, name = below.rpartition("/")
    # Beside the file there are other things whose names end like that, such as uv.lock.
    stem = f"{parent}/*" if slash else f"/{name}"
    return tuple(stem + pattern.removeprefix("*") for pattern in IGNORED)


def _ignore(path: Path, lines: Iterable[str]) -> None:
    """Add the lines that lack, below those that are there."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    lacking = [line for line in lines if line not in before.splitlines()]
    if lacking:
        gap = "" if before.endswith("\n") or not before else "\n"
        text = before + gap + "".join(f"{line}\n" for line in lacking)
        replace_content(path, text.encode())


def _only_file(files: tuple[str, ...]) -> Path:
    if len(files) > 1:
        raise fail(
            "bad-usage",
            headline="init writes one file",
            detail=f"-f was given {len(files)} times, and nothing says which of them to write.",
            hint=f"reconcile init -f {files[0]}",
        )
    return Path(files[0])


def _say_written(
    console: Console, path: Path, what: documents.Become, models: int, advice: str = ""
) -> None:
    if console.format == "json":
        console.say_document(documents.StartedDocument(file=str(path), result=what))
        return
    name = escape_terminal(str(path))
    match what:
        case "created":
            added = f" with {counted(models, 'model')}" if models else ""
            console.say(f"Created {name}{added}.\n" + (f"\n{advice}" if advice else ""))
            following = "plan" if models else "init --model NAME=UUID"
            console.say(console.complete(f"Next: reconcile {following}"))
        case "added":
            following = console.complete("Next: reconcile plan")
            console.say(f"Added to {name}; nothing else in it has changed.\n\n{following}")
        case _:
            console.say(f"{name} has them already.")


def _say_ignored(console: Console, path: Path, lines: Collection[str]) -> None:
    name = escape_terminal(str(path))
    if console.format == "json":
        what: documents.Become = "added" if lines else "unchanged"
        console.say_document(documents.StartedDocument(file=str(path), result=what))
    elif not lines:
        console.say(f"{name} is left as it is: the state is not kept beside or below it.")
    else:
        console.say(f"{name} keeps what means something on one machine only out of git.")


WOULD_CHANGE = 1


@click.command(cls=shared.Command)
@files_argument
@shared.file_option
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if it would.")
@click.option("--diff", is_flag=True, help="Write nothing; show what it would.")
@shared.output_options
def run_fmt(options: shared.Options, console: Console) -> int:
    """Format, or tell what would change."""
    dry = options.check or options.diff
    typed = options.files == (STANDARD_INPUT,)
    files = _formatted(options)
    changing = [file for file in files if file.changed]
    if typed and not dry:
        console.give(files[0].content.decode())
        return 0
    if not dry:
        for file in changing:
            file.save()
    _say_formatted(files, changing, options, console)
    return WOULD_CHANGE if options.check and changing else 0


def _formatted(options: shared.Options) -> tuple[edit.Edited, ...]:
    """Format what is named; a file that is named by itself needs nothing but to be TOML."""
    if options.files == (STANDARD_INPUT,):
        return (edit.format_file(Path(STANDARD_INPUT), *_given_text()),)
    named = tuple(map(Path, options.files))
    if named and not any(path.is_dir() for path in named):
        return tuple(edit.format_file(path, *edit.read_file(path)) for path in named)
    return edit.formatted(options.files or options.file)


def _say_formatted(
    files: tuple[edit.Edited, ...],
    changing: list[edit.Edited],
    options: shared.Options,
    console: Console,
) -> None:
    if console.format == "json":
        listed = [
            documents.FormattedFile(file=str(file.path), changed=file.changed) for file in files
        ]
        console.say_document(documents.FormattedDocument(files=tuple(listed)))
        return
    for file in changing:
        lines = file.diff() if options.diff else [str(file.path)]
        console.say("\n".join(map(escape_terminal, lines)))
