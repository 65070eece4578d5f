"""Loads one desired state, or reports every mistake in it at once."""

from pathlib import Path
from typing import Any

from msgspec import Struct

from reconcile.config.lower import STATE_NAME, lower
from reconcile.config.refusals import Shaped, check_shape
from reconcile.config.selection import LOCK_NAME, UNLOCKED, decode_lock, is_lock, read_lock
from reconcile.config.timings import UnreadFiles, WatchedFiles
from reconcile.config.toml import (
    LARGEST,
    Locations,
    Source,
    at_file,
    decode_text,
    list_files,
    once,
    parse_source,
    paths_of,
    placed,
    read_bounded,
)
from reconcile.errors import (
    Diagnostic,
    LeafError,
    Place,
    Problems,
    ReconcileError,
    Severity,
    diagnose,
)
from reconcile.model.address import OperatorUrl, settled
from reconcile.model.desired import Desired, LockFile
from reconcile.model.struct import replace

START = "Start a file with `reconcile init`, or name another with -f."


class LoadedFiles(Struct, frozen=True):
    """A desired state that is free of errors, what to warn of, and the texts it was read from."""

    desired: Desired
    warnings: tuple[Diagnostic, ...]
    sources: tuple[Source, ...]


def load(locations: Locations, *, unlocked: bool = False) -> LoadedFiles:
    """Load a file, every `*.toml` of a directory, or several of either, as one desired state.

    Names that start with a dot are left out, and directories below are not searched. A file that
    is named twice is read once. `unlocked`: only what is declared by hand, be it nothing,
    whatever a lock file says. Raise `ReconcileError` with all diagnostics of all files, sorted by
    place.
    """
    refusals: list[Diagnostic] = []
    sources: list[Source] = []
    left = LARGEST
    for path in _list(locations):
        try:
            content = read_bounded(path, left)
            left -= len(content)
            sources.append(Source(str(path), decode_text(content), path.absolute().parent))
        except LeafError as error:
            error.hint = START if error.code == "file-not-found" else error.hint
            refusals.append(at_file(error, path))
    return _load_sources(tuple(sources), refusals, unlocked=unlocked)


def load_text(
    text: str, name: str, directory: Path | None = None, *, unlocked: bool = False
) -> LoadedFiles:
    """Load one text as if it were a file of that name in `directory`, by default the current one.

    Raise `ReconcileError` as `load` does. Only files of `when_changed` are read from disk.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n")
    source = Source(name, lines, (directory or Path()).absolute())
    return _load_sources((source,), [], unlocked=unlocked)


def kept_at(loaded: LoadedFiles, said: OperatorUrl | None) -> Desired:
    """Return the desired state, its own state kept where the operator says, if anybody does.

    Raise `ReconcileError` where files and environment name two places.
    """
    desired = loaded.desired
    if said is None:
        return desired
    default = Path(desired.state_url) == loaded.sources[0].directory / STATE_NAME
    return replace(desired, state_url=settled(desired.state_url, said, default=default))


def load_past(sources: tuple[Source, ...]) -> LoadedFiles:
    """Load texts that held once. Files of `when_changed` are not read: they are of another time.

    Raise `ReconcileError` as `load` does.
    """
    return _load_sources(sources, [], UnreadFiles())


def _list(locations: Locations) -> tuple[Path, ...]:
    found: list[Path] = []
    refusals: list[Diagnostic] = []
    for location in paths_of(locations):
        try:
            found.extend(list_files(location))
        except LeafError as error:
            refusals.append(at_file(error, location))
    if refusals:
        raise ReconcileError(*refusals)
    return once(found)


def _load_sources(
    sources: tuple[Source, ...],
    refusals: list[Diagnostic],
    watched: WatchedFiles | None = None,
    *,
    unlocked: bool = False,
) -> LoadedFiles:
    problems = Problems()
    locks = [source for source in sources if is_lock(source)]
    sources = tuple(source for source in sources if not is_lock(source))
    if locks and not sources:
        detail = f"{LOCK_NAME} lists models and declares nothing about them."
        refusals.append(diagnose("no-files", detail, places=(Place(locks[0].name),)))
    parsed = _parse(sources, refusals)
    if not parsed:
        raise ReconcileError(*refusals)
    files = tuple(
        check_shape(number, raw, problems, complete=not refusals) for number, raw in parsed.items()
    )
    lock = UNLOCKED if unlocked else _lock(sources, files, locks, past=watched)
    desired = lower(sources, files, problems, watched or WatchedFiles(), lock)
    found = placed(problems, *sources)
    if problems.left_out:
        detail = f"{problems.left_out:,} more problems were found and are not shown."
        refusals.append(diagnose("more-problems", detail, places=(Place(sources[0].name),)))
    errors = [d for d in found if d.severity is Severity.ERROR]
    if errors or refusals:
        raise ReconcileError(*_sorted([*refusals, *found]))
    return LoadedFiles(desired, _sorted(found), sources)


def _lock(
    sources: tuple[Source, ...],
    files: tuple[Shaped, ...],
    found: list[Source],
    *,
    past: WatchedFiles | None,
) -> LockFile | None:
    """Return what the lock file says, where a file needs one; of the past, only what was given."""
    selecting = [file for file in files if file.document.select]
    if not selecting:
        return None
    directory = sources[selecting[0].source].directory
    beside = next((lock for lock in found if lock.directory == directory), None)
    if beside is None and past is None:
        beside = read_lock(directory)
    return decode_lock(beside) if beside else None


def _parse(sources: tuple[Source, ...], refusals: list[Diagnostic]) -> dict[int, dict[str, Any]]:
    """Return what each source that is valid TOML holds; keep why the others are not."""
    parsed: dict[int, dict[str, Any]] = {}
    for number, source in enumerate(sources):
        try:
            parsed[number] = parse_source(source)
        except ReconcileError as error:
            refusals.extend(error.diagnostics)
    return parsed


def _sorted(diagnostics: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    def by_place(diagnostic: Diagnostic) -> tuple[str, int, int]:
        place = diagnostic.places[0]
        return place.file, place.line or 0, place.column or 0

    return tuple(sorted(diagnostics, key=by_place))
