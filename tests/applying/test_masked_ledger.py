"""The second guard: an entry that holds the token is written without it."""

import asyncio

from reconcile.applying.apply import MaskedLedger
from reconcile.model.address import Address
from reconcile.model.journal import (
    Accepted,
    Blamed,
    Doubted,
    EndUnseen,
    Entry,
    Failed,
    Looked,
    Missed,
    NotSent,
    Rejected,
)
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.omni.credential import Secret
from tests.canary import CANARY
from tests.state.acts import NOON

ADDRESS = Address("models.a.refresh")
MASKED = "400: got Bearer [token]"


class Kept:
    """Keeps what is appended."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    @property
    def recorded(self) -> Recorded:
        return Recorded(lineage="l")

    async def append(self, *entries: Entry) -> Recorded:
        self.entries += entries
        return self.recorded


def write(kept: Kept, *entries: Entry) -> None:
    async def written() -> None:
        await MaskedLedger(kept, Secret(CANARY)).append(*entries)

    asyncio.run(written())


def test_no_entry_is_written_with_the_token_in_it() -> None:
    # H1
    said = f"400: got Bearer {CANARY}"
    messages = [entry(NOON, "op", said) for entry in (NotSent, Rejected, Doubted, Failed)]
    others = (Accepted(NOON, "op", said), Missed(NOON, ADDRESS, NOON))
    kept = Kept()
    write(kept, *messages, *others)
    assert CANARY not in repr(kept.entries)
    assert kept.entries[:4] == [replace(entry, message=MASKED) for entry in messages]
    assert kept.entries[4:] == [Accepted(NOON, "op", MASKED), others[1]]


def test_no_look_at_a_job_and_no_later_blame_is_written_with_the_token_in_it() -> None:
    # H1
    said = f"400: got Bearer {CANARY}"
    kept = Kept()
    looks = (Looked(NOON, "op", said, "absent"), EndUnseen(NOON, "op", said))
    write(kept, *looks, Blamed(NOON, (ADDRESS,), said))
    assert CANARY not in repr(kept.entries)
    assert kept.entries[0] == Looked(NOON, "op", MASKED, "absent")
