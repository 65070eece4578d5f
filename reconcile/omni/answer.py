"""What an exchange with Omni ended in, and what that alone proves about the call. Pure.

Omni may have acted wherever nobody answered for it: behind a 408, a 303, most 5xx, an unusable
success and a lost reply. Every other status says that the call was not carried out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from reconcile.model.progress import CallNotSent, CallRejected, CallUnknown, Proof
from reconcile.omni.advice import FUTURE_STAMP, with_advice
from reconcile.omni.decoding import (
    UnusableReplyError,
    decode_object,
    error_text,
    parse_http_date,
    parse_retry_after,
)

_PROOFS = {
    401: Proof.TOKEN,
    403: Proof.FORBIDDEN,
    404: Proof.NOT_FOUND,
    429: Proof.THROTTLED,
}

# 501 and 505 refuse the method or the protocol before anything is done.
_REFUSING_SERVER_ERRORS = frozenset({501, 505})
_REQUEST_TIMEOUT, _SEE_OTHER = 408, 303

# A bad token was seen to answer 403, not 401 (omni-api.md 1.4 [live]).
_BAD_TOKEN = re.compile(
    r"\s*unauthorized\b|\binvalid (?:bearer token|api key)\b|\bmissing api key\b", re.IGNORECASE
)


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
        return CallUnknown(f"{reply.status}: {error}", reply.date)
    if body.get("success") is False:
        words = error_text(reply.body)
        return CallRejected(
            _refusal(reply.status, words), reply.status, words, server_date=reply.date
        )
    return reply, body


def open_reply(answer: Answer) -> Reply | Failure:
    """Return a success that arrived whole, its body unread, or what the answer proves."""
    if isinstance(answer, NoReply):
        return CallUnknown(answer.message) if answer.sent else CallNotSent(answer.message)
    if proves_nothing(answer.status):
        return CallUnknown(f"{answer.status}: {_words(answer)}", answer.date)
    if not _is_success(answer.status):
        return _rejection(answer)
    if answer.flaw:
        return CallUnknown(f"{answer.status}: {answer.flaw}", answer.date)
    return answer


def proves_nothing(status: int) -> bool:
    """Tell whether Omni may have acted although it answered with this status, which is no success.

    1xx ends no exchange, and what lies beyond 5xx is no status: it counts as a 5xx (RFC 9110 15).
    A 303 is how a proxy answers a POST that it has carried out.
    """
    if status in _REFUSING_SERVER_ERRORS:
        return False
    informs, fails = status < 200, status >= 500  # noqa: PLR2004 - the classes of HTTP statuses
    return informs or fails or status in {_REQUEST_TIMEOUT, _SEE_OTHER}


def _is_success(status: int) -> bool:
    return 200 <= status < 300  # noqa: PLR2004 - as above


def _rejection(reply: Reply) -> CallRejected:
    # A refusal needs no readable body: the status alone proves it.
    words = _words(reply)
    proof = _refusal(reply.status, words)
    wait_s = None
    if proof is Proof.THROTTLED:
        wait_s = parse_retry_after(reply.headers.get("retry-after"), now=reply.date)
    message = with_advice(f"{reply.status}: {words}", server_date=reply.date)
    return CallRejected(proof, reply.status, message, wait_s, reply.date)


def _refusal(status: int, words: str) -> Proof:
    """Say what a refusal is about, by its status and, where that is ambiguous, Omni's words."""
    proof = _PROOFS.get(status, Proof.REFUSED)
    if proof is Proof.FORBIDDEN and _BAD_TOKEN.search(words):
        return Proof.TOKEN
    if proof is Proof.REFUSED and FUTURE_STAMP in words.lower():
        return Proof.FUTURE_STAMP
    return proof


def _words(reply: Reply) -> str:
    """Return why a reply is no success, in Omni's words where there are any."""
    location = reply.headers.get("location")
    if location is not None and 300 <= reply.status < 400:  # noqa: PLR2004 - as above
        return f"the server points to {_redirect_host(location)}; redirects are never followed"
    return reply.flaw or error_text(reply.body)


def _redirect_host(location: str) -> str:
    try:
        host = urlsplit(location).hostname
    except ValueError:
        return "an address that cannot be read"
    return host or "another path of the same host"
