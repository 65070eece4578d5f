"""The sandbox's whole behaviour: a request and an instant go in, a reply comes out. No HTTP."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from types import MappingProxyType

from reconcile.model.desired import Generation
from reconcile.sandbox.asking import Asked
from reconcile.sandbox.building import build_instance
from reconcile.sandbox.connecting import get_connection, list_connections
from reconcile.sandbox.exchange import Call, Delivery, Exchange, Operation, Refusal, Reply
from reconcile.sandbox.faults import Fate, FaultDice, Faults
from reconcile.sandbox.identity import whoami
from reconcile.sandbox.instance import Instance, Settings, Token
from reconcile.sandbox.limiting import SlidingLog
from reconcile.sandbox.listing import list_models
from reconcile.sandbox.openapi import OPENAPI_PATH, openapi_document
from reconcile.sandbox.refreshing import job_status, refresh
from reconcile.sandbox.resetting import reset
from reconcile.sandbox.routing import Routed, find_route
from reconcile.sandbox.scheduling import (
    create_schedule,
    delete_schedule,
    get_schedule,
    list_schedules,
    update_schedule,
)
from reconcile.sandbox.seeding import Seed
from reconcile.sandbox.yaml_files import model_yaml

SANDBOX_BEARER = "omni_osk_sandbox"
"""The one bearer token a sandbox knows unless told others; it opens nothing else."""

_LOG_LENGTH = 100_000
_RULES: Mapping[Operation, Callable[[Instance, Asked, datetime], Reply]] = MappingProxyType(
    {
        Operation.REFRESH: refresh,
        Operation.RESET: reset,
        Operation.JOB: job_status,
        Operation.MODELS: list_models,
        Operation.YAML: model_yaml,
        Operation.WHOAMI: whoami,
        Operation.CONNECTIONS: list_connections,
        Operation.CONNECTION: get_connection,
        Operation.SCHEDULES: list_schedules,
        Operation.SCHEDULE: get_schedule,
        Operation.SCHEDULE_CREATE: create_schedule,
        Operation.SCHEDULE_UPDATE: update_schedule,
        Operation.SCHEDULE_DELETE: delete_schedule,
    }
)


class World:
    """An instance behind its door: tokens, the rate limit, faults and a log of every request.

    Instants are passed in and are aware; nothing here reads a clock. Not for several threads at
    once. `log` keeps the newest `log_length` requests.
    """

    def __init__(
        self,
        instance: Instance,
        *,
        faults: Faults | None = None,
        tokens: Mapping[str, Token] | None = None,
        log_length: int = _LOG_LENGTH,
    ) -> None:
        settings = instance.settings
        self.instance = instance
        self.log: deque[Exchange] = deque(maxlen=log_length)
        self._tokens = {SANDBOX_BEARER: Token("sandbox")} if tokens is None else dict(tokens)
        self._limit = SlidingLog(settings.requests_per_minute)
        self._dice = FaultDice(faults or Faults(), settings.seed)
        self._asked: Counter[tuple[Operation, str]] = Counter()

    @classmethod
    def from_models(
        cls,
        seeds: Iterable[Seed],
        *,
        settings: Settings | None = None,
        faults: Faults | None = None,
        tokens: Mapping[str, Token] | None = None,
    ) -> "World":
        """Make a world in which these models exist, with their connections and schedules."""
        instance = build_instance(seeds, settings or Settings())
        return cls(instance, faults=faults, tokens=tokens)

    def answer(self, call: Call, now: datetime) -> Reply:
        """Carry out one request at an instant, and say how the reply travels.

        The description of the instance is for anybody; asking for it leaves no trace.
        """
        settings = self.instance.settings
        if call.path == OPENAPI_PATH and call.method in {"GET", "HEAD"}:
            return Reply(200, openapi_document(settings)).dated(now)
        try:
            routed = find_route(call.method, call.path, settings)
        except Refusal as refusal:
            reply = refusal.reply(Generation.V1).dated(now)
            self._note(call, now, reply)
            return reply
        subject, model_id = self._subject(routed)
        operation = routed.route.operation
        self._asked[operation, subject] += 1
        ordinal = self._asked[operation, subject]
        fate = self._dice.cast(operation, model_id, subject, ordinal)
        reply = self._decide(call, routed, fate, ordinal, now)
        reply = replace(reply.dated(now), delay_s=fate.delay_s, delivery=fate.delivery)
        self._note(call, now, reply, operation, model_id)
        return reply

    def forget_job(self, job_id: str) -> None:
        """Drop a job that nobody will ask about again; what is kept would grow with each."""
        self.instance.jobs.pop(job_id, None)
        self._asked.pop((Operation.JOB, job_id), None)

    def _decide(self, call: Call, routed: Routed, fate: Fate, ordinal: int, now: datetime) -> Reply:
        if fate.delivery is Delivery.REFUSED:
            return Reply(0, None)
        route = routed.route
        try:
            token = self._admit(call, now)
            _suffer(fate)
            asked = Asked(
                generation=route.generation,
                parameters=routed.parameters,
                query=call.query,
                body=call.body,
                token=token,
                ordinal=ordinal,
                fate=fate,
            )
            return _RULES[route.operation](self.instance, asked, now)
        except Refusal as refusal:
            return refusal.reply(route.generation)

    def _admit(self, call: Call, now: datetime) -> Token:
        """Find who asks. A wrong token answers 403 and not 401, as seen live [TF TC-29]."""
        bearer = _bearer(call)
        if bearer is None:
            raise Refusal(401, "Unauthorized: Missing or invalid API key")
        token = self._tokens.get(bearer)
        if token is None:
            raise Refusal(403, "Invalid bearer token")
        self._limit.admit(token.name, now)
        return token

    def _subject(self, routed: Routed) -> tuple[str, str | None]:
        """Name what a request is about, and the model it comes down to."""
        parameters = routed.parameters
        if (job_id := parameters.get("jobId")) is not None:
            job = self.instance.jobs.get(job_id.lower())
            return job_id.lower(), job.model_id if job else None
        about = parameters.get("modelId", parameters.get("connectionId", "")).lower()
        part = parameters.get("policyName", parameters.get("scheduleId"))
        return "\x1f".join(filter(None, (about, part))), about or None

    def _note(
        self,
        call: Call,
        now: datetime,
        reply: Reply,
        operation: Operation | None = None,
        model_id: str | None = None,
    ) -> None:
        if self.log.maxlen == 0:
            return
        token = self._tokens.get(_bearer(call) or "")
        # The header is left out: somebody may have sent a real token here by mistake.
        self.log.append(
            Exchange(
                at=now,
                call=replace(call, authorization=None),
                operation=operation,
                model_id=model_id,
                token_name=token.name if token else None,
                status=reply.status,
                delivery=reply.delivery,
            )
        )


def _bearer(call: Call) -> str | None:
    scheme, _, bearer = (call.authorization or "").partition(" ")
    return bearer.strip() or None if scheme.lower() == "bearer" else None


def _suffer(fate: Fate) -> None:
    if fate.status is None:
        return
    phrases = {status.value: status.phrase for status in HTTPStatus}
    phrase = phrases.get(fate.status, "Error")
    raise Refusal(fate.status, f"{phrase}: a fault that was asked for")
