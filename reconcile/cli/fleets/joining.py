"""How a command joins a fleet: its file, its database, and what to say when that is gone."""

import os
from argparse import Namespace
from pathlib import Path

from reconcile.config.fleet import load_fleet
from reconcile.model.address import OperatorUrl
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.fleet import Fleet

DATABASE_VARIABLE = "RECONCILE_FLEET_DATABASE"


def gather_fleet(options: Namespace) -> Fleet:
    """Load the fleet that a command is about. Raises ReconcileError with every mistake in it."""
    return load_fleet(Path(options.file))


def database_url(fleet: Fleet) -> str:
    """Return where the fleet's database is. Raises ReconcileError if nobody says."""
    if fleet.database:
        return fleet.database
    if url := os.environ.get(DATABASE_VARIABLE):
        return OperatorUrl(url)
    raise ReconcileError(
        Diagnostic(
            code="no-fleet-database",
            summary="The fleet has no database",
            detail="Neither [fleet] database in its file nor RECONCILE_FLEET_DATABASE says which "
            "Postgres hands out the work.",
            hint=f"export {DATABASE_VARIABLE}=postgresql://db.internal/reconcile",
        )
    )
