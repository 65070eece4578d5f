"""The instance a file asserts: an https origin, reduced to `scheme://host[:port]`."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from reconcile.config.problems import LeafError

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.?")
LONGEST_HOST = 253
"""Characters of a DNS name."""

_API_PATHS = frozenset(("", "/api", "/api/v1"))
_DEFAULT_PORTS = {"https": 443, "http": 80}


def parse_origin(text: str) -> str:
    """Return the origin of a base URL; raise `LeafError` unless it is https, or http on loopback.

    The message never repeats a URL that carries a user or password.
    """
    parts, port = _split(text)
    if parts.username is not None or parts.password is not None:
        raise _refused("It carries a user or a password, and a file is no place for either.")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise _refused("It carries a query or a fragment, which an origin has not.")
    if parts.path.rstrip("/") not in _API_PATHS:
        raise _refused(f'Its path is "{parts.path[:60]}"; only `/api` or `/api/v1` may follow it.')
    host = _host(parts)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise _refused("A token is only ever sent over https; http is for loopback alone.")
    written = f"[{host}]" if ":" in host else host
    default = port is None or port == _DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{written}" if default else f"{parts.scheme}://{written}:{port}"


def is_loopback(host: str) -> bool:
    """Tell whether a host can only be this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _split(text: str) -> tuple[SplitResult, int | None]:
    # urlsplit drops tabs and line ends, so what it returns may not be what was written.
    if not (text.isascii() and text.isprintable()) or " " in text or "\\" in text:
        raise _refused("It holds spaces or characters that are not plain ASCII.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _refused("Its host or port cannot be read.") from None
    return parts, port


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    if ":" in host:
        try:
            return ipaddress.IPv6Address(host).compressed
        except ValueError:
            raise _refused("Its address cannot be read.") from None
    if len(host) > LONGEST_HOST or not _HOST.fullmatch(host) or ".." in host:
        raise _refused("It names no host.")
    return host.rstrip(".")


def _refused(why: str) -> LeafError:
    return LeafError(
        "bad-base-url",
        f"The base URL is not an origin to call. {why}",
        'Write, for instance, base_url = "https://myorg.omniapp.co".',
    )
