"""What a cycle is given: an instance, and the surroundings to reconcile it in."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from reconcile.applying.apply import Access, carry_out
from reconcile.applying.ports import Ledger, Stop
from reconcile.clock import wall_clock
from reconcile.config.load import kept_at, load
from reconcile.config.toml import Locations
from reconcile.model.address import OperatorUrl
from reconcile.model.desired import Desired
from reconcile.model.diagnostic import Diagnostic
from reconcile.model.plan import Choice, Plan
from reconcile.model.progress import Event, Summary
from reconcile.model.recorded import Recorded
from reconcile.omni.credential import require_same_origin
from reconcile.planning.item import require_selected


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """What is reconciled: files, a state, and the right to call Omni.

    `state_url` replaces the files'. `command` says in the lock who holds it.
    """

    file: Locations
    access: Access
    state_url: str | None = None
    choice: Choice = field(default_factory=Choice)
    command: str = "reconcile run"
    lock_timeout_s: float = 0.0


class Carrying(Protocol):
    """Makes the calls of a plan: `applying.carrying.carry_out`, or a simulation of it."""

    async def __call__(
        self,
        plan: Plan,
        *,
        ledger: Ledger,
        recorded: Recorded,
        access: Access,
        report: Callable[[Event], None],
        stop: Stop,
    ) -> Summary:
        """Carry out a plan. Raises ReconcileError when the journal can no longer be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a cycle touches besides files: the clock (UTC), and Omni."""

    now: Callable[[], datetime] = wall_clock
    carry: Carrying = carry_out


def load_instance(instance: Instance) -> tuple[Desired, tuple[Diagnostic, ...]]:
    """Load the desired state and its warnings, the state's URL replaced where that is asked.

    Raises ReconcileError with every mistake in the files, or if they are for another instance.
    """
    desired, warnings = load_with_state(instance.file, instance.state_url)
    require_same_origin(desired.base_url, instance.access.credential)
    require_selected(instance.choice.select, desired)
    return desired, warnings


def load_with_state(
    file: Locations, state_url: str | None
) -> tuple[Desired, tuple[Diagnostic, ...]]:
    """Load a desired state and its warnings, its state where `state_url` says, if it does.

    Raises ReconcileError with every mistake in the files.
    """
    loaded = load(file)
    if state_url is None or isinstance(state_url, OperatorUrl):
        return kept_at(loaded, state_url), loaded.warnings
    absolute = state_url if "://" in state_url else str(Path(state_url).absolute())
    return replace(loaded.desired, state_url=absolute), loaded.warnings
