"""How long what came to nothing waits before it is tried again, apart from the cadence."""

from datetime import timedelta
from hashlib import sha256

FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=1)


def backoff(of: str, times: int) -> timedelta:
    """Delay after something came to nothing so many times in a row: doubling, capped, -0..25 %.

    The jitter is derived and not drawn, since a plan must come out the same each time. `of` is what
    it is derived from: for failures the identity of an item, so that items which failed together do
    not return together; for an outcome nobody saw the operation, so that those which shared a call
    are tried again in one. Never the address: a new name for an item moves nothing.
    """
    doubled = FIRST_DELAY * 2 ** min(times - 1, 16)
    seed = f"{of}/{times}".encode("utf-8", "surrogatepass")
    fraction = int.from_bytes(sha256(seed).digest()[:4]) / 2**32
    return timedelta(
        seconds=round(min(doubled, LONGEST_DELAY).total_seconds() * (1 - fraction / 4))
    )
