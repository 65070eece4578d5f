"""How long a failed item waits before it is tried again, apart from its cadence."""

from datetime import timedelta
from hashlib import sha256

from reconcile.model.address import Address

FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=1)


def backoff(address: Address, failures: int) -> timedelta:
    """Delay after the given number of consecutive failures: doubling, capped, -0..25 % jitter.

    The jitter is derived from the address, not drawn: a plan must come out the same each time,
    and all that is wanted is that items which failed together do not return together.
    """
    doubled = FIRST_DELAY * 2 ** min(failures - 1, 16)
    fraction = int.from_bytes(sha256(f"{address}/{failures}".encode()).digest()[:4]) / 2**32
    return timedelta(
        seconds=round(min(doubled, LONGEST_DELAY).total_seconds() * (1 - fraction / 4))
    )
