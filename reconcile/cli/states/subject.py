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
    if address is not None and address in recorded.items:
        return address
    raise ReconcileError(
        Diagnostic(
            code="not-recorded",
            summary="Nothing is recorded under that address",
            detail=f"The state holds no record of {text}.",
            hint="reconcile state list",
        )
    )
