"""Another version of a desired state: one that git keeps, or one in a file."""

import os.path
from pathlib import Path

from reconcile.config.codes import diagnose
from reconcile.config.git_files import list_committed, read_committed
from reconcile.config.git_objects import (
    GitError,
    GitMissingError,
    Repository,
    find_repository,
)
from reconcile.config.loading import Loaded, load_past
from reconcile.config.problems import LeafError
from reconcile.config.reading import (
    LARGEST,
    Locations,
    Source,
    decode_text,
    list_files,
    paths_of,
    read_bounded,
)
from reconcile.model.diagnostic import Place, ReconcileError

LONGEST_REF = 1_000
SINCE_PARTING = "..."
"""Behind a revision: not its tip, but where HEAD parted from it, as in `git diff REF...`."""


def load_version(against: str, locations: Locations) -> Loaded:
    """Load the version of the desired state at `locations` that a git revision or a file holds.

    What begins with `./`, `../` or `/`, or ends in `.toml`, is a file or a directory; all else is
    a revision. The spelling alone decides, never what exists: else a pull request could add a
    file named `origin/main` and be compared with that. The version is taken to stand where
    `locations` are, and the files its items watch are not read.

    Raises ReconcileError if it cannot be found, and as `load` does if it is not valid.
    """
    present = paths_of(locations)
    if _is_path(against):
        return load_past(_read_files(against, present[0]))
    return load_past(_read_all(against, present))


def _read_all(ref: str, locations: tuple[Path, ...]) -> tuple[Source, ...]:
    """Read what a revision holds of several places; one that it lacks declared nothing then.

    Raises ReconcileError where it holds none of them.
    """
    sources: dict[str, Source] = {}
    lacking: list[ReconcileError] = []
    for location in locations:
        try:
            sources.update((source.name, source) for source in read_ref(ref, location))
        except ReconcileError as error:
            if error.diagnostics[0].code != "path-not-in-ref":
                raise
            lacking.append(error)
    if not sources:
        raise lacking[0]
    return tuple(sources.values())


def read_ref(ref: str, location: Path) -> tuple[Source, ...]:
    """Read the file, or the `*.toml` of the directory, at `location` as of a revision.

    `REF...` is the merge base of REF and HEAD: what REF has gained since is no change of ours.
    Nothing is checked out, and no hook, filter or connection is used.
    """
    _check_ref(ref)
    in_directory = location.is_dir()
    directory = location if in_directory else location.parent
    try:
        repository = find_repository(directory)
        commit = _commit(repository, ref)
        name = "" if in_directory else location.name
        path = f"{repository.prefix}{name}".strip("/")
        files = list_committed(repository, commit, path, ref)
        contents = read_committed(repository, files, ref)
    except GitMissingError:
        hint = "Compare with a file instead: reconcile plan --against ./OLD.toml"
        raise ReconcileError(
            diagnose("no-git", "git was not found on the PATH.", hint=hint)
        ) from None
    except GitError as error:
        raise _failed(error, directory) from None
    return tuple(
        _source(f"{ref}:{shown}", content, directory)
        for (shown, _), content in zip(files, contents, strict=True)
    )


def _commit(repository: Repository, ref: str) -> str:
    tip_name = ref.removesuffix(SINCE_PARTING)
    tip = repository.commit(tip_name)
    if tip is None:
        raise _unknown(tip_name)
    if tip_name == ref:
        return tip
    head = repository.commit("HEAD")
    base = None if head is None else repository.merge_base(tip, head)
    if base is None:
        raise _unrelated(tip_name)
    return base


def _is_path(against: str) -> bool:
    return against.startswith(("./", "../")) or against.endswith(".toml") or os.path.isabs(against)  # noqa: PTH117 -- a spelling, not a path yet


def _read_files(against: str, location: Path) -> tuple[Source, ...]:
    directory = location if location.is_dir() else location.parent
    path = Path(against)
    sources: list[Source] = []
    left = LARGEST
    try:
        for path in list_files(Path(against)):
            content = read_bounded(path, left)
            left -= len(content)
            sources.append(_source(str(path), content, directory))
    except LeafError as error:
        raise _at(error, str(path)) from None
    return tuple(sources)


def _source(name: str, content: bytes, directory: Path) -> Source:
    try:
        return Source(name, decode_text(content), directory.absolute())
    except LeafError as error:
        raise _at(error, name) from None


def _check_ref(ref: str) -> None:
    bad = not ref or ref.startswith("-") or ":" in ref or not ref.isprintable()
    if bad or len(ref) > LONGEST_REF:
        detail = (
            f'"{ref[:80]}" is not handed to git. A revision does not begin with a dash and holds '
            "neither a colon nor anything that cannot be seen."
        )
        hint = "reconcile plan --against origin/main"
        raise ReconcileError(diagnose("bad-ref", detail, hint=hint))


def _unknown(ref: str) -> ReconcileError:
    return ReconcileError(
        diagnose(
            "unknown-ref",
            f"{ref} names no commit in this repository. It may not have been fetched. A file is "
            "named with ./ before it.",
            hint="git fetch origin",
        )
    )


def _unrelated(ref: str) -> ReconcileError:
    return ReconcileError(
        diagnose(
            "no-merge-base",
            f"{ref} and HEAD have no commit in common here. In a shallow clone the one they share "
            "may not have been fetched.",
            hint="git fetch --unshallow origin",
        )
    )


def _failed(error: GitError, directory: Path) -> ReconcileError:
    words = str(error)
    no_repository = "not a git repository" in words or "dubious ownership" in words
    code = "not-a-repository" if no_repository else "git-failed"
    hint = "Compare with a file instead: reconcile plan --against ./OLD.toml"
    place = Place(str(directory))
    return ReconcileError(diagnose(code, f"git says: {words}.", hint=hint, places=(place,)))


def _at(error: LeafError, name: str) -> ReconcileError:
    return ReconcileError(
        diagnose(error.code, error.detail, hint=error.hint, places=(Place(name),))
    )
