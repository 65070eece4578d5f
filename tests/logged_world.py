"""The sandbox's world with a log of every request, for tests to look at."""

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from reconcile.model.struct import replace
from reconcile.sandbox.faults import Faults
from reconcile.sandbox.instance import (
    ArrivedCall,
    Delivery,
    Operation,
    Refusal,
    SandboxReply,
    Seed,
    Settings,
    Token,
)
from reconcile.sandbox.request import find_route
from reconcile.sandbox.world import OPENAPI_PATH, SANDBOX_BEARER, World


class LoggedExchange(Struct, frozen=True, kw_only=True):
    """One line of the request log. `token_name` is the token's label, never the token.

    `model_id`: of what the request is about, a connection where it is about none of its models.
    """

    at: datetime
    call: ArrivedCall
    operation: Operation | None
    model_id: str | None
    token_name: str | None
    status: int
    delivery: Delivery


class LoggedWorld(World):
    def __init__(
        self,
        seeds: Iterable[Seed],
        *,
        settings: Settings | None = None,
        faults: Faults | None = None,
        tokens: Mapping[str, Token] | None = None,
    ) -> None:
        super().__init__(seeds, settings=settings, faults=faults, tokens=tokens)
        self.log: deque[LoggedExchange] = deque(maxlen=100_000)
        self._ahead_of_us = (faults or Faults()).ahead
        names = {SANDBOX_BEARER: Token("sandbox")} if tokens is None else tokens
        self._names = {f"Bearer {bearer}": token.name for bearer, token in names.items()}

    def answer(self, call: ArrivedCall, now: datetime) -> SandboxReply:
        reply = super().answer(call, now)
        if call.path == OPENAPI_PATH and call.method in {"GET", "HEAD"}:
            return reply
        operation, model_id = self._about(call)
        line = LoggedExchange(
            at=now + self._ahead_of_us,
            # The header is left out: somebody may have sent a real token here by mistake.
            call=replace(call, authorization=None),
            operation=operation,
            model_id=model_id,
            token_name=self._names.get(call.authorization or ""),
            status=reply.status,
            delivery=reply.delivery,
        )
        self.log.append(line)
        return reply

    def _about(self, call: ArrivedCall) -> tuple[Operation | None, str | None]:
        try:
            routed = find_route(call.method, call.path, self.instance.settings)
        except Refusal:
            return None, None
        return routed.route.operation, self.subject(routed)[1]
