"""Looking at an instance for real: reads only, under the same budget as an apply."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from reconcile.applying.carrying import Access
from reconcile.applying.history import CountingLimiter
from reconcile.clock import wall_clock
from reconcile.omni.calls import OmniClient
from reconcile.omni.limiter import PacedLimiter, SharedLog
from reconcile.omni.reads import Choose, Look, OmniReader, observe


async def look(access: Access, wanted: Choose, requests_per_minute: int) -> Look:
    """Make one look. Every failure to see a part is a gap in it, and none is raised."""
    async with OmniClient(access.credential) as omni:
        return await observe(omni, _limiter(access, requests_per_minute), wanted, wall_clock)


@asynccontextmanager
async def reading(access: Access, requests_per_minute: int) -> AsyncIterator[OmniReader]:
    """Give what reads single facts of the instance."""
    async with OmniClient(access.credential) as omni:
        yield OmniReader(omni, _limiter(access, requests_per_minute), wall_clock)


def _limiter(access: Access, requests_per_minute: int) -> CountingLimiter:
    limiter = PacedLimiter(
        requests_per_minute,
        random=Random(),  # noqa: S311 -- spreads waits apart, keeps no secret
        history=access.spent.ages_s(),
        shared=None if access.sends is None else SharedLog(access.sends, wall=wall_clock),
    )
    return CountingLimiter(limiter, access.spent)
