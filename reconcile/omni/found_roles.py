"""Reads who a token is and what it may do to models (omni-api.md 1.3 [SPEC-B only]). Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from reconcile.model.plan import Request
from reconcile.omni.decoding import UnusableReplyError
from reconcile.omni.fields import text_field


@dataclass(frozen=True, slots=True)
class ModelRole:
    """What a token may do to one model. `permissions` are Omni's words, such as UPDATE."""

    role: str | None
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whoami:
    """Who a token stands for. `scope`: organization or user. `roles`: by model id.

    `truncated`: Omni left some models out of `roles`.
    """

    scope: str | None
    org_role: str | None
    roles: Mapping[str, ModelRole] = field(default_factory=lambda: MappingProxyType({}))
    truncated: bool = False


def whoami_request(model_ids: Iterable[str]) -> Request:
    """Ask who the token is, and its role on these models."""
    wanted = ",".join(model_ids)
    return Request("GET", "/api/v1/whoami", (("modelId", wanted),) if wanted else ())


def read_whoami(body: object) -> Whoami:
    """Read the answer. Raises UnusableReplyError."""
    if not isinstance(body, dict):
        raise UnusableReplyError("the reply is not a JSON object")
    roles = body.get("rolesByModel") or {}
    if not isinstance(roles, dict):
        raise UnusableReplyError("rolesByModel in the reply is not an object")
    return Whoami(
        scope=text_field(body, "keyScope"),
        org_role=text_field(body, "orgRole"),
        roles=MappingProxyType({model_id: _role(found) for model_id, found in roles.items()}),
        truncated=body.get("rolesByModelTruncated") is True,
    )


def _role(found: object) -> ModelRole:
    """Read a role with its permissions; the spec does not say how either is spelled."""
    if isinstance(found, str):
        return ModelRole(found, frozenset())
    if not isinstance(found, dict):
        raise UnusableReplyError("a role in the reply is neither text nor an object")
    named = found.get("permissions", found.get("effectivePermissions")) or []
    if isinstance(named, dict):  # {UPDATE: true, ...}
        named = [name for name, held in named.items() if held]
    if not isinstance(named, list):
        raise UnusableReplyError("permissions in the reply are no list")
    return ModelRole(
        text_field(found, "role", "baseRole", "name"),
        frozenset(name for name in named if isinstance(name, str)),
    )
