"""What asking Omni came to: a closed union. A read is safe to repeat, so nothing is in doubt."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from reconcile.model.progress import CallNotSent, CallRejected, CallUnknown, Proof
from reconcile.omni.answer import Answer, Failure, Reply, open_reply
from reconcile.omni.decoding import UnusableReplyError, decode_json

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """The answer. `server_date`: the reply's Date header."""

    value: T
    server_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """404: it does not exist, or this generation of the API cannot tell (omni-api.md 4.1)."""

    message: str
    server_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Forbidden:
    """401 or 403: a bad token (`token`), or one that may not see this (omni-api.md 4, row 10)."""

    message: str
    token: bool = False
    server_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """No usable answer: unreachable, refused, throttled, broken off, or not understood."""

    message: str
    server_date: datetime | None = None


Miss = Absent | Forbidden | Unreadable
Finding = Found[T] | Miss


def find(answer: Answer, decode: Callable[[object], T]) -> Finding[T]:
    """Decode what was asked for, or say why there is nothing.

    `decode` raises UnusableReplyError where the reply does not say what it has to.
    """
    reply = open_reply(answer)
    if not isinstance(reply, Reply):
        return _miss(reply)
    try:
        return Found(decode(decode_json(reply.body)), reply.date)
    except UnusableReplyError as error:
        return Unreadable(str(error), reply.date)


def _miss(failure: Failure) -> Miss:
    match failure:
        case CallRejected(Proof.NOT_FOUND, message=message):
            return Absent(message, failure.server_date)
        case CallRejected(Proof.TOKEN | Proof.FORBIDDEN, message=message):
            bad = failure.proof is Proof.TOKEN
            return Forbidden(message, token=bad, server_date=failure.server_date)
        case CallRejected(message=message) | CallUnknown(message):
            return Unreadable(message, failure.server_date)
        case CallNotSent(message):
            return Unreadable(message)
