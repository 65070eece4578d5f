"""The record of one exchange: how far it got, so that its end can be told for certain."""

import json
from collections.abc import Mapping

from reconcile.omni.answer import Answer, NoReply, Reply
from reconcile.omni.credential import Secret
from reconcile.omni.decoding import UnusableReplyError, decode_json

_LARGEST_BODY = 1 << 20
_LONGEST_REASON = 300

# Everything httpcore reports before the first byte of a request leaves. The list is of what is
# known to be harmless: an event of any other name, also a future one, means "may have been sent".
_BEFORE_SENDING = ("connection.connect_tcp.", "connection.start_tls.")


class Exchange:
    """One request on its way. Filled in by the client, asked at the end what is known."""

    def __init__(self, token: Secret, origin: str) -> None:
        self._token = token
        self._origin = origin
        self._began = False
        self._flaw: str | None = None
        self._status: int | None = None
        self._headers: Mapping[str, str] = {}
        self._body = bytearray()

    async def trace(self, event: str, _: object) -> None:
        """Note what httpcore is doing (its `trace` extension)."""
        if not event.startswith(_BEFORE_SENDING):
            self._began = True

    def begin_reply(self, status: int, headers: Mapping[str, str]) -> None:
        """Note the status and headers, which are complete before the body is."""
        self._status, self._headers = status, headers

    def body_is_readable(self) -> bool:
        """Return whether to read the body at all: a compressed one is never decoded.

        Identity is all that was asked for, and 200 KB of gzip can be 200 MB of memory.
        """
        encoding = self._headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            self._flaw = f"the reply is compressed ({encoding[:20]}), which was not asked for"
        return self._flaw is None

    def take(self, chunk: bytes) -> bool:
        """Keep one piece of the body; False once it is larger than any real reply."""
        self._body += chunk
        if len(self._body) > _LARGEST_BODY:
            self._flaw = "the reply is larger than 1 MiB"
            self._body.clear()
        return self._flaw is None

    def finished(self) -> Answer:
        """Return the answer of an exchange that ran to its end."""
        if self._status is None:
            return NoReply(sent=True, message="the exchange ended without a reply")
        return self._reply()

    def deadline_passed(self, deadline_s: float) -> Answer:
        """Return the answer of an exchange that was cut off by the total deadline."""
        return self._cut(f"no complete reply within {deadline_s:g} s", sent=self._began)

    def broken(self, reason: str, *, sent: bool) -> Answer:
        """Return the answer of an exchange that ended in an error."""
        return self._cut(self._token.hide_in(reason)[:_LONGEST_REASON], sent=sent)

    def _cut(self, reason: str, *, sent: bool) -> Answer:
        if self._status is not None:
            self._flaw = self._flaw or f"the reply was cut short: {reason}"
            return self._reply(cut=True)
        where = f"the connection to {self._origin}" if sent else self._origin
        verb = "broke after the request was sent" if sent else "could not be reached"
        return NoReply(sent, f"{where} {verb}: {reason}")

    def _reply(self, *, cut: bool = False) -> Reply:
        status = self._status or 0
        headers = {name: self._token.hide_in(value) for name, value in self._headers.items()}
        return Reply(status, headers, _masked(bytes(self._body), self._token), self._flaw, cut)


def _masked(body: bytes, token: Secret) -> bytes:
    """Return a body that shows the token neither as it is nor once it is decoded.

    Everything that leaves this room as words is read from here, so this is where it is masked.
    """
    shown = token.hide_in_bytes(body)
    if b"\\" not in shown:
        return shown
    try:
        decoded = decode_json(shown)
    except UnusableReplyError:
        return shown
    hidden = _hidden(decoded, token)
    return shown if hidden == decoded else json.dumps(hidden).encode()


def _hidden(value: object, token: Secret) -> object:
    match value:
        case str():
            return token.hide_in(value)
        case list():
            return [_hidden(element, token) for element in value]
        case dict():
            return {token.hide_in(name): _hidden(element, token) for name, element in value.items()}
        case _:
            return value
