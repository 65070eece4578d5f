"""What a look ahead starts from."""

from datetime import datetime
from typing import Final

from reconcile.model.address import Address
from reconcile.model.noun import noun
from reconcile.model.plan import Choice


@noun(frozen=True, slots=True, kw_only=True)
class Outset:
    """What a look ahead starts from, beside the files, the records and the instant.

    `choice`: what the operator asks of the plan of that instant; later ones ask nothing. `clock`:
    the real one, as `plan`'s. `strays`: who was covered by the call of a model with which it shares
    no connection any more, where only a part of the files that tell it is looked at.
    """

    choice: Choice = Choice()
    clock: datetime | None = None
    strays: frozenset[Address] | None = None


PLAIN: Final = Outset()
"""Nothing is asked of the plan, and its instant is the present one."""
