"""Stores that are not what they should be: real ones, with one thing wrong."""

from collections.abc import Sequence
from time import sleep

from reconcile.state.remote.stores import Stored, StoreError, Version, Writing, put_each
from tests.state.remote.local_stores import MemoryStore

_LOST, _THROUGH = 2, 3


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

    def delete(self, key: str, version: Version) -> None:
        self._refuse_while_away(key)
        super().delete(key, version)

    def _refuse_while_away(self, key: str) -> None:
        if self.away:
            raise StoreError(key, "the connection was refused", passing=False)


class SlowStore(MemoryStore):
    """Takes its time, so that others come in between."""

    def get(self, key: str) -> Stored | None:
        sleep(0.005)
        return super().get(key)

    def put(self, key: str, data: bytes, version: Version | None) -> Version:
        sleep(0.005)
        return super().put(key, data, version)


class FailingStore:
    """One runner's way to a store: its second writing is kept, and told of `late_s` later as lost.

    The third gets through, and nothing after it.
    """

    def __init__(self, behind: MemoryStore, late_s: float) -> None:
        self._behind, self._late_s = behind, late_s
        self._puts = 0

    def get(self, key: str) -> Stored | None:
        return self._behind.get(key)

    def get_all(self, keys: Sequence[str]) -> list[Stored | None]:
        """Return objects, one after the other."""
        return [self.get(key) for key in keys]

    def put(self, key: str, data: bytes, version: Version | None) -> Version:
        self._puts += 1
        if self._puts > _THROUGH:
            raise StoreError(key, "the connection was refused")
        written = self._behind.put(key, data, version)
        if self._puts == _LOST:
            sleep(self._late_s)
            raise StoreError(key, "the connection was reset")
        return written

    def delete(self, key: str, version: Version) -> None:
        del version
        raise StoreError(key, "the connection was refused")

    def put_all(self, writes: Sequence[Writing]) -> list[Version | None]:
        """Write objects one after the other."""
        return put_each(self, writes)
