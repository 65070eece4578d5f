"""One request and its reply as plain values: what the instance sees and says, without HTTP."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct

from reconcile.model.desired import Generation
from reconcile.model.struct import replace

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]

_SCIM_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class Operation(StrEnum):
    """What a request asks for, whatever generation of the API it speaks."""

    REFRESH = "refresh"
    RESET = "reset"
    JOB = "job"
    MODELS = "models"
    YAML = "yaml"
    SCHEMAS = "schemas"
    WHOAMI = "whoami"
    CONNECTIONS = "connections"
    CONNECTION = "connection"
    SCHEDULES = "schedules"
    SCHEDULE = "schedule"
    SCHEDULE_CREATE = "schedule_create"
    SCHEDULE_UPDATE = "schedule_update"
    SCHEDULE_DELETE = "schedule_delete"


class Delivery(StrEnum):
    """What becomes of a reply on its way back.

    `LOST`: the request was carried out and the connection cut instead of answering. `REFUSED`: cut
    before anything was carried out. The client cannot tell one from the other.
    """

    ANSWERED = "answered"
    LOST = "lost"
    REFUSED = "refused"


class ArrivedCall(Struct, frozen=True):
    """A request as it arrives. `path` is percent-encoded and without the query."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    authorization: str | None = None
    body: bytes = b""


class SandboxReply(Struct, frozen=True):
    """A reply, and how it travels. `delay_s`: seconds to hold it back once it is ready."""

    status: int
    body: Json
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0
    delivery: Delivery = Delivery.ANSWERED

    def dated(self, now: datetime) -> "SandboxReply":
        """Add the Date header; clients measure their clock against it."""
        date = ("date", _http_date(now.replace(microsecond=0)))
        return replace(self, headers=(*self.headers, date))


@lru_cache(maxsize=16)  # A burst of requests falls into few seconds.
def _http_date(second: datetime) -> str:
    return format_datetime(second, usegmt=True)


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


class Refusal(Exception):  # noqa: N818 -- a reply in the making, not an error of the program
    """A rule says no. `detail` starts with Omni's class word, as `Bad Request: `."""

    def __init__(self, status: int, detail: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers

    def reply(self, generation: Generation) -> SandboxReply:
        """Word the refusal: `{detail, status}`, SCIM-shaped in the legacy generation [SEED-0]."""
        body: dict[str, Json] = {"detail": self.detail, "status": self.status}
        if generation is Generation.LEGACY:
            body["schemas"] = [_SCIM_ERROR]
        return SandboxReply(self.status, body, self.headers)


def bad_request(detail: str) -> Refusal:
    """Refuse with 400 in the words Omni begins such a text with [SEED-0]."""
    return Refusal(400, f"Bad Request: {detail}")
