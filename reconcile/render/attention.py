"""What of a plan needs a person: limits that block it, items that do not go on by themselves."""

from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

from reconcile.model.address import Address
from reconcile.model.excess import Excess, figure
from reconcile.model.noun import noun
from reconcile.model.plan import Standing
from reconcile.model.reason import (
    HeldAfterFailures,
    HeldInDoubt,
    OutcomeUnknown,
    Reason,
    RefreshUnseen,
)
from reconcile.render.escape import shell_word
from reconcile.render.names import address_text, counted

_HEADLINED: Mapping[type[Reason], str] = {
    HeldAfterFailures: "Held after failures",
    HeldInDoubt: "Outcome unknown, held as asked",
    RefreshUnseen: "Accepted, and its end was never seen",
    OutcomeUnknown: "Outcome unknown, sent again",
}
"""The reasons that a plan names before all else, most urgent first, and how each is told."""

_SHOWN = 3


@noun(frozen=True, slots=True)
class Alert:
    """Items that stand still or in doubt for one reason. `command` frees the first of them."""

    told: str
    addresses: tuple[Address, ...]
    command: str

    def names(self) -> Sequence[str]:
        """Return the first of the addresses as they are shown."""
        return [address_text(address) for address in self.addresses[:_SHOWN]]

    def more(self) -> str:
        """Return ` and 4 more`, or nothing."""
        left = len(self.addresses) - _SHOWN
        return f" and {left:,} more" if left > 0 else ""

    def free(self) -> str:
        """Return what the command is for."""
        return "To free it" if len(self.addresses) == 1 else "To free them"

    def sentence(self) -> str:
        """Return the alert as one line, safe for a terminal."""
        return f"{self.told}: {', '.join(self.names())}{self.more()}. {self.free()}: {self.command}"


def alerts(standings: Iterable[Standing]) -> tuple[Alert, ...]:
    """Gather what is held or in doubt, by reason. Items that are not selected are left out."""
    found: dict[type[Reason], list[Address]] = {}
    for standing in standings:
        if standing.selected and type(standing.reason) in _HEADLINED:
            found.setdefault(type(standing.reason), []).append(standing.address)
    return tuple(
        Alert(told, tuple(found[reason]), _release(found[reason]))
        for reason, told in _HEADLINED.items()
        if reason in found
    )


def _release(addresses: Sequence[Address]) -> str:
    words = [shell_word(address) or "ADDRESS" for address in addresses[:_SHOWN]]
    return " ".join(["reconcile apply", *(f"--force {word}" for word in words)])


def waivers(over: Iterable[Excess]) -> str:
    """Return the options that let one apply pass these limits."""
    return " ".join(excess.waiver for excess in over)


def blocked_text(over: Sequence[Excess]) -> str:
    """Return `Blocked: 5 calls, and the limit is 1. To pass it once: --allow calls=5`."""
    told = "; ".join(map(_excess_text, over))
    it = "it" if len(over) == 1 else "them"
    return f"Blocked: {told}. To pass {it} once: reconcile apply {waivers(over)}"


def blocked_json(over: Iterable[Excess]) -> list[dict[str, object]]:
    """Return the limits as JSON, each with what an apply would need to pass it."""
    return [
        {"limit": e.limit, "allowed": e.allowed, "planned": e.planned, "waiver": e.waiver}
        for e in over
    ]


def alerts_json(found: Iterable[Alert]) -> list[dict[str, object]]:
    """Return the alerts as JSON, all addresses with them."""
    return [
        {"what": one.told, "addresses": list(one.addresses), "command": one.command}
        for one in found
    ]


def _excess_text(excess: Excess) -> str:
    planned, limit = figure(excess.planned), f", and the limit is {figure(excess.allowed)}"
    match excess.limit:
        case "calls":
            return counted(int(excess.planned), "call") + limit
        case "hard_refreshes":
            return counted(int(excess.planned), "hard refresh") + limit
        case "share":
            return f"{planned} of all items are due at once{limit}"
        case "forget_all":
            return f"all {counted(int(excess.planned), 'record')} would be forgotten"
        case _ as unreachable:
            assert_never(unreachable)
