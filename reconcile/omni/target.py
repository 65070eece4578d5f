"""The request target exactly as it goes over the wire, and a refusal of any that could be moved."""

import re
from urllib.parse import quote, unquote

from reconcile.model.plan import Request

_SEGMENTS = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)+")
_DOTS = frozenset({".", ".."})


def encode_target(request: Request) -> bytes | None:
    """Return path and query as bytes; None if a server could read the path as another one.

    The path is already percent-encoded and is not touched. `quote` leaves dots alone, so a policy
    named `..` would climb to another endpoint wherever a proxy resolves it; so would `%2e%2e`.
    """
    if not _SEGMENTS.fullmatch(request.path):
        return None
    if any(unquote(segment) in _DOTS for segment in request.path.split("/")):
        return None
    query = "&".join(
        f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in request.query
    )
    return f"{request.path}?{query}".encode("ascii") if query else request.path.encode("ascii")


def model_of(path: str) -> str:
    """Return the model id in the path of a refresh: the segment before the last."""
    return unquote(path.split("/")[-2])


def is_legacy(path: str) -> bool:
    """Tell whether a path is one of the older API (omni-api.md 2.1, 2.3), not of v1."""
    return path.startswith(("/api/v0/", "/api/unstable/"))
