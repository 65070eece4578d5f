"""Another version of a desired state: one that git keeps, or one in a file."""

import os
import os.path
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path

from msgspec import Struct

from reconcile.config import toml
from reconcile.config.load import UNSHARED, Understood, load_past
from reconcile.config.merge import LOCK_NAME, folder_of
from reconcile.errors import LeafError, Place, ReconcileError, fail
from reconcile.model.desired import Desired
from reconcile.model.struct import replace

# Reads objects of a git repository through git's plumbing: no checkout, no shell, no network.

TIMEOUT_S = 60.0
"""A look into a repository takes milliseconds; a dead network disk may take for ever."""

REGULAR_FILES = frozenset({"100644", "100755"})
TREE = "040000"

_OBJECT_ID = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ENTRY = re.compile(rb"(?P<mode>[0-7]{6}) [a-z]+ (?P<id>[0-9a-f]+)\t(?P<name>.*)", re.DOTALL)
_WORDS_SHOWN = 300
_NO_MERGE_BASE = 1

_FIXED = (
    "--no-pager",
    "--no-replace-objects",
    "--no-optional-locks",
    "--literal-pathspecs",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
)

_KEPT = ("PATH", "HOME", "XDG_CONFIG_HOME", "SYSTEMROOT", "USERPROFILE", "TMPDIR")
"""git finds its configuration by these. Nothing else of the environment reaches it: neither a
credential nor a `GIT_DIR` that a hook has set."""

_GIVEN = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    # A partial clone would fetch what it lacks: first the plain way to forbid it, then one that
    # older versions know.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
}


class GitError(Exception):
    """git could not do it. Its text is git's own words, cut, for a person."""


class TreeEntry(Struct, frozen=True):
    """One entry of a tree."""

    mode: str
    object_id: str
    name: str


