"""Versions of a mapping that goes on changing, each at the cost of what changed."""

from collections.abc import Iterator, Mapping, MutableMapping

from reconcile.model.address import Address
from reconcile.model.recorded import Record

Undo = dict[Address, Record | None]
"""What to put back, None: what to take out, to be the version before."""


class Version(Mapping[Address, Record]):
    """The items as they stood at one moment, whatever is written later.

    The newest version shares the live items. An older one knows what to undo, and copies the
    items when it is first read: keeping versions costs nothing until somebody looks back.
    """

    __slots__ = ("_items", "_newer", "_undo")

    def __init__(self, items: dict[Address, Record]) -> None:
        self._items: dict[Address, Record] | None = items
        self._newer: Version | None = None
        self._undo: Undo = {}

    def __getitem__(self, address: Address) -> Record:
        return self._settled()[address]

    def __iter__(self) -> Iterator[Address]:
        # Over a copy: a loop over the newest version may well write as it goes.
        return iter(tuple(self._settled()))

    def __len__(self) -> int:
        return len(self._settled())

    def copy(self) -> dict[Address, Record]:
        """Return the items as a dictionary of one's own."""
        return dict(self._settled())

    def give_way(self, newer: "Version", undo: Undo) -> None:
        """Stop sharing the live items. `undo` is filled in as they change."""
        self._items, self._newer, self._undo = None, newer, undo

    def _settled(self) -> dict[Address, Record]:
        if self._items is not None:
            return self._items
        steps: list[Undo] = []
        version = self
        while version._items is None and version._newer is not None:
            steps.append(version._undo)
            version = version._newer
        items = version.copy()
        for undo in reversed(steps):
            for address, record in undo.items():
                if record is None:
                    items.pop(address, None)
                else:
                    items[address] = record
        self._items, self._newer, self._undo = items, None, {}
        return items


class Versioned(MutableMapping[Address, Record]):
    """Items that can be written, and handed out as they stand at the price of nothing."""

    def __init__(self, items: Mapping[Address, Record]) -> None:
        self._items = dict(items)
        self._newest = Version(self._items)
        self._undo: Undo | None = None

    def version(self) -> Version:
        """Return the items as they stand; what is written later does not show in it."""
        self._undo = None
        return self._newest

    def __getitem__(self, address: Address) -> Record:
        return self._items[address]

    def __iter__(self) -> Iterator[Address]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __setitem__(self, address: Address, record: Record) -> None:
        self._remember(address)
        self._items[address] = record

    def __delitem__(self, address: Address) -> None:
        self._remember(address)
        del self._items[address]

    def _remember(self, address: Address) -> None:
        if self._undo is None:
            older, self._newest, self._undo = self._newest, Version(self._items), {}
            older.give_way(self._newest, self._undo)
        self._undo.setdefault(address, self._items.get(address))
