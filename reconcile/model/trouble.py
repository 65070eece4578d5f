"""Items that do not simply go on: what their trouble is, and the command that ends it."""

from collections.abc import Iterable
from enum import StrEnum

from reconcile.model.address import Address
from reconcile.model.noun import noun
from reconcile.model.plan import Standing, Status
from reconcile.model.reason import HeldAfterFailures, HeldInDoubt, OutcomeUnknown, RefreshUnseen


class TroubleKind(StrEnum):
    """What an item is in trouble about, the most urgent first."""

    HELD = "held"
    UNSEEN = "unseen"
    UNKNOWN = "unknown"


@noun(frozen=True, slots=True)
class Trouble:
    """One item in trouble. `command`: what frees it; None where it goes by itself in this plan."""

    address: Address
    kind: TroubleKind
    command: tuple[str, ...] | None


def troubles(standings: Iterable[Standing]) -> tuple[Trouble, ...]:
    """Return the items in trouble that the operator's choice leaves in, in the order given."""
    found = ((standing, trouble_of(standing)) for standing in standings if standing.selected)
    return tuple(
        Trouble(s.address, kind, None if s.status is Status.DUE else freeing(s.address))
        for s, kind in found
        if kind is not None
    )


def trouble_of(standing: Standing) -> TroubleKind | None:
    """Tell what an item is in trouble about; None if it is in none of its own."""
    match standing.reason:
        case HeldAfterFailures() | HeldInDoubt():
            return TroubleKind.HELD
        case RefreshUnseen():
            return TroubleKind.UNSEEN
        case OutcomeUnknown():
            return TroubleKind.UNKNOWN
        case _:
            return None


def freeing(address: Address) -> tuple[str, ...]:
    """Return the command that ends a hold, a doubt, or the wait for a job: the item is due then."""
    return ("reconcile", "state", "mark", address, "--due")
