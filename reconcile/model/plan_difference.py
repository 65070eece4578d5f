"""What changed between two plans as they were printed: nouns for whoever approved the first."""

from dataclasses import dataclass
from datetime import datetime

from reconcile.model.address import Address
from reconcile.model.comparison import ChangeKind, FieldChange, Shift, Value


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """What a plan document says of one address that one of its actions covers."""

    address: Address
    fields: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDocument:
    """A plan as it was printed in JSON, as far as two of them are compared."""

    now: datetime
    digest: str
    host: str | None
    calls: tuple[PlannedCall, ...]
    statuses: tuple[tuple[Address, str], ...]


@dataclass(frozen=True, slots=True)
class CallChange:
    """One address whose planned call is new, gone or another one."""

    address: Address
    kind: ChangeKind
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One item that stands otherwise; None where a plan does not know it."""

    address: Address
    status: Shift[str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDifference:
    """What differs between two plans. Changes only, sorted by address; `unchanged` counts calls."""

    now: Shift[datetime]
    digest: Shift[str]
    host: Shift[str | None]
    calls: tuple[CallChange, ...]
    statuses: tuple[StatusChange, ...]
    unchanged: int

    @property
    def is_empty(self) -> bool:
        """Whether an approval of the one plan means the same for the other."""
        changed = self.digest.is_change or self.host.is_change
        return not (changed or self.calls or self.statuses)
