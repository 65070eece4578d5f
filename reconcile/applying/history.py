"""What an earlier run has already spent of the request budget."""

from collections.abc import Iterable
from datetime import datetime

from reconcile.model.recorded import Recorded

WINDOW_S = 60.0


def sent_lately_s(recorded: Recorded, now: datetime) -> Iterable[float]:
    """Ages in seconds of calls that an earlier run made in the last minute, as far as recorded.

    Omni counts them still, whatever process made them.
    """
    # A merged call leaves the same instant in several records, and is one request.
    sent = {record.last_success for record in recorded.items.values()}
    sent |= {record.pending.since for record in recorded.items.values() if record.pending}
    for instant in sent:
        if instant is not None and 0 <= (now - instant).total_seconds() < WINDOW_S:
            yield (now - instant).total_seconds()
