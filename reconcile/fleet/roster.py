"""What every worker knows of every instance: one row each, in the database of the fleet.

It decides nothing about calls: what was done is in each instance's state. Should it be lost, every
instance is looked at once more, and nothing is sent twice.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, LiteralString, Protocol

from reconcile.model.fleet import Hold, Seat

_CREATE: LiteralString = """
DO $$ BEGIN
  -- IF NOT EXISTS alone races: two workers that start together would both try, and one fail.
  PERFORM pg_advisory_xact_lock(hashtext('reconcile_seats'));
  CREATE TABLE IF NOT EXISTS reconcile_seats (
    instance text PRIMARY KEY,
    wake_at timestamptz,
    held boolean NOT NULL DEFAULT false,
    held_until timestamptz,
    held_reason text NOT NULL DEFAULT '',
    content text,
    ran_at timestamptz,
    took_s double precision,
    failures integer NOT NULL DEFAULT 0,
    outcome text,
    trouble text,
    worker text
  );
END $$
"""
_SELECT: LiteralString = "SELECT * FROM reconcile_seats"
_SELECT_ONE: LiteralString = "SELECT * FROM reconcile_seats WHERE instance = %(instance)s"
_RECORD: LiteralString = """
INSERT INTO reconcile_seats
  (instance, wake_at, content, ran_at, took_s, failures, outcome, trouble, worker)
VALUES (%(instance)s, %(wake_at)s, %(content)s, %(ran_at)s, %(took_s)s, %(failures)s,
        %(outcome)s, %(trouble)s, %(worker)s)
ON CONFLICT (instance) DO UPDATE SET
  wake_at = EXCLUDED.wake_at, content = EXCLUDED.content, ran_at = EXCLUDED.ran_at,
  took_s = EXCLUDED.took_s, failures = EXCLUDED.failures, outcome = EXCLUDED.outcome,
  trouble = EXCLUDED.trouble, worker = EXCLUDED.worker
WHERE %(whatever)s OR reconcile_seats.ran_at IS NOT DISTINCT FROM %(known)s::timestamptz
"""
_HOLD: LiteralString = """
INSERT INTO reconcile_seats (instance, held, held_until, held_reason)
VALUES (%(instance)s, true, %(until)s, %(reason)s)
ON CONFLICT (instance) DO UPDATE SET
  held = true, held_until = EXCLUDED.held_until, held_reason = EXCLUDED.held_reason
"""
_LIFT: LiteralString = """
UPDATE reconcile_seats SET held = false, held_until = NULL, held_reason = ''
WHERE instance = %(instance)s
"""


class Database(Protocol):
    """Queries, as the connector of the queue offers them."""

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        """Run a statement."""

    async def execute_query_all_async(
        self, query: LiteralString, **arguments: Any
    ) -> list[dict[str, Any]]:
        """Run a query and return its rows."""


class Roster:
    """The rows. Every method raises what the database raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self) -> None:
        """Make the table unless it is there."""
        await self._database.execute_query_async(_CREATE)

    async def load(self) -> Mapping[str, Seat]:
        """Return what is known, by the name of the instance."""
        rows = await self._database.execute_query_all_async(_SELECT)
        return {row["instance"]: _seat(row) for row in rows}

    async def load_one(self, instance: str) -> Seat | None:
        """Return what is known of one instance."""
        rows = await self._database.execute_query_all_async(_SELECT_ONE, instance=instance)
        return _seat(rows[0]) if rows else None

    async def record(self, seat: Seat, *, known: datetime | None, whatever: bool) -> None:
        """Keep what a run came to. Leaves a pause alone: it may have been set meanwhile.

        Unless `whatever`, only if no run has been recorded since the one that ended at `known`
        (UTC): a worker that was taken for dead would spoil what its successor knows.
        """
        await self._database.execute_query_async(
            _RECORD,
            instance=seat.instance,
            wake_at=seat.wake_at,
            content=seat.content,
            ran_at=seat.ran_at,
            took_s=seat.took_s,
            failures=seat.failures,
            outcome=seat.outcome,
            trouble=seat.trouble,
            worker=seat.worker,
            known=known,
            whatever=whatever,
        )

    async def hold(self, instance: str, until: datetime | None, reason: str) -> None:
        """Pause an instance until an instant (UTC), or until it is lifted."""
        await self._database.execute_query_async(
            _HOLD, instance=instance, until=until, reason=reason
        )

    async def lift(self, instance: str) -> None:
        """End a pause."""
        await self._database.execute_query_async(_LIFT, instance=instance)


def _seat(row: Mapping[str, Any]) -> Seat:
    hold = Hold(until=row["held_until"], reason=row["held_reason"]) if row["held"] else None
    return Seat(
        instance=row["instance"],
        wake_at=row["wake_at"],
        hold=hold,
        content=row["content"],
        ran_at=row["ran_at"],
        took_s=row["took_s"],
        failures=row["failures"],
        outcome=row["outcome"],
        trouble=row["trouble"],
        worker=row["worker"],
    )
