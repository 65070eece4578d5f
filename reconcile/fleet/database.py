"""The fleet's database, opened, and told of plainly when it is gone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from procrastinate import PsycopgConnector
from procrastinate.connector import BaseAsyncConnector
from procrastinate.exceptions import ConnectorException

from reconcile.model.address import OperatorUrl
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.state.remote.postgres import guarded

_MOST_CONNECTIONS = 8
_PATIENCE_S = 10.0
_NOTICING = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "tcp_user_timeout": 10_000,
}
"""A worker waits for notifications, and would for hours from a machine that is gone."""


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[BaseAsyncConnector]:
    """Hold connections to a Postgres.

    Raises ReconcileError `fleet-database-lost` if it cannot be reached, then or later, and those of
    `guarded` if the password would go where only a file says.
    """
    conninfo = guarded(url, shown="[fleet] database", said=isinstance(url, OperatorUrl))
    connector = PsycopgConnector(
        conninfo=conninfo,
        min_size=1,
        max_size=_MOST_CONNECTIONS,
        timeout=_PATIENCE_S,
        kwargs=_NOTICING,
    )
    try:
        await connector.open_async()
        try:
            yield connector
        finally:
            await connector.close_async()
    except ConnectorException as error:
        raise _lost(error) from None


def _lost(error: ConnectorException) -> ReconcileError:
    # The text of a driver may hold the connection string, so only the kind of its error is told.
    cause = error.__cause__ or error
    return ReconcileError(
        Diagnostic(
            code="fleet-database-lost",
            summary="The fleet's database cannot be reached",
            detail=f"It answered with {type(cause).__name__}. Nothing is lost: what was done is "
            "in the instances' own states, and the next worker goes on from there.",
            hint="Look at the database, then start the worker again; a supervisor does that.",
        )
    )
