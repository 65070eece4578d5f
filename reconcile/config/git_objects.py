"""Reads objects of a git repository through git's plumbing: no checkout, no shell, no network."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

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


class GitMissingError(GitError):
    """There is no git on the PATH."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a tree."""

    mode: str
    object_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Repository:
    """The repository a folder lies in. `prefix`: from its root to the folder, `a/b/` or empty."""

    program: str
    directory: Path
    prefix: str

    def commit(self, revision: str) -> str | None:
        """Return the id of the commit a revision names; None if it names none.

        The revision is told on standard input, where nothing can be taken for an option.
        """
        asked = f"{revision}^{{commit}}\n".encode("utf-8", "surrogateescape")
        answer = self._run("cat-file", "--batch-check", stdin=asked).split(b" ")
        is_commit = answer[1:2] == [b"commit"] and _OBJECT_ID.fullmatch(answer[0])
        return answer[0].decode() if is_commit else None

    def merge_base(self, one: str, other: str) -> str | None:
        """Return where two commits, given by id, parted; None if they have nothing in common."""
        answer = self._run("merge-base", one, other, nothing=_NO_MERGE_BASE).strip()
        return answer.decode() or None

    def entries(self, object_id: str) -> Iterator[Entry]:
        """Yield the entries of a tree, or of a commit's."""
        listed = self._run("ls-tree", "-z", "--full-tree", "--end-of-options", object_id)
        for line in filter(None, listed.split(b"\0")):
            if (found := _ENTRY.fullmatch(line)) is None:
                raise GitError("ls-tree answered in a form that is not known")
            yield Entry(found["mode"].decode(), found["id"].decode(), os.fsdecode(found["name"]))

    def sizes(self, object_ids: Iterable[str]) -> list[int | None]:
        """Return the size of each object in bytes; None for one that the repository lacks."""
        answer = self._run("cat-file", "--batch-check", stdin=_lines(object_ids))
        parts = [line.split(b" ") for line in answer.splitlines()]
        return [int(part[2]) if part[1] != b"missing" else None for part in parts]

    def blobs(self, object_ids: Iterable[str]) -> list[bytes]:
        """Return the content of each object, as it was committed: no filter runs."""
        answer = self._run("cat-file", "--batch", stdin=_lines(object_ids))
        contents: list[bytes] = []
        position = 0
        while position < len(answer):
            heading, _, _ = answer[position:].partition(b"\n")
            start = position + len(heading) + 1
            size = int(heading.split(b" ")[2])
            contents.append(answer[start : start + size])
            position = start + size + 1
        return contents

    def _run(self, *arguments: str, stdin: bytes = b"", nothing: int = 0) -> bytes:
        return _run(self.program, self.directory, arguments, stdin, nothing)


def find_repository(directory: Path) -> Repository:
    """Find the repository a folder lies in; raise `GitError` if there is none to be used."""
    # The absolute path of it: the search must not begin in the folder git is then run in.
    program = shutil.which("git")
    if program is None:
        raise GitMissingError("there is no git on the PATH")
    program = os.path.abspath(program)  # noqa: PTH100 -- pathlib keeps `..`
    prefix = _run(program, directory, ("rev-parse", "--show-prefix"), b"")
    return Repository(program, directory, os.fsdecode(prefix.removesuffix(b"\n")))


def _run(
    program: str, directory: Path, arguments: tuple[str, ...], stdin: bytes, nothing: int = 0
) -> bytes:
    """Return what git answers; `nothing`: the exit code by which it says that there is none."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603 -- a fixed vector; what others wrote goes to stdin
            [program, *_FIXED, *arguments],
            cwd=directory,
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


def _lines(object_ids: Iterable[str]) -> bytes:
    return "".join(f"{object_id}\n" for object_id in object_ids).encode()
