"""How a controller has its cycles made: in a thread of their own, or where it runs itself."""

import asyncio
from contextlib import suppress
from threading import Lock
from typing import Protocol

from reconcile.applying.ports import Stop, StopCause
from reconcile.controller.cycle import reconcile_once
from reconcile.controller.instance import Instance, Surroundings
from reconcile.controller.observing import Observer
from reconcile.controller.outcome import Outcome
from reconcile.model.desired import Desired


class Cycles(Protocol):
    """Makes one cycle after another, never two at once."""

    async def make(self, desired: Desired, observer: Observer) -> Outcome:
        """Reconcile once."""

    def call_off(self, cause: StopCause) -> None:
        """Ask the cycle that is being made, if there is one, to end."""


class InlineCycles:
    """Makes cycles in the loop of the caller."""

    def __init__(self, instance: Instance, surroundings: Surroundings) -> None:
        self._instance, self._surroundings = instance, surroundings
        self._stop = Stop()

    async def make(self, desired: Desired, observer: Observer) -> Outcome:
        """Reconcile once."""
        self._stop = Stop()
        return await reconcile_once(
            self._instance,
            desired=desired,
            stop=self._stop,
            observer=observer,
            surroundings=self._surroundings,
        )

    def call_off(self, cause: StopCause) -> None:
        """Ask the cycle that is being made, if there is one, to end."""
        self._stop.request(cause)


class ThreadedCycles:
    """Makes cycles in a thread with a loop of its own.

    A slow disk, a distant store or a large plan then holds up neither a signal nor a page.
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._guard = Lock()
        self._making: tuple[asyncio.AbstractEventLoop, Stop] | None = None
        self._called_off: StopCause | None = None

    async def make(self, desired: Desired, observer: Observer) -> Outcome:
        """Reconcile once."""
        self._called_off = None
        return await asyncio.to_thread(lambda: asyncio.run(self._make(desired, observer)))

    def call_off(self, cause: StopCause) -> None:
        """Ask the cycle that is being made, if there is one, to end."""
        with self._guard:
            self._called_off = cause
            if self._making is None:
                return
            loop, stop = self._making
            with suppress(RuntimeError):  # it has just ended by itself
                loop.call_soon_threadsafe(stop.request, cause)

    async def _make(self, desired: Desired, observer: Observer) -> Outcome:
        stop = Stop()
        with self._guard:
            self._making = asyncio.get_running_loop(), stop
            if self._called_off is not None:
                stop.request(self._called_off)
        try:
            return await reconcile_once(
                self._instance, desired=desired, stop=stop, observer=observer
            )
        finally:
            with self._guard:
                self._making = None
