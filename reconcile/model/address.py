"""Addresses of items and URLs of states: the names by which everything else is found.

An address is the key path of an item in the desired state, spelled as TOML spells it.
"""

import json
import re
from fnmatch import fnmatchcase
from ipaddress import IPv6Address, ip_address
from typing import Final, NewType
from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct

from reconcile.errors import Place, fail

Address = NewType("Address", str)
"""`models.sales.refresh` or `models.sales.cache.daily`; quoted parts where TOML needs quotes."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN = re.compile(r"models\.[A-Za-z0-9_-]+\.(?:refresh|cache\.[A-Za-z0-9_-]+)")
_PART = re.compile(r"""([A-Za-z0-9_-]+)|("(?:[^"\\]|\\.)*")|'([^']*)'""")
_DOTTED = re.compile(rf"(?:{_PART.pattern})(?:\.(?:{_PART.pattern}))*")


def quote_key(part: str) -> str:
    """Spell one key as TOML does: bare where it may be, else as a basic string."""
    if _BARE_KEY.fullmatch(part):
        return part
    return json.dumps(part, ensure_ascii=False).replace("\x7f", "\\u007f")


def refresh_address(model: str) -> Address:
    """Address of a model's schema refresh."""
    return Address(f"models.{quote_key(model)}.refresh")


def reset_address(model: str, policy: str) -> Address:
    """Address of the reset of one cache policy of a model."""
    return Address(f"models.{quote_key(model)}.cache.{quote_key(policy)}")


def schedule_address(connection: str, name: str) -> Address:
    """Address of one of Omni's own schedules of a connection."""
    return Address(f"connections.{quote_key(connection)}.schedules.{quote_key(name)}")


def split_address(text: str) -> tuple[str, ...] | None:
    """Split an address into its unquoted keys; None if the text is not a dotted TOML key."""
    if not _DOTTED.fullmatch(text):
        return None
    try:
        return tuple(
            bare or (str(json.loads(basic)) if basic else literal)
            for bare, basic, literal in _PART.findall(text)
        )
    except json.JSONDecodeError:
        return None


def parse_address(text: str) -> Address | None:
    """Read an address of a refresh, reset or schedule in any valid spelling; None if it is none."""
    if _PLAIN.fullmatch(text):
        return Address(text)
    match split_address(text):
        case ("models", model, "refresh"):
            return refresh_address(model)
        case ("models", model, "cache", policy):
            return reset_address(model, policy)
        case ("connections", connection, "schedules", name):
            return schedule_address(connection, name)
        case _:
            return None


def fits(glob: str, text: str) -> bool:
    """Tell whether a glob fits an address, or one of Omni's names: case counts, `*` spans dots.

    Brackets are a class of characters and stand for themselves as well, since names hold some: an
    address always fits itself.
    """
    if fnmatchcase(text, glob):
        return True
    return "[" in glob and fnmatchcase(text, glob.replace("[", "[[]"))


# Omni's own ids, which people spell in either case.

UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
"""One of Omni's ids, in either case."""


def is_uuid(text: str) -> bool:
    """Tell whether a text is one of Omni's ids, in either case."""
    return UUID.fullmatch(text) is not None


def fold_id(text: str) -> str:
    """Return one of Omni's ids in lower case, and a name of the user's own as it is."""
    return text.lower() if is_uuid(text) else text


def is_loopback(host: str) -> bool:
    """Tell whether a host can only be this machine. IPv6 without brackets, names in lower case."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_LONGEST_HOST = 253
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def read_host(host: str) -> str:
    """Return a host in lower case, of an IPv6 address what its brackets hold.

    Raises ValueError, which says what the URL has, for all but the one plain spelling.
    """
    if host.startswith("["):
        return _read_address(host[1:-1])
    labels = host.split(".")
    # The last label decides what a resolver takes for an IPv4 address: 127.1, 0x7f.1, 2130706433.
    if _NUMBER.fullmatch(labels[-1]):
        return _read_address(host)
    if len(host) > _LONGEST_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("has a host that is not a plain host name (letters, digits, '-' and '.')")
    return host


def _read_address(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        raise ValueError("has an IP address in an unusual spelling") from None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        raise ValueError("has an IPv4 address dressed as IPv6")
    if str(address) != text:
        raise ValueError("has an IP address in an unusual spelling")
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        raise ValueError("has an IP address that belongs to no server")
    return text


# The URL of a state: it is written into files, logs and plans, so it must not hold a secret.

_SECRETS = ("password", "passwd", "pwd", "secret", "token", "sig")
_WITH_USERS = ("postgresql", "postgres")


class OperatorUrl(str):
    """A state's URL that the operator gave, on the command line, and no file."""

    __slots__ = ()


class EnvironmentUrl(OperatorUrl):
    """A state's URL that the operator gave in `RECONCILE_STATE_URL`: files must agree with it."""

    __slots__ = ()


VARIABLE: Final = "RECONCILE_STATE_URL"


