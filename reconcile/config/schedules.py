"""cron expressions, checked by the one grammar there is for them."""

from functools import lru_cache

from reconcile.config.problems import LeafError
from reconcile.planning.time.cron import CronError, parse_cron


@lru_cache(maxsize=4_096)
def check_cron(expression: str) -> str:
    """Return the expression if it can be read; raise `LeafError` at the offset where it cannot."""
    try:
        parse_cron(expression)
    except CronError as error:
        raise LeafError("bad-cron", error.message, offset=error.position) from None
    return expression
