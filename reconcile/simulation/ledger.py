"""The journal of a simulation: folded as it is written, and kept nowhere."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from reconcile.model.address import Address
from reconcile.model.journal import Entry, Numbered
from reconcile.model.recorded import Record, Recorded
from reconcile.planning.replay import Fold

Watcher = Callable[[Entry, Mapping[Address, Record]], None]
"""Sees each entry, and the records as they were before it."""


class MemoryLedger:
    """A ledger whose `append` costs what the entries touch. `records` is a live view."""

    def __init__(self, recorded: Recorded, watch: Watcher) -> None:
        items = dict(recorded.items)
        self.records: Mapping[Address, Record] = MappingProxyType(items)
        self._recorded = replace(recorded, items=self.records)
        self._fold = Fold(self._recorded, items)
        self._watch = watch

    def append(self, *entries: Entry) -> Recorded:
        """Fold entries in. The result shares the live view."""
        for entry in entries:
            self._watch(entry, self.records)
            self._fold.add(Numbered(self._fold.sequence + 1, entry))
        return self.recorded

    @property
    def recorded(self) -> Recorded:
        """The state as it stands. It shares the live view."""
        return self._fold.onto(self._recorded, self.records)
