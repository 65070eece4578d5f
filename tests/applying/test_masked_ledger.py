"""The second guard: an entry that holds the token is written without it."""

from dataclasses import replace

from reconcile.applying.carrying import MaskedLedger
from reconcile.model.journal import Accepted, Doubted, Entry, Failed, Forgotten, NotSent, Rejected
from reconcile.model.recorded import Recorded
from reconcile.omni.credential import Secret
from tests.canary import CANARY
from tests.state.acts import NOON


class Kept:
    """Keeps what is appended."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def append(self, *entries: Entry) -> Recorded:
        self.entries += entries
        return Recorded(lineage="l")


def test_no_entry_is_written_with_the_token_in_it() -> None:
    # H1
    said = f"400: got Bearer {CANARY}"
    entries = [entry(NOON, "op", said) for entry in (NotSent, Rejected, Doubted, Failed, Accepted)]
    kept = Kept()
    MaskedLedger(kept, Secret(CANARY)).append(*entries, Forgotten(NOON, "models.a.refresh"))
    assert CANARY not in repr(kept.entries)
    told = [replace(entry, message="400: got Bearer [token]") for entry in entries[:4]]
    assert kept.entries[:4] == told
    assert kept.entries[4:] == [
        Accepted(NOON, "op", "400: got Bearer [token]"),
        Forgotten(NOON, "models.a.refresh"),
    ]
