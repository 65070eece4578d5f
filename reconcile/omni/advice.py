"""Adds to Omni's refusals what to change on our side."""

from datetime import datetime


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
    if "future dated" in words:
        clock = f", which says {server_date:%Y-%m-%dT%H:%M:%SZ}" if server_date else ""
        return f"(this machine's clock is probably ahead of Omni's{clock})"
    return None
