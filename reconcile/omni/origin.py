"""The exact origin a token belongs to, read strictly: one spelling, or a refusal."""

import ipaddress
import re
from dataclasses import dataclass

from reconcile.model.diagnostic import Diagnostic, ReconcileError

_DEFAULT_PORTS = {"https": 443, "http": 80}
_LONGEST_HOST = 253
_LONGEST_TEXT = 300
_HIGHEST_PORT = 65535

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]*\]|[^:\[\]]*)(?::(.*))?")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_PATH = re.compile(r"(?:/api(?:/(?:v1|unstable))?)?/?")

_TELLTALES = {
    "@": "a user name or password before the host (an '@')",
    "\\": "a backslash",
    "?": "a query (a '?')",
    "#": "a fragment (a '#')",
    "%": "a percent sign",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, ASCII host in lower case (an IPv6 address without brackets), and port."""

    scheme: str
    host: str
    port: int

    @property
    def netloc(self) -> str:
        """Host and port as a URL has them; the scheme's own port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}"


def default_port(scheme: str) -> int | None:
    """Return the port a scheme implies; None for a scheme that is never spoken."""
    return _DEFAULT_PORTS.get(scheme)


def parse_origin(text: str, *, source: str = "base_url") -> Origin:
    """Read what a person types for an instance: a host, or its URL down to `/api/v1`.

    `source` names where the text came from in the message. The text itself is never repeated:
    a URL may hold a password, and people paste tokens into the wrong variable.

    Raises ReconcileError `bad-base-url`. Accepted spellings: omni-api.md 1.1.
    """
    try:
        return _read(text)
    except _SpellingError as refused:
        reason = str(refused)
    raise ReconcileError(
        Diagnostic(
            code="bad-base-url",
            summary="The address of the Omni instance cannot be used",
            detail=f"{source} {reason}. A token is sent to one exact https origin, so its "
            "address has to be spelled plainly.",
            hint='write the instance as base_url = "https://myorg.omniapp.co"',
        )
    )


class _SpellingError(Exception):
    """Why a text is not an origin, as the end of a sentence that starts with its source."""


def _read(text: str) -> Origin:
    _check_characters(text)
    scheme, rest = "https", text
    if match := _SCHEME.match(text):
        scheme, rest = match[1].lower(), text[match.end() :]
    if scheme not in _DEFAULT_PORTS:
        raise _SpellingError("has a scheme other than https")
    authority, slash, path = rest.partition("/")
    if not _PATH.fullmatch(slash + path):
        raise _SpellingError("has a path other than /api, /api/v1 or /api/unstable")
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise _SpellingError("has a malformed host")
    host = _read_host(match[1].lower())
    if scheme == "http" and not _is_loopback(host):
        raise _SpellingError("uses http, which is for loopback hosts only")
    return Origin(scheme, host, _read_port(match[2], scheme))


def _check_characters(text: str) -> None:
    if not text or len(text) > _LONGEST_TEXT:
        raise _SpellingError(
            "is empty" if not text else f"is longer than {_LONGEST_TEXT} characters"
        )
    for position, character in enumerate(text, start=1):
        if not "!" <= character <= "~":
            raise _SpellingError(
                f"has a space, a control character or a non-ASCII letter at position {position}"
            )
        if character in _TELLTALES:
            raise _SpellingError(f"has {_TELLTALES[character]}")


def _read_port(text: str | None, scheme: str) -> int:
    if text is None:
        return _DEFAULT_PORTS[scheme]
    if not _PORT.fullmatch(text) or int(text) > _HIGHEST_PORT:
        raise _SpellingError("has a port that is not a plain number from 1 to 65535")
    return int(text)


def _read_host(host: str) -> str:
    if host.startswith("["):
        return _read_address(host[1:-1])
    labels = host.split(".")
    # The last label decides what a resolver takes for an IPv4 address: 127.1, 0x7f.1, 2130706433.
    if _NUMBER.fullmatch(labels[-1]):
        return _read_address(host)
    if len(host) > _LONGEST_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise _SpellingError(
            "has a host that is not a plain host name (letters, digits, '-' and '.')"
        )
    return host


def _read_address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise _SpellingError("has an IP address in an unusual spelling") from None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        raise _SpellingError("has an IPv4 address dressed as IPv6")
    if str(address) != text:
        raise _SpellingError("has an IP address in an unusual spelling")
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        raise _SpellingError("has an IP address that belongs to no server")
    return text


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
