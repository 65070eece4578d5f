"""Who may look: this machine, or whoever knows the token."""

import hashlib
import hmac
import ipaddress
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

COOKIE = "reconcile-page"
_LOCAL_NAMES = frozenset({"localhost", "localhost."})


class Access:
    """Decides about requests. Without a token only names of this machine are answered to.

    A page of another site can have its own name resolve to this machine; its requests then carry
    that name. `local_only` is False behind a socket that the file system guards.
    """

    def __init__(self, token: str | None, *, local_only: bool) -> None:
        self._token = None if token is None else token.encode()
        self._local_only = local_only

    def refusal(self, headers: Headers) -> HTTPStatus | None:
        """Return how to refuse a request with these headers; None if it may look."""
        if self._token is None:
            if self._local_only and not is_local_name(headers.get("host", "")):
                return HTTPStatus.MISDIRECTED_REQUEST
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.admits(given.strip()):
            return None
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        if hmac.compare_digest(cookie.encode(), self.cookie().encode()):
            return None
        return HTTPStatus.UNAUTHORIZED

    def admits(self, token: str) -> bool:
        """Compare a token with ours, in a time that tells nothing of it."""
        return self._token is not None and hmac.compare_digest(token.encode(), self._token)

    def cookie(self) -> str:
        """Return what a browser keeps instead of the token; nothing can be made of it elsewhere."""
        return hmac.new(self._token or b"", b"the page", hashlib.sha256).hexdigest()


def is_local_name(host: str) -> bool:
    """Tell whether a Host header names this machine; a port may follow."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name.lower() in _LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(name.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False
