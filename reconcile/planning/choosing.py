"""What the operator's choice leaves in a plan, and whether it means anything at all."""

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

from reconcile.model.address import Address
from reconcile.model.desired import Desired
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.plan import Choice

_FEW = 3


def is_selected(address: Address, choice: Choice) -> bool:
    """Tell whether what the operator chose leaves the address in this plan."""
    if choice.only is not None:
        return address in choice.only
    if not choice.select:
        return True
    return address in choice.force or any(fnmatchcase(address, glob) for glob in choice.select)


def declared_addresses(desired: Desired) -> set[Address]:
    """Return the address of everything that is declared, of native schedules too."""
    return {declared.address for declared in (*desired.items, *desired.schedules)}


def unmatched(select: Iterable[str], addresses: Collection[str]) -> tuple[str, ...]:
    """Return the globs that match none of the addresses."""
    return tuple(
        glob
        for glob in select
        if glob not in addresses and not any(fnmatchcase(address, glob) for address in addresses)
    )


def require_selected(
    select: Iterable[str], desired: Desired, recorded: Collection[Address] = ()
) -> None:
    """Refuse globs that select nothing: a plan that looks at nothing finds nothing to do.

    `recorded`: addresses of the state. Raises ReconcileError with the nearest that is declared.
    """
    declared = declared_addresses(desired)
    lost = unmatched(select, declared)
    if not lost:
        return
    raise ReconcileError(
        *(
            Diagnostic(
                code="selects-nothing",
                summary=f'--select "{glob}" matches nothing that is declared',
                detail=_why(glob, declared, recorded),
                hint="reconcile show",
            )
            for glob in lost
        )
    )


def _why(glob: str, declared: Collection[Address], recorded: Collection[Address]) -> str:
    gone = sorted(a for a in recorded if a not in declared and fnmatchcase(a, glob))
    if gone:
        more = f" and {len(gone) - _FEW:,} more" if len(gone) > _FEW else ""
        names = ", ".join(gone[:_FEW])
        return f"It matches only what is recorded and no longer declared: {names}{more}."
    if not declared:
        return "The files declare no item."
    near = nearest(glob, {*declared, *map(_family, declared)})
    return f"Did you mean {near}?" if near else "It is compared with whole addresses; case counts."


def _family(address: Address) -> str:
    """Return the glob over all items of an address's model."""
    head, _, _ = address.removesuffix(".refresh").partition(".cache.")
    return f"{head}.*"


def nearest(text: str, known: Iterable[str]) -> str | None:
    """Return the nearest of some texts; None if none is near."""
    from difflib import get_close_matches  # noqa: PLC0415 -- only a mistake needs it

    return next(iter(get_close_matches(text, sorted(known), n=1)), None)
