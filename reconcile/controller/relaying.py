"""From the thread of a cycle to the loop of the controller."""

import asyncio
from collections.abc import Callable

from reconcile.controller.desk import Desk
from reconcile.controller.observing import Unobserved
from reconcile.controller.telling import Teller
from reconcile.model.desired import Desired
from reconcile.model.plan import Plan
from reconcile.model.progress import Event
from reconcile.model.recorded import Recorded


class Relay(Unobserved):
    """Tells the desk and the log of a cycle, in their own loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        desk: Desk,
        tell: Teller,
        know: Callable[[Desired, Recorded], None],
    ) -> None:
        self._loop, self._desk, self._tell, self._know = loop, desk, tell, know

    def know(self, desired: Desired, recorded: Recorded) -> None:
        """Hand over what is declared and recorded."""
        self._loop.call_soon_threadsafe(self._know, desired, recorded)

    def begin(self, planned: Plan) -> None:
        """Show that a plan is being carried out."""
        self._loop.call_soon_threadsafe(self._desk.begun, planned)

    def report(self, event: Event) -> None:
        """Show progress."""
        self._loop.call_soon_threadsafe(self._take, event)

    def _take(self, event: Event) -> None:
        self._desk.happened(event)
        self._tell.progress(event)
