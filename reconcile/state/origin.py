"""Who makes an apply, where, and from which commit or CI run, as far as its surroundings tell.

Nothing is decided by it. All of it is text of others: cut, cleaned, and without what a URL can
hide.
"""

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from unicodedata import category
from urllib.parse import urlsplit

from msgspec import Struct

from reconcile.model.journal import Began
from reconcile.state.lock import user_name

LONGEST = 200
"""Characters kept of any fact."""

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_MAX_REFS_BYTES = 4 << 20


class RunOrigin(Struct, frozen=True, kw_only=True):
    """Where an apply comes from; None: not known. `run`: the URL of a CI run, or its name."""

    who: str | None = None
    machine: str | None = None
    commit: str | None = None
    run: str | None = None

    def began(self, command: str, at: datetime) -> Began:
        """Return the entry that an apply begins with. `at` is UTC."""
        return Began(
            at=at,
            command=cleaned(command) or "",
            who=self.who,
            machine=self.machine,
            commit=self.commit,
            run=self.run,
        )


def origin_in(environ: Mapping[str, str], itself: RunOrigin) -> RunOrigin:
    """Return what an environment says, and for the rest what is known of the machine `itself`."""
    who = machine = commit = run = None
    if environ.get("GITHUB_ACTIONS") == "true":
        names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
        server, repository, number = (environ.get(name, "") for name in names)
        run = f"{server}/{repository}/actions/runs/{number}" if repository and number else None
        who, machine = environ.get("GITHUB_ACTOR"), environ.get("RUNNER_NAME")
        commit = environ.get("GITHUB_SHA")
    elif environ.get("GITLAB_CI") == "true":
        who, commit = environ.get("GITLAB_USER_LOGIN"), environ.get("CI_COMMIT_SHA")
        run = environ.get("CI_JOB_URL") or environ.get("CI_PIPELINE_URL")
    elif environ.get("KUBERNETES_SERVICE_HOST"):
        machine = environ.get("POD_NAME") or environ.get("HOSTNAME")
    named = itself.run
    if dag_run := environ.get("AIRFLOW_CTX_DAG_RUN_ID"):  # wherever its tasks run
        named = f"airflow run {environ.get('AIRFLOW_CTX_DAG_ID', '')} {dag_run}"
    return RunOrigin(
        who=cleaned(who) or cleaned(itself.who),
        machine=cleaned(machine) or cleaned(itself.machine),
        commit=_commit(commit) or _commit(itself.commit),
        run=_page(run) or cleaned(named),
    )


def origin_here(configuration: str | Path | Sequence[str | Path]) -> RunOrigin:
    """Return where this process comes from. `configuration`: the path or paths of its files."""
    paths = [configuration] if isinstance(configuration, str | Path) else configuration
    first = paths[0] if paths else ""
    commit = checked_out(Path(first).absolute())
    itself = RunOrigin(who=user_name(), machine=os.uname().nodename, commit=commit)
    return origin_in(os.environ, itself)


def checked_out(path: Path) -> str | None:
    """Return the commit that is checked out around a path, read from git's own files.

    None where there is no checkout, or it is not told in these few ways. Runs nothing.
    """
    with suppress(OSError, ValueError):
        for above in (path, *path.parents):
            there = above / ".git"
            if there.is_dir():
                return _head(there)
            if there.is_file():
                return _head(above / _read(there).removeprefix("gitdir:").strip())
    return None


def _head(git: Path) -> str | None:
    head = _read(git / "HEAD").strip()
    if not head.startswith("ref:"):
        return _commit(head)
    branch = head.removeprefix("ref:").strip()
    common = git / "commondir"
    shared = git / _read(common).strip() if common.is_file() else git
    if ".." in Path(branch).parts or Path(branch).is_absolute():
        return None
    for place in (git / branch, shared / branch):
        if place.is_file():
            return _commit(_read(place).strip())
    for line in _read(shared / "packed-refs").splitlines():
        commit, _, name = line.partition(" ")
        if name == branch:
            return _commit(commit)
    return None


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_MAX_REFS_BYTES).decode("utf-8", "replace")


def _commit(text: str | None) -> str | None:
    return text if text is not None and _COMMIT.fullmatch(text) else None


def _page(url: str | None) -> str | None:
    """Leave of a URL what leads to its page: no user, no password, no query, no fragment."""
    with suppress(ValueError):
        parts = urlsplit(cleaned(url) or "")
        if parts.scheme in {"http", "https"} and parts.netloc:
            place = parts.netloc.rpartition("@")[2]
            return f"{parts.scheme}://{place}{parts.path}"[:LONGEST]
    return None


def cleaned(text: str | None, longest: int = LONGEST) -> str | None:
    """Take out what steers a terminal, hides or is no text, and cut the rest; None if none is left.

    Bytes of a command line that are not UTF-8 are no text: no journal could hold them.
    """
    kept = "".join(" " if category(one)[0] == "C" else one for one in (text or "")[: 4 * longest])
    return " ".join(kept.split())[:longest].strip() or None
