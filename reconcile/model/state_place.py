"""Places that are not places: what looks like a state's URL and would be a local file instead."""

import re
from urllib.parse import unquote, urlsplit

from reconcile.model.noun import noun

_REMOTE = ("s3", "gs", "az", "postgresql", "postgres")
_OTHER_NAMES = {
    "s3a": "s3",
    "s3n": "s3",
    "gcs": "gs",
    "azure": "az",
    "azblob": "az",
    "abfs": "az",
    "abfss": "az",
    "pg": "postgresql",
    "psql": "postgresql",
}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_LACKS_COLON = re.compile(r"(s3|gs|az|postgres(?:ql)?)//(.*)", re.DOTALL)
_VARIABLE = re.compile(r"\$[A-Za-z_{(]|%[A-Za-z_]+%|\{\{")
_FORMS = "s3://BUCKET/KEY, gs://BUCKET/KEY, az://CONTAINER/KEY, postgresql://HOST/DATABASE#KEY"


@noun(frozen=True, slots=True)
class Misplaced:
    """Why no state is kept there, and what was probably meant, as an instruction.

    Neither repeats what may hold a secret.
    """

    why: str
    meant: str

    def detail(self, url: str) -> str:
        """Say so of a URL, which is repeated only where it cannot hold a secret."""
        shown = "that place" if _may_hold_a_secret(url) else f'"{url[:120]}"'
        return f"State cannot be kept at {shown}: {self.why}."


def misplaced(url: str) -> Misplaced | None:
    """Tell whether a state's place, as a person wrote it, names none; None where it does.

    A path is any text, so a slip in a URL makes a file of that name, which is gone with the
    machine. What nothing expands (`~`, `$HOME`) would be a folder of that name.
    """
    bare = url.strip().strip("'\"\u2018\u2019\u201c\u201d")
    if url and bare != url:
        return Misplaced("it begins or ends with a blank or a quotation mark", _write(bare))
    if found := _SCHEME.fullmatch(url):
        return _by_scheme(url, found[1], found[2])
    if found := _LACKS_COLON.fullmatch(url):
        return _almost(found[1], found[2])
    if url.startswith("~") or _VARIABLE.search(url):
        why = "nothing is expanded in it, so that would be a file or folder of that very name"
        return Misplaced(why, "Write the path itself, such as /var/lib/reconcile/state.json.")
    return _of_path(url)


def _by_scheme(url: str, scheme: str, rest: str) -> Misplaced | None:
    has_slashes = rest.startswith("//")
    if scheme in _REMOTE and has_slashes:
        return None
    if scheme == "file":
        return _of_file_url(url, rest)
    low = scheme.lower()
    known = low if low in _REMOTE else _OTHER_NAMES.get(low)
    if known is not None:
        return _almost(known, rest)
    if low == "file":
        return _almost("file", rest)
    why = f'there is no kind of place that is called "{scheme}:"'
    if has_slashes:
        return Misplaced(why, f"Write a path, or one of {_FORMS}.")
    return Misplaced(why, f"{_write(f'./{url}')} if a file of that name is meant.")


def _of_file_url(url: str, rest: str) -> Misplaced | None:
    if not rest.startswith("//"):
        return _almost("file", rest)
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.netloc not in {"", "localhost"} or not path.startswith("/"):
        path_meant = f"{parts.netloc}{path}"
        why = "file:// takes an absolute path, and what stands before its first slash is a host"
        return Misplaced(why, _write(path_meant))
    return _of_path(path)


def _almost(scheme: str, rest: str) -> Misplaced:
    tail = rest.replace("\\", "/").lstrip("/")
    if scheme == "file":
        why = "a URL of a file is spelled file:///, and a path needs none"
        return Misplaced(why, _write(f"/{tail}" if rest.startswith("/") else tail))
    why = f"it is not spelled {scheme}://, and would be a file of that name on this machine"
    return Misplaced(why, _write(f"{scheme}://{tail}"))


def _of_path(path: str) -> Misplaced | None:
    last = path.rpartition("/")[2]
    if path and last in {"", ".", ".."}:
        folder = path.rstrip("/") + "/" if path.strip("/") else "/"
        return Misplaced("it names a folder, and a state is a file", _write(f"{folder}state.json"))
    if "://" in path:
        why = "it is neither a path nor a URL"
        return Misplaced(why, f"Write a path, or one of {_FORMS}.")
    return None


def _write(meant: str) -> str:
    if _may_hold_a_secret(meant) or not meant.strip():
        return f"Write a path, or one of {_FORMS}."
    return f"Write {meant[:200]}"


def _may_hold_a_secret(url: str) -> bool:
    return "@" in url or "?" in url
