"""The rules of connections: the list, and from the later specification on one by its id."""

from datetime import datetime

from reconcile.sandbox.asking import Asked
from reconcile.sandbox.exchange import Json, Refusal, Reply
from reconcile.sandbox.instance import Connection, Instance, Published, Role, Token
from reconcile.sandbox.listing import SORT_DIRECTIONS, TRUTH_WORDS
from reconcile.sandbox.reading import Query, read_uuid
from reconcile.sandbox.resetting import spell_instant

SORT_FIELDS = ("database", "dialect", "name")


def list_connections(instance: Instance, asked: Asked, now: datetime) -> Reply:  # noqa: ARG001
    """List connections, for admins only [SPEC-A]. Nothing tells whether branch refresh is on."""
    query = Query(asked.query)
    deleted = query.choice("includeDeleted", TRUTH_WORDS) in {"1", "true"}
    name = (query.text("name") or "").casefold()
    database = (query.text("database") or "").casefold()
    dialects = query.names("dialect")
    field = query.choice("sortField", SORT_FIELDS)
    descending = query.choice("sortDirection", SORT_DIRECTIONS) == "desc"
    require_admin(asked.token, "admin role required")
    found = [
        connection
        for connection in instance.connections.values()
        if (deleted or connection.deleted_at is None)
        and name in connection.name.casefold()
        and database in connection.database.casefold()
        and (not dialects or connection.dialect in dialects)
    ]
    if field is not None:
        found.sort(key=lambda connection: str(getattr(connection, field)), reverse=descending)
    return Reply(200, {"connections": [_body(instance, connection) for connection in found]})


def get_connection(instance: Instance, asked: Asked, now: datetime) -> Reply:  # noqa: ARG001
    """Tell about one connection [SPEC-B]."""
    connection_id = read_uuid("connectionId", asked.parameters["connectionId"])
    require_admin(asked.token, "admin role required")
    connection = live_connection(instance, connection_id)
    return Reply(200, {"connection": _body(instance, connection)})


def live_connection(instance: Instance, connection_id: str) -> Connection:
    """Look a connection up; a `Refusal` 404 if it is unknown or deleted."""
    connection = instance.connections.get(connection_id)
    if connection is None or connection.deleted_at is not None:
        raise no_connection(connection_id)
    return connection


def no_connection(connection_id: str) -> Refusal:
    """Refuse with 404 in the words seen live [TF 25]."""
    return Refusal(404, f"Not Found: Connection with id {connection_id} does not exist")


def require_admin(token: Token, otherwise: str) -> None:
    """Refuse with 403 whoever is no connection admin."""
    if token.role is not Role.CONNECTION_ADMIN:
        raise Refusal(403, f"Forbidden: {otherwise}")


def _body(instance: Instance, connection: Connection) -> Json:
    deleted_at = connection.deleted_at
    body: dict[str, Json] = {
        "id": connection.id,
        "name": connection.name,
        "dialect": connection.dialect,
        "database": connection.database,
        "defaultSchema": "public",
        "baseRole": "VIEWER",
        "deletedAt": None if deleted_at is None else spell_instant(deleted_at),
    }
    if instance.settings.published is Published.SPEC_B:
        body["createdAt"] = body["updatedAt"] = spell_instant(connection.created_at)
        body["allowBranchConnectionEnvironments"] = False
    return body
