"""Who reads: the zone each item's instants are told in, and the one the whole is told in."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from reconcile.model.address import Address
from reconcile.model.noun import noun
from reconcile.model.plan import Plan, Standing
from reconcile.render.instants import Vantage
from reconcile.render.reasons import Account


def home_zone(standings: Iterable[Standing]) -> str:
    """Return the most common zone, the first by name among equals, UTC if there is none."""
    return most_common([standing.zone for standing in standings])


def most_common(zones: Iterable[str]) -> str:
    """Return the most common of the zones, the first by name among equals, UTC if there is none."""
    counts = Counter(zones)
    return min(counts, key=lambda zone: (-counts[zone], zone), default="UTC")


@noun(frozen=True, slots=True)
class Reader:
    """Tells instants in each item's own zone; in `home` where an address has none.

    `dated`: always with their dates, for whoever reads it on another day.
    """

    zones: Mapping[Address, str]
    home: str
    now: datetime
    dated: bool = False

    @staticmethod
    def of(plan: Plan, *, dated: bool = False) -> "Reader":
        """Return the reader of a plan."""
        home = home_zone(plan.standings)
        elsewhere = {s.address: s.zone for s in plan.standings if s.zone != home}
        return Reader(elsewhere, home, plan.now, dated)

    def vantage(self, address: Address | None = None) -> Vantage:
        """Return where the reader of that address stands; of the whole, if None."""
        zone = self.home if address is None else self.zones.get(address, self.home)
        return Vantage(zone, self.now, self.dated)

    def account(self, address: Address) -> Account:
        """Return who tells that item's reasons."""
        return Account(address, self.vantage(address))
