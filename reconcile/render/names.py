"""Names and words that came from elsewhere, as a sentence of ours shows them."""

from collections.abc import Sequence

from reconcile.model.address import Address
from reconcile.model.plan import Request
from reconcile.render.escape import escape_terminal

ADDRESS_LIMIT = 240
"""Characters of an address that are shown: far beyond any sane one, far below a flood."""

_WORDS_LIMIT = 160
_PATHS_SHOWN = 3


def address_text(address: Address) -> str:
    """Return an address as it is shown to people."""
    return escape_terminal(address, ADDRESS_LIMIT)


def addresses_text(addresses: Sequence[Address]) -> str:
    """Return the first of the addresses one call covers, and how many more there are."""
    first = address_text(addresses[0]) if addresses else "(none)"
    return first if len(addresses) <= 1 else f"{first} (+{len(addresses) - 1})"


def words_text(message: str, limit: int = _WORDS_LIMIT) -> str:
    """Return somebody else's words, quoted so that they cannot pass for ours."""
    return f'"{escape_terminal(message, limit)}"'


def paths_text(paths: Sequence[str]) -> str:
    """Return the first few of the paths, and how many more there are."""
    shown = ", ".join(escape_terminal(path, _WORDS_LIMIT) for path in paths[:_PATHS_SHOWN])
    more = len(paths) - _PATHS_SHOWN
    return f"{shown} and {counted(more, 'more file')}" if more > 0 else shown


def request_text(request: Request) -> str:
    """Return method, path and query of a request, as a person would look it up in a log."""
    query = "&".join(f"{name}={value}" for name, value in request.query)
    target = f"{request.path}?{query}" if query else request.path
    return f"{request.method} {escape_terminal(target, ADDRESS_LIMIT)}"


def counted(number: int, noun: str) -> str:
    """Return `1 slot`, `3 slots`, `2 refreshes`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun}{'es' if noun.endswith('sh') else 's'}"
