"""What a verb of `state` is about: which state, and which record in it."""

from argparse import Namespace
from collections.abc import Collection
from fnmatch import fnmatchcase

from reconcile.cli.console import Console
from reconcile.cli.gathering import absolute_url, gather_desired
from reconcile.model.address import Address, parse_address, quote_key, split_address
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.recorded import Recorded

OWNER_PARTS = 2
"""How many keys spell a model or a connection: `models.sales`."""


def state_url(options: Namespace, console: Console) -> str:
    """Find the state: `--state` needs no desired state beside it."""
    if options.state is not None:
        return absolute_url(options.state)
    return gather_desired(options, console).state_url


def recorded_address(text: str, recorded: Recorded) -> Address:
    """Read the address of a record that exists. Raises ReconcileError `not-recorded`."""
    address = parse_address(text)
    if address is not None and (address in recorded.items or address in recorded.schedules):
        return address
    raise not_recorded(text, (*recorded.items, *recorded.schedules))


def recorded_addresses(text: str, recorded: Recorded) -> tuple[Address, ...]:
    """Read an address, a model or connection, or a glob, as all records that it names.

    Raises ReconcileError `not-recorded`.
    """
    known = sorted((*recorded.items, *recorded.schedules))
    address = parse_address(text)
    if address is not None:
        return (recorded_address(text, recorded),)
    owner = split_address(text)
    if owner is not None and len(owner) == OWNER_PARTS:
        found = tuple(a for a in known if (split_address(a) or ())[:OWNER_PARTS] == owner)
    else:
        found = tuple(a for a in known if fnmatchcase(a, text))
    if found:
        return found
    raise not_recorded(text, (*known, *map(_owner_of, known)))


def _owner_of(address: Address) -> str:
    """Spell the model or connection that an address belongs to."""
    kind, name, *_ = split_address(address) or ("", "")
    return f"{kind}.{quote_key(name)}"


def recorded_item(text: str, recorded: Recorded) -> Address:
    """Read the address of a recorded refresh or reset. Raises ReconcileError `not-recorded`."""
    address = recorded_address(text, recorded)
    if address in recorded.items:
        return address
    raise _refused(
        f"{text} is one of Omni's own schedules: it is compared, and never due or done.",
        f"reconcile apply --force {address}",
    )


def not_recorded(text: str, known: Collection[str]) -> ReconcileError:
    """Say that nothing is known of an address, and which one was probably meant."""
    from difflib import get_close_matches

    near = get_close_matches(text, known, n=1)
    more = f" The nearest is {near[0]}." if near else ""
    return _refused(f"The state holds no record of {text}.{more}", "reconcile state list")


def _refused(detail: str, hint: str) -> ReconcileError:
    return ReconcileError(
        Diagnostic(
            code="not-recorded",
            summary="Nothing is recorded under that address",
            detail=detail,
            hint=hint,
        )
    )
