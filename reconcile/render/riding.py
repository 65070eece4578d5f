"""Why an item runs more often than its cadence says, in words."""

from datetime import timedelta
from typing import Final

from reconcile.model.forecast import Riding
from reconcile.render.cadences import cadence_text
from reconcile.render.instants import Vantage, interval_text
from reconcile.render.names import address_text, counted

_DAY: Final = timedelta(days=1)


def riding_text(riding: Riding, span: timedelta, vantage: Vantage) -> str:
    """Return with whom it rides along, and how often it runs for that.

    `span`: the time that was looked at. Runs are told by the day where that tells them apart.
    """
    runs, alone = (round(number * (_DAY / span)) for number in (riding.runs, riding.alone))
    often = f"{counted(runs, 'run')} a day instead of {alone:,}"
    if span < _DAY or runs == alone:
        often = (
            f"{counted(riding.runs, 'run')} in {interval_text(span)} instead of {riding.alone:,}"
        )
    along = f"{address_text(riding.along_with)} {cadence_text(riding.cadence, vantage)}"
    return f"rides along with {along}: {often}"


def riding_json(riding: Riding) -> dict[str, object]:
    """Return the same for a program, by the whole time that was looked at."""
    return {
        "address": riding.address,
        "along_with": riding.along_with,
        "runs": riding.runs,
        "alone": riding.alone,
    }
