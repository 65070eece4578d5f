"""What the operator's choice leaves in a plan."""

from fnmatch import fnmatchcase

from reconcile.model.address import Address
from reconcile.model.plan import Choice


def is_selected(address: Address, choice: Choice) -> bool:
    """Tell whether what the operator chose leaves the address in this plan."""
    if choice.only is not None:
        return address in choice.only
    if not choice.select:
        return True
    return address in choice.force or any(fnmatchcase(address, glob) for glob in choice.select)
