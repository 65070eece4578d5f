"""The files of a desired state as a commit holds them, found by walking its trees."""

from collections.abc import Iterator, Sequence

from reconcile.config.codes import diagnose
from reconcile.config.git_objects import REGULAR_FILES, TREE, Entry, GitError, Repository
from reconcile.config.reading import LARGEST
from reconcile.config.selecting.lock_file import LOCK_NAME
from reconcile.model.diagnostic import Place, ReconcileError

Committed = tuple[str, Entry]
"""A path from the root of the repository, and what the commit holds there."""


def list_committed(repository: Repository, commit: str, path: str, ref: str) -> list[Committed]:
    """List the file at a path, or the files of the directory there, and the lock file beside it.

    `ref` is what the operator calls the commit. Raises ReconcileError.
    """
    found = _find(repository, commit, path, ref)
    files = list(_files(repository, found, path, ref))
    if found.mode != TREE:
        files += _lock_beside(repository, commit, path)
    return files


def read_committed(repository: Repository, files: Sequence[Committed], ref: str) -> list[bytes]:
    """Return the content of each file, all of them bounded together. Raises ReconcileError."""
    object_ids = [entry.object_id for _, entry in files]
    total = 0
    for (path, _), size in zip(files, repository.sizes(object_ids), strict=True):
        if size is None:
            raise GitError(f"the content of {path} is not in this clone")
        total += size
        if total > LARGEST:
            detail = f"It holds more than {LARGEST // (1024 * 1024)} MiB, the most that is read."
            place = Place(f"{ref}:{path}")
            raise ReconcileError(diagnose("file-too-large", detail, places=(place,)))
    return repository.blobs(object_ids)


def _find(repository: Repository, commit: str, path: str, ref: str) -> Entry:
    """Walk down a commit's trees, naming none but by its id."""
    entry = Entry(TREE, commit, "")
    for part in filter(None, path.split("/")):
        inside = repository.entries(entry.object_id) if entry.mode == TREE else ()
        following = next((child for child in inside if child.name == part), None)
        if following is None:
            raise ReconcileError(
                diagnose(
                    "path-not-in-ref",
                    f"The commit that {ref} names holds no {path}, so there is no earlier version "
                    "to compare with.",
                    hint="See where it was: git log --oneline --follow -- PATH",
                    places=(Place(f"{ref}:{path}"),),
                )
            )
        entry = following
    return entry


def _files(repository: Repository, found: Entry, path: str, ref: str) -> Iterator[Committed]:
    """Yield path and entry of each file that makes up the desired state."""
    if found.mode != TREE:
        _require_regular(found, path, ref)
        yield path, found
        return
    children = sorted(repository.entries(found.object_id), key=lambda entry: entry.name)
    files = [c for c in children if c.name.endswith(".toml") and not c.name.startswith(".")]
    if not files:
        detail = f"As of {ref} the directory holds no file that ends in .toml."
        raise ReconcileError(diagnose("no-files", detail, places=(Place(f"{ref}:{path}"),)))
    for file in files:
        shown = f"{path}/{file.name}".lstrip("/")
        _require_regular(file, shown, ref)
        yield shown, file


def _lock_beside(repository: Repository, commit: str, path: str) -> list[Committed]:
    """Return the lock file of that revision, where there is one: templates need it."""
    folder = path.rpartition("/")[0]
    beside = f"{folder}/{LOCK_NAME}".lstrip("/")
    children = repository.entries(_find(repository, commit, folder, commit).object_id)
    return [(beside, e) for e in children if e.name == LOCK_NAME and e.mode in REGULAR_FILES]


def _require_regular(entry: Entry, path: str, ref: str) -> None:
    if entry.mode in REGULAR_FILES:
        return
    detail = f"{path} is not a regular file in the commit that {ref} names. It is not followed."
    hint = "Name the file itself: reconcile plan -f FILE --against REF"
    place = Place(f"{ref}:{path}")
    raise ReconcileError(diagnose("not-a-file-in-ref", detail, hint=hint, places=(place,)))
