"""Stores that are not what they should be: real ones, with one thing wrong."""

from reconcile.state.remote.memory import MemoryStore
from reconcile.state.remote.store import Stored, StoreError, Version


class CarelessStore(MemoryStore):
    """Overwrites where it should refuse, as stores do that know no conditions."""

    def __init__(self, *, creates: bool, updates: bool) -> None:
        super().__init__()
        self._creates, self._updates = creates, updates

    def put(self, key: str, data: bytes, version: Version | None) -> Version:
        if self._creates if version is None else self._updates:
            there = self.get(key)
            version = there and there.version
        return super().put(key, data, version)


class LossyStore(MemoryStore):
    """Does what it is asked; of its first acknowledgements after `lose`, that many are lost."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = 0
        self.away = False

    def lose(self, acknowledgements: int) -> None:
        self.lost = acknowledgements

    def get(self, key: str) -> Stored | None:
        self._refuse_while_away(key)
        return super().get(key)

    def put(self, key: str, data: bytes, version: Version | None) -> Version:
        self._refuse_while_away(key)
        written = super().put(key, data, version)
        if self.lost:
            self.lost -= 1
            raise StoreError(key, "the connection was reset")
        return written

    def _refuse_while_away(self, key: str) -> None:
        if self.away:
            raise StoreError(key, "the connection was refused", passing=False)
