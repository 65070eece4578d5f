"""Adds to Omni's refusals what to change on our side."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from reconcile.model.plan import Request
from reconcile.model.progress import CallRejected, Proof

FUTURE_STAMP: Final = "future dated"
"""Omni's words for a `resetAt` that lies in its future, in lower case (omni-api.md 2.3 [doc])."""

_REFRESHERS = (
    "(a refresh needs Omni's Connection Admin permission on the connection, or Modeler where the "
    "connection has exactly one shared model)"
)
_UNSTABLE = (
    "(this older API is enabled for each instance by Omni's support; "
    'api = "v1" in [omni] uses the current one)'
)


def with_advice(message: str, *, server_date: datetime | None) -> str:
    """Return the message with one sentence of advice, where its words are known.

    The words are those of omni-api.md 2.1 and 2.3 (MCP [doc]); an unknown text passes unchanged.
    """
    advice = _advice(message.lower(), server_date)
    return f"{message} {advice}" if advice else message


def _advice(words: str, server_date: datetime | None) -> str | None:
    if "branch_id" in words and "uuid" not in words:
        if "is required" in words:
            return '(set branch_id = "..." in [models.NAME.refresh])'
        if "not be provided" in words or "not allowed" in words:
            return "(remove branch_id from [models.NAME.refresh])"
    if "require hard_refresh=false" in words:
        return '(set mode = "soft" in [models.NAME.refresh], or remove schemas and tables)'
    if FUTURE_STAMP in words:
        clock = f", which says {server_date:%Y-%m-%dT%H:%M:%SZ}" if server_date else ""
        return f"(this machine's clock is probably ahead of Omni's{clock})"
    return None


def advised(rejected: CallRejected, request: Request) -> CallRejected:
    """Add what is known of a refusal of this very call (omni-api.md 3.5, 9.9)."""
    advice = None
    if rejected.proof is Proof.FORBIDDEN and request.path.endswith("/refresh"):
        advice = _REFRESHERS
    elif rejected.proof is Proof.NOT_FOUND and request.path.startswith("/api/unstable/"):
        advice = _UNSTABLE
    if advice is None:
        return rejected
    return replace(rejected, message=f"{rejected.message} {advice}")
