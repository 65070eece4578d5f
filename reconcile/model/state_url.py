"""The URL of a state: it is written into files, logs and plans, so it must not hold a secret."""

from typing import Final
from urllib.parse import parse_qs, urlsplit

from reconcile.model.diagnostic import Diagnostic, Place, ReconcileError

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
    raise ReconcileError(
        Diagnostic(
            code="state-url-differs",
            summary=f"The files name another state than {VARIABLE}",
            detail=f"The files keep the state at {_shown(files_say)}, and {VARIABLE} is "
            f"{_shown(said)}. The environment decides, and a file that says otherwise is for "
            "another place. Nothing was read or sent.",
            hint="make [state] url the same or leave it out; --state URL overrides both",
        )
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


def _shown(url: str) -> str:
    """Return a URL without what may be secret."""
    return "a URL with a secret in it" if has_secret(url) else url


def require_no_secret(url: str, place: str) -> None:
    """Refuse a URL with a password in it. Raises ReconcileError, which does not repeat it.

    `place` says where the URL was found: a file's name, or an option.
    """
    if not has_secret(url):
        return
    raise ReconcileError(
        Diagnostic(
            code="state-url-secret",
            summary="The state's URL holds a secret",
            detail="There is a password or a key in the URL, where files, logs and plans would "
            "carry it on. Credentials come from where that store's own tools look: AWS_* or a "
            "profile, Google's application default, AZURE_*, PGPASSFILE or PGSERVICE.",
            hint="Take it out of the URL, and change it wherever the file has been shared.",
            places=(Place(place),),
        )
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
