"""The rules of a cache reset."""

from datetime import UTC, datetime

from reconcile.model.desired import Generation
from reconcile.sandbox.asking import Asked
from reconcile.sandbox.exchange import Json, Refusal, Reply, bad_request
from reconcile.sandbox.instance import Instance, Model, Role, UnknownPolicy
from reconcile.sandbox.reading import read_reset_at, read_uuid
from reconcile.sandbox.rows import ResetMark


def reset(instance: Instance, asked: Asked, now: datetime) -> Reply:
    """Move the mark of a (model, policy). Without `resetAt` it moves to now.

    A mark also moves back if it is told to: no source forbids it, so a client has to.
    """
    model_id = read_uuid("modelId", asked.parameters["modelId"])
    reset_at = read_reset_at(asked.body)
    if reset_at is not None and reset_at > now:
        raise bad_request("resetAt cannot be future dated")
    model = instance.live_model(model_id)
    if asked.token.role is Role.VIEWER:
        raise Refusal(403, "Forbidden: Permission denied")
    policy = asked.parameters["policyName"]
    if not _accepts(instance, model, policy):
        raise Refusal(404, "Not Found: Model or cache policy not found")
    mark = _move_mark(instance, model, policy, reset_at=reset_at or now, now=now)
    return Reply(200, {"success": True, "cache_reset": _mark_body(mark, asked.generation)})


def _accepts(instance: Instance, model: Model, policy: str) -> bool:
    checked = instance.settings.unknown_policy is UnknownPolicy.NOT_FOUND
    return not checked or policy in model.policies


def _move_mark(
    instance: Instance, model: Model, policy: str, *, reset_at: datetime, now: datetime
) -> ResetMark:
    mark = instance.marks.get((model.id, policy))
    if mark is None:
        mark = ResetMark(
            id=instance.fresh_id("mark", model.id, policy),
            model_id=model.id,
            policy=policy,
            created_at=now,
            updated_at=now,
            reset_at=reset_at,
        )
        instance.marks[model.id, policy] = mark
    mark.updated_at, mark.reset_at = now, reset_at
    return mark


def _mark_body(mark: ResetMark, generation: Generation) -> Json:
    def spell(instant: datetime) -> Json:
        if generation is Generation.LEGACY:
            # Epoch seconds with milliseconds, as a float [SEED-0].
            return round(instant.timestamp(), 3)
        return spell_instant(instant)

    return {
        "id": mark.id,
        "model_id": mark.model_id,
        "policy_name": mark.policy,
        "created_at": spell(mark.created_at),
        "updated_at": spell(mark.updated_at),
        "reset_at": spell(mark.reset_at),
    }


def spell_instant(instant: datetime) -> str:
    """Spell an instant as v1 does: ISO-8601, milliseconds, `Z` [DOC:reset-cache]."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
