"""What a live look found, below a plan in a comment on a change."""

import re

MOST_LINES = 80
"""A comment has a limited length, and nobody reads more of this."""

_BACKTICKS = re.compile(r"`{3,}")


def findings_markdown(text: str) -> str:
    """Return the listing in a block of code, which no name in it can leave.

    The fence is longer than any run of backticks inside; see `markdown_code` for why code.
    """
    lines = text.rstrip("\n").splitlines()
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"... {len(lines) - MOST_LINES} more lines"]
    listing = "\n".join(lines)
    fence = "`" * max([2, *map(len, _BACKTICKS.findall(listing))]) + "`"
    return f"\n#### The live instance\n\n{fence}text\n{listing}\n{fence}\n"