class Repository(Struct, frozen=True):
    """The repository a folder lies in. `prefix`: from its root to the folder, `a/b/` or empty."""

    program: str
    directory: Path
    prefix: str

    def commit(self, revision: str) -> str | None:
        """Return the id of the commit a revision names; None if it names none.

        The revision is told on standard input, where nothing can be taken for an option.
        """
        asked = f"{revision}^{{commit}}\n".encode("utf-8", "surrogateescape")
        answer = self.ask("cat-file", "--batch-check", stdin=asked).split(b" ")
        is_commit = answer[1:2] == [b"commit"] and _OBJECT_ID.fullmatch(answer[0])
        return answer[0].decode() if is_commit else None

    def is_shallow(self) -> bool:
        """Tell whether only the newest commits are here."""
        return self.ask("rev-parse", "--is-shallow-repository").strip() == b"true"

    def merge_base(self, one: str, other: str) -> str | None:
        """Return where two commits, given by id, parted; None if they have nothing in common."""
        answer = self.ask("merge-base", one, other, nothing=_NO_MERGE_BASE).strip()
        return answer.decode() or None

    def entries(self, object_id: str) -> Iterator[TreeEntry]:
        """Yield the entries of a tree, or of a commit's."""
        listed = self.ask("ls-tree", "-z", "--full-tree", "--end-of-options", object_id)
        for line in filter(None, listed.split(b"\0")):
            if (found := _ENTRY.fullmatch(line)) is None:
                raise GitError("ls-tree answered in a form that is not known")
            yield TreeEntry(
                found["mode"].decode(), found["id"].decode(), os.fsdecode(found["name"])
            )

    def sizes(self, object_ids: Iterable[str]) -> list[int | None]:
        """Return the size of each object in bytes; None for one that the repository lacks."""
        answer = self.ask("cat-file", "--batch-check", stdin=_lines(object_ids))
        parts = [line.split(b" ") for line in answer.splitlines()]
        return [int(part[2]) if part[1] != b"missing" else None for part in parts]

    def blobs(self, object_ids: Iterable[str]) -> list[bytes]:
        """Return the content of each object, as it was committed: no filter runs."""
        answer = self.ask("cat-file", "--batch", stdin=_lines(object_ids))
        contents: list[bytes] = []
        position = 0
        while position < len(answer):
            heading, _, _ = answer[position:].partition(b"\n")
            start = position + len(heading) + 1
            size = int(heading.split(b" ")[2])
            contents.append(answer[start : start + size])
            position = start + size + 1
        return contents

    def ask(self, *arguments: str, stdin: bytes = b"", nothing: int = 0) -> bytes:
        """Return what git answers; `nothing`: the exit code by which it says that there is none."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        try:
            done = subprocess.run(  # noqa: S603 -- a fixed vector; what others wrote goes to stdin
                [self.program, *_FIXED, *arguments],
                cwd=self.directory,
                env=kept | _GIVEN,
                input=stdin,
                capture_output=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise GitError(f"git {arguments[0]} took longer than {TIMEOUT_S:.0f} s") from None
        except OSError as error:
            raise GitError(f"git could not be started: {error.strerror}") from None
        if done.returncode not in {0, nothing}:
            words = done.stderr.decode("utf-8", "replace").strip()
            raise GitError(words[:_WORDS_SHOWN] or f"git {arguments[0]} failed")
        return done.stdout


def find_repository(directory: Path) -> Repository:
    """Find the repository a folder lies in.

    Raises `GitError` if there is none to be used, ReconcileError `no-git` if there is no git.
    """
    program = shutil.which("git")
    if program is None:
        raise fail("no-git", "git was not found on the PATH.", hint=_WITHOUT_GIT)
    # The absolute path of it: the search must not begin in the folder git is then run in.
    here = Repository(os.path.abspath(program), directory, "")  # noqa: PTH100 -- pathlib keeps `..`
    prefix = here.ask("rev-parse", "--show-prefix").removesuffix(b"\n")
    return replace(here, prefix=os.fsdecode(prefix))


def _lines(object_ids: Iterable[str]) -> bytes:
    return "".join(f"{object_id}\n" for object_id in object_ids).encode()


# Another version of a desired state: one that git keeps, or one in a file.

LONGEST_REF = 1_000
_WITHOUT_GIT = "Compare with a file instead: reconcile plan --against ./OLD.toml"
SINCE_PARTING = "..."
"""Behind a revision: not its tip, but where HEAD parted from it, as in `git diff REF...`."""


def load_version(
    against: str, locations: toml.Locations, present: Understood = UNSHARED
) -> tuple[Desired, tuple[str, ...]]:
    """Load the version of the desired state at `locations` that a git revision or a file holds.

    Also returned are the paths of which a revision holds nothing: it declared nothing there.

    What begins with `./`, `../` or `/`, or ends in `.toml`, is a file or a directory; all else is
    a revision. The spelling alone decides, never what exists: else a pull request could add a
    file named `origin/main` and be compared with that. The version is taken to stand where
    `locations` are, and the files its items watch are not read.

    `present`: as in `load_past`. Raises ReconcileError if it cannot be found, and as `load` does if
    it is not valid.
    """
    places = toml.paths_of(locations)
    if _is_path(against):
        return load_past(_read_files(against, places[0]), present).desired, ()
    sources: dict[str, toml.Source] = {}
    lacking: list[str] = []
    for place in places:
        found = read_ref(against, place)
        sources.update((source.name, source) for source in found)
        if not found:
            lacking.append(str(place / "*.toml" if place.is_dir() else place))
    if not sources:
        sources[against] = _source(against, b"", folder_of(places[0]))
    return load_past(tuple(sources.values()), present).desired, tuple(lacking)


def commit_of(against: str, locations: toml.Locations) -> str | None:
    """Return the id of the commit that `--against` names; None for a file or a directory.

    Raises as `load_version` does.
    """
    if _is_path(against):
        return None
    _check_ref(against)
    location = toml.paths_of(locations)[0]
    try:
        return _commit(find_repository(folder_of(location)), against)
    except GitError as error:
        raise _failed(error, location) from None


def read_ref(ref: str, location: Path) -> tuple[toml.Source, ...]:
    """Read the file, or the `*.toml` of the directory, at `location` as of a revision, if any.

    `REF...` is the merge base of REF and HEAD: what REF has gained since is no change of ours.
    Nothing is checked out, and no hook, filter or connection is used.
    """
    _check_ref(ref)
    directory = folder_of(location)
    try:
        repository = find_repository(directory)
        commit = _commit(repository, ref)
        name = "" if directory == location else location.name
        path = f"{repository.prefix}{name}".strip("/")
        files = list_committed(repository, commit, path, ref)
        contents = read_committed(repository, files, ref)
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
        raise fail(
            "unknown-ref",
            f"{tip_name} names no commit in this repository. It may not have been fetched. A file "
            "is named with ./ before it.",
            hint=f"git fetch{' --unshallow' if repository.is_shallow() else ''} origin",
        )
    if tip_name == ref:
        return tip
    head = repository.commit("HEAD")
    base = None if head is None else repository.merge_base(tip, head)
    if base is None:
        raise fail(
            "no-merge-base",
            f"{tip_name} and HEAD have no commit in common here. In a shallow clone the one they "
            "share may not have been fetched.",
            hint="git fetch --unshallow origin",
        )
    return base


def _is_path(against: str) -> bool:
    return against.startswith(("./", "../")) or against.endswith(".toml") or os.path.isabs(against)  # noqa: PTH117 -- a spelling, not a path yet


def _read_files(against: str, location: Path) -> tuple[toml.Source, ...]:
    directory = folder_of(location)
    path = Path(against)
    sources: list[toml.Source] = []
    left = toml.LARGEST
    try:
        for path in toml.list_files(Path(against)):
            content = toml.read_bounded(path, left)
            left -= len(content)
            sources.append(_source(str(path), content, directory))
    except LeafError as error:
        raise _at(error, str(path)) from None
    return tuple(sources)


def _source(name: str, content: bytes, directory: Path) -> toml.Source:
    try:
        return toml.Source(name, toml.decode_text(content), directory.absolute())
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
        raise fail("bad-ref", detail, hint=hint)


def _failed(error: GitError, directory: Path) -> ReconcileError:
    words = str(error)
    no_repository = "not a git repository" in words or "dubious ownership" in words
    code = "not-a-repository" if no_repository else "git-failed"
    place = Place(str(directory))
    return fail(code, f"git says: {words}.", hint=_WITHOUT_GIT, places=(place,))


def _at(error: LeafError, name: str) -> ReconcileError:
    return fail(error.code, error.detail, hint=error.hint, places=(Place(name),))


# The files of a desired state as a commit holds them, found by walking its trees.

Committed = tuple[str, TreeEntry]
"""A path from the root of the repository, and what the commit holds there."""


def list_committed(repository: Repository, commit: str, path: str, ref: str) -> list[Committed]:
    """List the file at a path, or the files of the directory there, and the lock file beside it.

    There may be none. `ref` is what the operator calls the commit. Raises ReconcileError.
    """
    found = _find(repository, commit, path)
    if found is None:
        return []
    if found.mode != TREE:
        _require_regular(found, path, ref)
        return [(path, found), *_lock_beside(repository, commit, path)]
    files = [
        (f"{path}/{entry.name}".lstrip("/"), entry)
        for entry in sorted(repository.entries(found.object_id), key=attrgetter("name"))
        if entry.name.endswith(".toml") and not entry.name.startswith(".")
    ]
    if all(entry.name == LOCK_NAME for _, entry in files):
        return []
    for shown, entry in files:
        _require_regular(entry, shown, ref)
    return files


def read_committed(repository: Repository, files: Sequence[Committed], ref: str) -> list[bytes]:
    """Return the content of each file, all of them bounded together. Raises ReconcileError."""
    object_ids = [entry.object_id for _, entry in files]
    total = 0
    for (path, _), size in zip(files, repository.sizes(object_ids), strict=True):
        if size is None:
            raise GitError(f"the content of {path} is not in this clone")
        total += size
        if total > toml.LARGEST:
            detail = (
                f"It holds more than {toml.LARGEST // (1024 * 1024)} MiB, the most that is read."
            )
            place = Place(f"{ref}:{path}")
            raise fail("file-too-large", detail, places=(place,))
    return repository.blobs(object_ids)


def _find(repository: Repository, commit: str, path: str) -> TreeEntry | None:
    """Walk down a commit's trees, naming none but by its id; None where there is nothing."""
    entry = TreeEntry(TREE, commit, "")
    for part in filter(None, path.split("/")):
        inside = repository.entries(entry.object_id) if entry.mode == TREE else ()
        following = next((child for child in inside if child.name == part), None)
        if following is None:
            return None
        entry = following
    return entry


def _lock_beside(repository: Repository, commit: str, path: str) -> list[Committed]:
    """Return the lock file of that revision, where there is one: templates need it."""
    folder = path.rpartition("/")[0]
    beside = f"{folder}/{LOCK_NAME}".lstrip("/")
    found = _find(repository, commit, folder)
    children = repository.entries(found.object_id) if found else ()
    return [(beside, e) for e in children if e.name == LOCK_NAME and e.mode in REGULAR_FILES]


def _require_regular(entry: TreeEntry, path: str, ref: str) -> None:
    if entry.mode in REGULAR_FILES:
        return
    detail = f"{path} is not a regular file in the commit that {ref} names. It is not followed."
    hint = "Name the file itself: reconcile plan -f FILE --against REF"
    place = Place(f"{ref}:{path}")
    raise fail("not-a-file-in-ref", detail, hint=hint, places=(place,))
