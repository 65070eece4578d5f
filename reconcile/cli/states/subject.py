"""What a verb of `state` is about: which state, and which record in it."""

from argparse import Namespace

from reconcile.cli.console import Console
from reconcile.cli.gathering import absolute_url, gather_desired
from reconcile.model.address import Address, parse_address
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.recorded import Recorded


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
    raise _not_recorded(f"The state holds no record of {text}.", "reconcile state list")


def recorded_item(text: str, recorded: Recorded) -> Address:
    """Read the address of a recorded refresh or reset. Raises ReconcileError `not-recorded`."""
    address = recorded_address(text, recorded)
    if address in recorded.items:
        return address
    raise _not_recorded(
        f"{text} is one of Omni's own schedules: it is compared, and never due or done.",
        f"reconcile apply --force {address}",
    )


def _not_recorded(detail: str, hint: str) -> ReconcileError:
    return ReconcileError(
        Diagnostic(
            code="not-recorded",
            summary="Nothing is recorded under that address",
            detail=detail,
            hint=hint,
        )
    )
