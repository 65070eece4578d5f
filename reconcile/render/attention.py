"""What of a plan needs a person: limits that block it, items that do not go on by themselves."""

from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

from reconcile.model.address import Address
from reconcile.model.noun import noun
from reconcile.model.plan import Excess, Standing, TroubleKind, figure, freeing, troubles
from reconcile.render.escape import shell_word
from reconcile.render.names import address_text, counted

_TOLD: Mapping[TroubleKind, str] = {
    TroubleKind.HELD: "Held",
    TroubleKind.UNSEEN: "Accepted, and the end was never seen",
    TroubleKind.UNKNOWN: "Outcome unknown",
}
_GOES_BY_ITSELF = "Sent again by the next apply."
_SHOWN = 3


@noun(frozen=True, slots=True)
class Alert:
    """Items in one kind of trouble. `command` frees the first of them; None: they go by themselves.

    All that is told is safe for a terminal.
    """

    told: str
    addresses: tuple[Address, ...]
    command: str | None

    def names(self) -> Sequence[str]:
        """Return the first of the addresses as they are shown."""
        return [address_text(address) for address in self.addresses[:_SHOWN]]

    def more(self) -> str:
        """Return ` and 4 more`, or nothing."""
        left = len(self.addresses) - _SHOWN
        return f" and {left:,} more" if left > 0 else ""

    def outlook(self) -> str:
        """Return what becomes of them, without the command that stands behind it."""
        if self.command is None:
            return _GOES_BY_ITSELF
        return "To free it: " if len(self.addresses) == 1 else "To free them: "

    def sentence(self) -> str:
        """Return the alert as one line."""
        names = f"{', '.join(self.names())}{self.more()}"
        return f"{self.told}: {names}. {self.outlook()}{self.command or ''}"


def alerts(standings: Iterable[Standing]) -> tuple[Alert, ...]:
    """Gather the items in trouble by its kind. Items that are not selected are left out."""
    found: dict[tuple[TroubleKind, bool], list[Address]] = {}
    for trouble in troubles(standings):
        found.setdefault((trouble.kind, trouble.command is None), []).append(trouble.address)
    return tuple(
        Alert(_TOLD[kind], tuple(members), None if by_themselves else _release(members))
        for kind in TroubleKind
        for by_themselves in (False, True)
        if (members := found.get((kind, by_themselves)))
    )


def _release(addresses: Sequence[Address]) -> str:
    """Return the command that frees one item, or the first few at once."""
    words = [Address(shell_word(address) or "ADDRESS") for address in addresses[:_SHOWN]]
    if len(words) == 1:
        return " ".join(freeing(words[0]))
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
