"""The rule of whoami: what a token is, and what it may do to models [SPEC-B only]."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from reconcile.sandbox.asking import Asked
from reconcile.sandbox.exchange import Json, Reply
from reconcile.sandbox.instance import Instance, Role
from reconcile.sandbox.reading import Query, read_uuid

_PERMISSIONS: Mapping[Role, tuple[str, ...]] = MappingProxyType(
    {
        Role.CONNECTION_ADMIN: ("QUERY_FULL_MODEL", "UPDATE", "USE_WORKBOOKS"),
        Role.MODELER: ("QUERY_FULL_MODEL", "UPDATE", "USE_WORKBOOKS"),
        Role.VIEWER: ("USE_WORKBOOKS",),
    }
)


def whoami(instance: Instance, asked: Asked, now: datetime) -> Reply:  # noqa: ARG001 -- a rule
    """Tell who asks. Models that do not exist are left out: no source says what becomes of them."""
    model_ids = [read_uuid("modelId", name) for name in Query(asked.query).names("modelId")]
    role = asked.token.role
    roles: dict[str, Json] = {
        model_id: {"role": role.value.upper(), "permissions": _PERMISSIONS[role]}
        for model_id in model_ids
        if (model := instance.models.get(model_id)) is not None and model.deleted_at is None
    }
    body: dict[str, Json] = {
        "keyScope": "organization",
        "orgRole": "ADMIN" if role is Role.CONNECTION_ADMIN else "MEMBER",
        "rolesByModel": roles,
        "user": {"id": instance.fresh_id("user", asked.token.name), "name": asked.token.name},
    }
    return Reply(200, body)