def settled(files_say: str, said: OperatorUrl, *, default: bool) -> str:
    """Return where the state is, by the files and the operator, who has the last word.

    `default`: the files say nothing, and `files_say` is what goes without saying. Raises
    ReconcileError `state-url-differs` if they name another state than the environment.
    """
    if default or not isinstance(said, EnvironmentUrl) or _agree(files_say, said):
        return said
    one, other = ("a URL with a secret in it" if has_secret(it) else it for it in (files_say, said))
    raise fail(
        "state-url-differs",
        headline=f"The files name another state than {VARIABLE}",
        detail=f"The files keep the state at {one}, and {VARIABLE} is {other}. The environment "
        "decides, and a file that says otherwise is for another place. Nothing was read or sent.",
        hint="Make [state] url the same or leave it out; --state URL overrides both",
    )


def _agree(files_say: str, said: str) -> bool:
    """Tell whether two URLs name one state; what the first leaves open, the second may fill in."""
    if "://" not in files_say or "://" not in said:
        return files_say == said
    try:
        one, other = urlsplit(files_say), urlsplit(said)
        parts = ((one.hostname, other.hostname), (one.port, other.port))
    except ValueError:
        return files_say == said
    if one.scheme not in _WITH_USERS:
        return files_say == said
    named = (*parts, (one.username, other.username))
    same = (one.path, one.fragment) == (other.path, other.fragment) and other.scheme in _WITH_USERS
    return same and all(mine in (None, theirs) for mine, theirs in named)


def require_no_secret(url: str, place: str) -> None:
    """Refuse a URL with a password in it. Raises ReconcileError, which does not repeat it.

    `place` says where the URL was found: a file's name, or an option.
    """
    if not has_secret(url):
        return
    raise fail(
        "state-url-secret",
        "There is a password or a key in the URL, where files, logs and plans would "
        "carry it on. Credentials come from where that store's own tools look: AWS_* or a "
        "profile, Google's application default, AZURE_*, PGPASSFILE or PGSERVICE.",
        hint="Take it out of the URL, and change it wherever the file has been shared.",
        places=(Place(place),),
    )


def has_secret(url: str) -> bool:
    """Tell whether a URL holds what only its owner may know; in doubt it does."""
    if "://" not in url:
        return False
    try:
        parts = urlsplit(url)
        named = parse_qs(parts.query)
    except ValueError:
        return "@" in url
    user_may_be_named = parts.scheme in _WITH_USERS and parts.password is None
    if "@" in parts.netloc and not user_may_be_named:
        return True
    return any(word in name.lower() for name in named for word in _SECRETS)


# Places that are not places: what looks like a state's URL and would be a local file instead.

_SCHEMES = {
    **{name: name for name in ("s3", "gs", "az", "postgresql", "postgres", "file")},
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
"""The schemes of places, and what others call them."""

_BUCKET = re.compile(r"[A-Za-z0-9._-]+")
_KEY = re.compile(r"[A-Za-z0-9!_.'()=@+,:~ -]+(?:/[A-Za-z0-9!_.'()=@+,:~ -]+)*")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_LACKS_COLON = re.compile(r"(s3|gs|az|postgres(?:ql)?)//(.*)", re.DOTALL)
_VARIABLE = re.compile(r"\$[A-Za-z_{(]|%[A-Za-z_]+%|\{\{")
_FORMS = "s3://BUCKET/KEY, gs://BUCKET/KEY, az://CONTAINER/KEY, postgresql://HOST/DATABASE#KEY"


class Misplaced(Struct, frozen=True):
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
    known = _SCHEMES.get(scheme.lower())
    if known == scheme and has_slashes:
        return _of_file_url(url) if scheme == "file" else _of_remote_url(url)
    if known is not None:
        return _almost(known, rest)
    why = f'there is no kind of place that is called "{scheme}:"'
    if has_slashes:
        return Misplaced(why, f"Write a path, or one of {_FORMS}.")
    return Misplaced(why, f"{_write(f'./{url}')} if a file of that name is meant.")


def _of_remote_url(url: str) -> Misplaced | None:
    if has_secret(url):  # which is refused as such, wherever it is met
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return Misplaced("it is not a URL", f"Write one of {_FORMS}.")
    if parts.scheme in _WITH_USERS:
        key = unquote(parts.fragment)
    else:
        key = parts.path.removeprefix("/")
        if parts.query or parts.fragment or not _BUCKET.fullmatch(parts.netloc):
            return Misplaced("it does not name a bucket and a key", f"Write one of {_FORMS}.")
    if not _KEY.fullmatch(key) or {".", ".."} & set(key.split("/")):
        why = "its key, which names the state there, is missing or odd"
        return Misplaced(why, f"Write one of {_FORMS}.")
    return None


def _of_file_url(url: str) -> Misplaced | None:
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
    if last.endswith(".toml"):
        why = "a file that ends in .toml is read as a declaration, and a state is JSON"
        return Misplaced(why, _write(f"{path.removesuffix('.toml')}.json"))
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
