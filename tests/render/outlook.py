"""A small company's week, to be forecast and explained: merged calls, a freeze, a crowd at six."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from reconcile.model.address import Address
from reconcile.model.desired import (
    AfterRefresh,
    At,
    Desired,
    Every,
    Freeze,
    FrozenSpan,
    Item,
    Pause,
    ResetAt,
)
from reconcile.model.recorded import Failure, Record
from reconcile.model.struct import replace
from reconcile.planning.record import declaration
from tests.planning.making import desired, of, refresh, reset
from tests.render.moments import NEW_YORK, NOW

NIGHT = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

SALES = refresh("sales", Every(6 * HOUR), zone=NEW_YORK, connection="warehouse")
OPS = refresh("ops", At((time(6),)), zone=NEW_YORK, connection="warehouse")
HOURLY = reset("ops", AfterRefresh(OPS.address), "hourly", zone=NEW_YORK)
CLOSE = reset("finance", ResetAt(NIGHT), "close", zone=NEW_YORK)
WEB = refresh("web", Every(HOUR), zone=NEW_YORK, pause=Pause(None, "new tables\n::error::"))
DAILY = reset(
    "sales", At((time(6),), frozenset(range(5))), zone=NEW_YORK, deadline=2 * HOUR, policy="daily"
)
CROWD = tuple(reset(f"m{number:02}", At((time(18),)), zone=NEW_YORK) for number in range(9))
FREEZE = Freeze("quarter close", ("models.sales.*",), FrozenSpan(NOW - HOUR, NOW + 3 * HOUR))

FILES: Desired = desired(
    SALES, OPS, HOURLY, CLOSE, WEB, DAILY, *CROWD, freezes=(FREEZE,), requests_per_minute=8
)


def seen(item: Item, **known: Any) -> dict[Address, Record]:
    """Record an item whose present declaration an apply has noted."""
    declared = declaration(item)
    return {item.address: Record(declared=declared, since=NOW - 96 * HOUR, **known)}


FAILED = Failure(NOW - timedelta(minutes=1), 'No "such" table')
STATE = of(
    seen(OPS, last_success=NOW - 25 * HOUR, failures=2, last_failure=FAILED)
    | seen(DAILY, last_success=NOW - 72 * HOUR, stamp=NOW - 72 * HOUR)
    | {a: r for item in CROWD for a, r in seen(item, last_success=NOW, stamp=NOW).items()}
)
HOSTILE = replace(
    refresh("x", Every(6 * HOUR)),
    address=Address('models."Größe, \\u202e; 日本\\n".refresh'),
)
