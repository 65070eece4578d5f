"""The door for signals: what may come in over HTTP, and what of it is kept.

The page is read-only and has its own token; here a request proves itself by a signature over its
raw bytes, or by the token of the door, before anything of it is read.
"""

import asyncio
import hashlib
import hmac
import json
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from reconcile.errors import ReconcileError, mishap
from reconcile.model.desired import Desired, Webhook
from reconcile.model.recorded import Signal
from reconcile.planning.signals import awaited
from reconcile.state.backend import backend
from reconcile.state.inbox import Unheeded

LONGEST_BODY = 64 << 10
ANSWER_S = 2.0
"""A sender gives up after ten seconds; what takes longer than this is told as a failure."""

MOST_AHEAD = timedelta(minutes=5)
"""How far a sender's clock may be ahead of ours; its instant then counts as now."""

_SHORTEST_SECRET = 8
_LONGEST_SECRET = 4_096


class RefusedError(Exception):
    """A request is not taken. Its text says why, to whoever sent it."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


# What a request proves and says. Pure, but for the secret.


def require_proof(
    webhook: Webhook | None, token: str | None, headers: Mapping[str, str], body: bytes
) -> bool:
    """Refuse a request that shows neither the token nor a signature; tell whether it was signed."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if token is not None and scheme.lower() == "bearer":
        if hmac.compare_digest(given.strip().encode(), token.encode()):
            return False
        raise RefusedError(HTTPStatus.UNAUTHORIZED, "the token is another")
    if webhook is None or webhook.header is None:
        raise RefusedError(HTTPStatus.UNAUTHORIZED, "a token is needed")
    expected = hmac.new(secret_of(webhook), body, hashlib.sha256).hexdigest()
    shown = headers.get(webhook.header.lower(), "").strip().lower().removeprefix("sha256=")
    if not hmac.compare_digest(shown.encode(), expected.encode()):
        raise RefusedError(HTTPStatus.UNAUTHORIZED, "the signature does not fit the body")
    return True


def secret_of(webhook: Webhook) -> bytes:
    """Read the secret of a webhook, anew each time: it may be replaced. Raises RefusedError."""
    secret = ""
    if webhook.secret_env is not None:
        secret = os.environ.get(webhook.secret_env, "")
    elif webhook.secret_file is not None:
        try:
            with Path(webhook.secret_file).open(encoding="utf-8") as file:
                secret = file.read(_LONGEST_SECRET)
        except (OSError, ValueError):
            secret = ""
    secret = secret.strip()
    if len(secret) < _SHORTEST_SECRET:
        raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "no secret is set for this signal")
    return secret.encode()


def read_event(webhook: Webhook, body: bytes, now: datetime) -> datetime | Unheeded:
    """Return when the signal of a signed body happened, or why it is none. Raises RefusedError."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the body is not JSON") from None
    for path, text in webhook.wanted:
        found = _at(said, path)
        if found != text:
            there = "not there" if found is None else f"{found!r:.60}"
            return Unheeded(now, f"{path} is {there}, not {text!r:.60}")
    if webhook.at is None:
        return now
    instant = parsed(_at(said, webhook.at))
    return (
        require_past(instant, now) if instant else Unheeded(now, f"{webhook.at} holds no instant")
    )


def require_past(instant: datetime, now: datetime) -> datetime:
    """Cut an instant of a clock that is a little ahead to now. Raises RefusedError."""
    if instant > now + MOST_AHEAD:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the instant lies in the future")
    return min(instant, now)


def parsed(text: str | None) -> datetime | None:
    """Return an RFC 3339 instant in UTC; None if the text is none with an offset."""
    try:
        instant = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return None if instant.tzinfo is None else instant.astimezone(UTC)


def _at(said: object, path: str) -> str | None:
    """Return what stands at a dotted path, as text; None where nothing plain does."""
    for key in path.split("."):
        said = said.get(key) if isinstance(said, dict) else None
    if isinstance(said, bool):
        return str(said).lower()
    return str(said) if isinstance(said, str | int | float) else None


class Door:
    """Takes signals for desired states. `find` returns the one of an instance, None if unknown.

    An instance has a name in a fleet only. `came` hears of each signal: instance, name, and what
    kept it from counting. `find` may block; it is asked by two requests at a time.
    """

    def __init__(
        self,
        find: Callable[[str], Desired | None],
        token: str | None,
        now: Callable[[], datetime],
        came: Callable[[str, str, Mapping[str, str]], Awaitable[None]],
    ) -> None:
        self._find, self._token, self._now, self._came = find, token, now, came
        self._finding = asyncio.Semaphore(2)
        self.answers: Counter[int] = Counter()

    def route(self, path: str = "/signals/{name}") -> Route:
        """Return the one route."""
        return Route(path, self._answer, methods=["POST"])

    async def _answer(self, request: Request) -> Response:
        name, instance = request.path_params["name"], request.path_params.get("instance", "")
        try:
            async with asyncio.timeout(ANSWER_S):
                response = await self._take(instance, name, request)
        except RefusedError as refused:
            challenge = (
                {"WWW-Authenticate": "Bearer"} if refused.status is HTTPStatus.UNAUTHORIZED else {}
            )
            response = PlainTextResponse(f"{refused.why}\n", refused.status, challenge)
        except TimeoutError:
            words = "the signal could not be kept in time; send it again\n"
            response = PlainTextResponse(words, HTTPStatus.SERVICE_UNAVAILABLE)
        self.answers[response.status_code] += 1
        return response

    async def _desired(self, instance: str) -> Desired:
        async with self._finding:
            try:
                desired = await asyncio.to_thread(self._find, instance)
            except Exception as error:  # noqa: BLE001 -- files that are broken just now
                why = mishap(error)[0].summary
                raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, why) from None
        if desired is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, "there is no such instance")
        return desired

    async def _take(self, instance: str, name: str, request: Request) -> Response:
        desired, now = await self._desired(instance), self._now()
        webhook = next((hook for hook in desired.webhooks if hook.name == name), None)
        if webhook is None and name not in awaited(desired):
            raise RefusedError(HTTPStatus.NOT_FOUND, "no item awaits a signal of that name")
        body = await _body(request)
        signed = require_proof(webhook, self._token, request.headers, body)
        if webhook is not None and signed:
            at = read_event(webhook, body, now)
            if isinstance(at, Unheeded):
                with suppress(ReconcileError):
                    await asyncio.to_thread(backend(desired.state_url).inbox.note, name, at)
                await self._came(instance, name, {"unheeded": at.why})
                return JSONResponse({"recorded": False, "why": at.why})
        else:
            at = _asked_for(request, now)
        by = "a webhook" if webhook is None else f"a webhook {webhook.header or ''}".rstrip()
        signal = Signal(at, now, by, request.query_params.get("note"))
        try:
            await asyncio.to_thread(backend(desired.state_url).inbox.deliver, name, signal)
        except Exception as error:  # noqa: BLE001 -- told as it is, and nothing is taken
            why = mishap(error)[0].summary
            await self._came(instance, name, {"lost": why})
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, why) from None
        await self._came(instance, name, {})
        return JSONResponse({"recorded": True}, HTTPStatus.ACCEPTED)


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too long")
    return body


def _asked_for(request: Request, now: datetime) -> datetime:
    """Return the instant that `?at=` names, or now."""
    text = request.query_params.get("at")
    if text is None:
        return now
    # A plus sign in a query means a space, and few who send an offset know that.
    instant = parsed(text.replace(" ", "+"))
    if instant is None:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "?at= is not an RFC 3339 instant with an offset")
    return require_past(instant, now)
