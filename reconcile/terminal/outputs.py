"""What a command writes is nothing that it, or a later one, reads: declared, recorded or saved."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from reconcile.config.load import load
from reconcile.config.merge import LOCK_NAME
from reconcile.config.toml import list_files
from reconcile.errors import LeafError, Place, ReconcileError, fail
from reconcile.state.backend import backend
from reconcile.terminal.events import STANDARD_OUTPUT
from reconcile.terminal.inputs import absolute_url
from reconcile.terminal.options import Options
from reconcile.terminal.saved_options import take_up

_OURS = {
    "--metrics": re.compile(rb"# (HELP|TYPE) "),
    "--events": re.compile(rb'\s*\{"format_version": \d+, "event": '),
}
"""How what an earlier run wrote to such a file begins."""


def require_own_places(options: Options) -> None:
    """Refuse `--events` and `--metrics` that name an input. Raises ReconcileError.

    They are written to even where the files are wrong. Nobody knows then which state is meant, so
    only what looks like an earlier run's output is written over.
    """
    given = {"--events": options.events, "--metrics": options.metrics}
    named = {name: path for name, path in given.items() if path not in {None, STANDARD_OUTPUT}}
    if not named:
        return
    wanted = Options(**vars(options))
    try:
        if getattr(wanted, "plan", None) is not None:
            take_up(wanted)
        url = load(wanted.file).desired.state_url if wanted.state is None else wanted.state
    except ReconcileError:
        url = None
    for option, path in named.items():
        require_no_input(option, path, wanted, url)
        if url is None and not _is_ours(Path(path), option):
            raise refused(option, path, "what is there was not written by an earlier run")


def require_no_input(option: str, output: str, options: Options, state_url: str | None) -> None:
    """Refuse an output that is an input. Raises ReconcileError.

    Links are followed. `state_url`: None where it is not known.
    """
    path = Path(output)
    for place in _inputs(options):
        if _is_same(path, place):
            raise refused(option, output, "it is read as what is declared, or as a plan")
    if state_url is not None and is_of_state(path, state_url):
        raise refused(option, output, "the state is kept there, or beside it under that name")


def is_of_state(path: Path, state_url: str) -> bool:
    """Tell whether a file is a local state or one of those beside it: all that begin with its name.

    Links are followed in both directions.
    """
    state = backend(absolute_url(state_url)).file
    if state is None:
        return False
    for given, kept in ((path, state), (_real(path), _real(state))):
        if given.absolute().parent == kept.parent and f"{given.name}.".startswith(f"{kept.name}."):
            return True
    try:
        family = [state, *state.parent.glob(f"{_literal(state.name)}.*")]
    except OSError:
        family = [state]
    return any(_is_same(path, member) for member in family)


def _inputs(options: Options) -> Iterator[Path]:
    for place in map(Path, options.file):
        yield place
        yield (place if place.is_dir() else place.parent) / LOCK_NAME
        try:
            yield from list_files(place)
        except LeafError:
            continue
    if getattr(options, "plan", None) is not None:
        yield Path(options.plan)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # One of them is not there yet.
        return _real(one) == _real(other)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _literal(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _is_ours(path: Path, option: str) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(80)
    except OSError:
        return True  # There is nothing, or nothing that could be written over.
    return not start or _OURS[option].match(start) is not None


def refused(option: str, output: str, why: str) -> ReconcileError:
    """Return why nothing is written to `output`."""
    return fail(
        "output-over-input",
        headline=f"{option} would be written over an input",
        detail=f"{output}: {why}. Nothing was written.",
        hint="Name a file of its own.",
        places=(Place(output),),
    )
