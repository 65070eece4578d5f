"""What an exchange with Omni ended in, and what that alone proves about the call. Pure.

Only a status that says "not done" is a rejection. Whatever is neither that nor a usable success
leaves the call in doubt, because nothing then proves that it did not happen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from reconcile.model.outcome import CallNotSent, CallRejected, CallUnknown, Proof
from reconcile.omni.advice import with_advice
from reconcile.omni.decoding import (
    UnusableReplyError,
    decode_object,
    error_text,
    parse_http_date,
    parse_retry_after,
)

_REJECTIONS = {
    400: Proof.REFUSED,
    401: Proof.AUTH,
    403: Proof.AUTH,  # a bad token was seen to answer 403, not 401 (omni-api.md 1.4 [live])
    404: Proof.NOT_FOUND,
    409: Proof.REFUSED,
    422: Proof.REFUSED,
    429: Proof.THROTTLED,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What arrived: header names in lower case, the body as sent. `flaw`: why it is not whole.

    `cut`: the flaw is that it ended early, and not that the server sent what is never taken.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    flaw: str | None = None
    cut: bool = False

    @property
    def date(self) -> datetime | None:
        """The server's own clock, from the Date header."""
        return parse_http_date(self.headers.get("date"))


@dataclass(frozen=True, slots=True)
class NoReply:
    """Nothing usable arrived. `sent`: False only where not one byte of the request left."""

    sent: bool
    message: str


Answer = Reply | NoReply
Failure = CallNotSent | CallRejected | CallUnknown


def open_answer(answer: Answer) -> tuple[Reply, dict[str, object]] | Failure:
    """Return the decoded body of a success that arrived whole, or what the answer proves."""
    reply = open_reply(answer)
    if not isinstance(reply, Reply):
        return reply
    try:
        body = decode_object(reply.body)
    except UnusableReplyError as error:
        return CallUnknown(f"{reply.status}: {error}")
    if body.get("success") is False:
        return CallRejected(Proof.REFUSED, reply.status, error_text(reply.body))
    return reply, body


def open_reply(answer: Answer) -> Reply | Failure:
    """Return a success that arrived whole, its body unread, or what the answer proves."""
    if isinstance(answer, NoReply):
        return CallUnknown(answer.message) if answer.sent else CallNotSent(answer.message)
    proof = _REJECTIONS.get(answer.status)
    if proof is not None:
        return _rejection(answer, proof)
    if flaw := _useless(answer):
        return CallUnknown(flaw)
    return answer


def _rejection(reply: Reply, proof: Proof) -> CallRejected:
    # A refusal needs no readable body: the status alone proves it.
    words = reply.flaw or error_text(reply.body)
    wait_s = None
    if proof is Proof.THROTTLED:
        wait_s = parse_retry_after(reply.headers.get("retry-after"), now=reply.date)
    message = with_advice(f"{reply.status}: {words}", server_date=reply.date)
    return CallRejected(proof, reply.status, message, wait_s)


def _useless(reply: Reply) -> str | None:
    """Say why a reply that is no rejection is no success either; None if it may be one."""
    status = reply.status
    if 300 <= status < 400:  # noqa: PLR2004 - the classes of HTTP statuses are what they are
        target = _redirect_host(reply.headers.get("location", ""))
        return f"{status}: the server points to {target}; redirects are never followed"
    if reply.flaw:
        return f"{status}: {reply.flaw}"
    if not 200 <= status < 300:  # noqa: PLR2004 - as above
        return f"{status}: {error_text(reply.body)}"
    return None


def _redirect_host(location: str) -> str:
    try:
        host = urlsplit(location).hostname
    except ValueError:
        return "an address that cannot be read"
    return host or "another path of the same host"
