"""Where a remote state is, read from its URL, which never holds a secret."""

import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Literal, cast
from urllib.parse import SplitResult, unquote, urlsplit

from reconcile.model.address import OperatorUrl, require_no_secret
from reconcile.model.diagnostic import ReconcileError
from reconcile.state.refusals import refusal

Scheme = Literal["s3", "gs", "az", "postgresql"]

_KEY = re.compile(r"[A-Za-z0-9!_.'()=@+,:~ -]+(?:/[A-Za-z0-9!_.'()=@+,:~ -]+)*")
_FORMS = "s3://BUCKET/KEY, gs://BUCKET/KEY, az://CONTAINER/KEY or postgresql://HOST/DATABASE#KEY"


@dataclass(frozen=True, slots=True)
class RemoteAddress:
    """The objects of one state: the state itself, and what lies beside it under its name.

    `place` is the bucket, the container, or what libpq is told. `url` may be shown. `said`: the
    operator gave it, and no file.
    """

    scheme: Scheme
    place: str
    key: str
    url: str
    said: bool = False

    @property
    def journal(self) -> str:
        """Key of the entries that are not in the state yet."""
        return f"{self.key}.journal"

    @property
    def lock(self) -> str:
        """Key of the lease."""
        return f"{self.key}.lock"

    @property
    def previous(self) -> str:
        """Key of the state as it was before the last run that changed it."""
        return f"{self.key}.prev"

    @property
    def history(self) -> str:
        """Key of the entries that were folded into the state."""
        return f"{self.key}.history"

    @property
    def session(self) -> str:
        """Key of the marker of a session that writes."""
        return f"{self.key}.session"

    def shown(self, key: str) -> str:
        """Spell one of these keys as a URL, for people."""
        return self.url + key.removeprefix(self.key)


def parse_remote(url: str) -> RemoteAddress:
    """Read the URL of a remote state. Raises ReconcileError, which never repeats a secret."""
    require_no_secret(url, "[state] url, or --state")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _unusable("it is not a URL") from None
    if parts.scheme in {"postgres", "postgresql"}:
        return replace(_parse_postgres(parts), said=isinstance(url, OperatorUrl))
    return _parse_object(parts)


def _parse_object(parts: SplitResult) -> RemoteAddress:
    bucket, key = parts.netloc, parts.path.removeprefix("/")
    if parts.query or parts.fragment or not re.fullmatch(r"[A-Za-z0-9._-]+", bucket):
        raise _unusable(f"it is none of {_FORMS}")
    url = f"{parts.scheme}://{bucket}/{_checked(key)}"
    return RemoteAddress(cast("Scheme", parts.scheme), bucket, key, url)


def _parse_postgres(parts: SplitResult) -> RemoteAddress:
    key = _checked(unquote(parts.fragment))
    conninfo = parts._replace(scheme="postgresql", fragment="").geturl()
    shown = parts._replace(scheme="postgresql", query="", fragment=key).geturl()
    return RemoteAddress("postgresql", _with_slashes(conninfo), key, _with_slashes(shown))


def _with_slashes(url: str) -> str:
    """Put back what urllib drops from a URL without a host, which for libpq means its defaults."""
    rest = url.removeprefix("postgresql:")
    return url if rest.startswith("//") else f"postgresql://{rest}"


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key) or {".", ".."} & set(PurePosixPath(key).parts):
        raise _unusable(f"its key, which names the state there, is missing or odd: {_FORMS}")
    return key


def _unusable(why: str) -> ReconcileError:
    # Without the URL: what cannot be read may hold a secret anywhere.
    return refusal(
        "state-url",
        "The state's URL cannot be used",
        f"State cannot be kept there: {why}.",
        path="[state] url",
    )
