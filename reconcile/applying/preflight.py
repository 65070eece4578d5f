"""Before the first call: is the token taken, are the models there, do the clocks agree."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from reconcile.applying.carrying import Access
from reconcile.applying.looking import reading
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.observed import ObservedModel
from reconcile.omni.reads import ModelRole, OmniReader, Whoami
from reconcile.omni.replies import Absent, Finding, Forbidden, Found, Unreadable

MOST_SINGLE = 10
"""Models asked for one by one; for more of them the list of all takes fewer requests."""

MOST_ROLES = 50
"""Models whose roles are asked for: their ids go into one URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """What was learned. `missing`: ids of models that are not there or deleted, in lower case.

    `roles`: by model id, where the instance tells them. `clock_ahead_s`: ours before Omni's.
    """

    missing: frozenset[str]
    roles: dict[str, ModelRole]
    clock_ahead_s: float | None
    requests: int


async def clear(access: Access, model_ids: Collection[str], requests_per_minute: int) -> Cleared:
    """Try the token on each model that is about to be called.

    Two requests, or one for each model if they are few, or one for every hundred models there are.
    Raises ReconcileError: `preflight-refused` (the token), `preflight-failed` (no answer).
    """
    host = str(access.credential.origin)
    async with reading(access, requests_per_minute) as reader:
        wanted = sorted(model_ids)
        who = await reader.fetch_whoami(wanted[:MOST_ROLES])
        told = _accepted(who, host)
        there = await _models_there(reader, wanted, host)
        return Cleared(
            missing=frozenset(wanted) - there,
            roles={} if told is None else {k.lower(): role for k, role in told.roles.items()},
            clock_ahead_s=reader.clock_ahead_s,
            requests=reader.requests,
        )


def _accepted(who: Finding[Whoami], host: str) -> Whoami | None:
    """Return who the token is; None where the instance does not tell [SPEC-A] or not plainly."""
    if isinstance(who, Forbidden):
        raise _refused(who.message, host)
    return who.value if isinstance(who, Found) else None


async def _models_there(reader: OmniReader, wanted: Sequence[str], host: str) -> frozenset[str]:
    if len(wanted) <= MOST_SINGLE:
        answers = list(await asyncio.gather(*map(reader.fetch_models, wanted)))
    else:
        answers = [await reader.fetch_models()]
        if isinstance(answers[0], Absent):
            # No list at all says nothing of any model, unlike a model that is asked for by its id.
            raise _failed(answers[0].message, host)
    models: list[ObservedModel] = []
    for answer in answers:
        match answer:
            case Found(found):
                models.extend(found)
            case Absent():
                continue
            case Forbidden(message):
                raise _refused(message, host)
            case Unreadable(message):
                raise _failed(message, host)
    return frozenset(model.model_id.lower() for model in models if model.deleted_at is None)


def _refused(message: str, host: str) -> ReconcileError:
    return ReconcileError(
        Diagnostic(
            code="preflight-refused",
            summary="Omni refuses the token",
            detail=f"{host} answered: {message.rstrip('.')}. Every call would be refused as well. "
            "No call was made.",
            hint="reconcile explain preflight-refused",
        )
    )


def _failed(message: str, host: str) -> ReconcileError:
    return ReconcileError(
        Diagnostic(
            code="preflight-failed",
            summary="Omni could not be asked before the first call",
            detail=f"{host}: {message.rstrip('.')}. No call was made.",
            hint="reconcile apply --no-preflight",
        )
    )
