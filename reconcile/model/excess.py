"""A figure of a plan that is over its limit."""

from typing import Literal

from reconcile.model.noun import noun

LimitName = Literal["calls", "hard_refreshes", "share", "forget_all"]


@noun(frozen=True, slots=True)
class Excess:
    """A plan's figure that is over its limit. `share` is a fraction of the declared items."""

    limit: LimitName
    allowed: float
    planned: float

    @property
    def waiver(self) -> str:
        """What lets one apply of this plan pass the limit: `--allow calls=5`."""
        return f"--allow {self.limit}={figure(self.planned)}"


def figure(value: float) -> str:
    """Spell a figure so that reading it gives the same again; a count of items has no dot."""
    return str(int(value)) if value == int(value) else repr(value)
