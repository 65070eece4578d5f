"""What the page shows of all instances: the rows of the roster, read again and again."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime

from procrastinate.exceptions import ConnectorException

from reconcile.fleet.roster import Roster
from reconcile.model.fleet import Fleet, Seat


class Lobby:
    """Keeps the newest look at the roster. `looked_at` (UTC): None before the first."""

    def __init__(self, fleet: Fleet, roster: Roster, now: Callable[[], datetime]) -> None:
        self._fleet, self._roster, self._now = fleet, roster, now
        self._known: Mapping[str, Seat] = {}
        self.looked_at: datetime | None = None
        self.changed: Callable[[], None] = lambda: None

    @property
    def seats(self) -> tuple[Seat, ...]:
        """Every declared instance, by name, whether it ever ran or not."""
        return tuple(self.seat(member.name) for member in self._fleet.members)

    def seat(self, name: str) -> Seat:
        """Return what is known of one instance."""
        return self._known.get(name, Seat(instance=name))

    async def watch(self) -> None:
        """Look for ever, as often as workers look for what is due."""
        while True:
            # A database that is gone is for the worker to tell of; here it shows in `looked_at`.
            with suppress(ConnectorException):
                known = await self._roster.load()
                self.looked_at = self._now()
                if known != self._known:
                    self._known = known
                    self.changed()
            await asyncio.sleep(self._fleet.look_every_s)
