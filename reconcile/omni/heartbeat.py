"""Telling a dead man's switch that all is well: a GET that carries nothing."""

from urllib.parse import urlsplit

import httpx

from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.omni.origin import parse_origin
from reconcile.omni.transport import verifying_tls

DEADLINE_S = 10.0


def check_heartbeat_url(url: str) -> None:
    """Refuse what is neither https nor on loopback. Raises ReconcileError `bad-heartbeat-url`.

    The URL itself is never repeated: whoever knows it can keep the switch from going off.
    """
    parts = urlsplit(url)
    try:
        parse_origin(f"{parts.scheme}://{parts.netloc}")
    except (ReconcileError, ValueError):
        raise ReconcileError(
            Diagnostic(
                code="bad-heartbeat-url",
                summary="The heartbeat URL cannot be used",
                detail="It is neither an https URL nor an http URL of this machine.",
                hint="reconcile run --heartbeat-url https://hc-ping.com/...",
            )
        ) from None


class Heart:
    """Sends heartbeats to one URL. `sent` and `failed` count them."""

    def __init__(self, url: str) -> None:
        check_heartbeat_url(url)
        self._url = url
        self._tls = verifying_tls(urlsplit(url).scheme)
        self.sent = self.failed = 0

    async def beat(self) -> str | None:
        """Send one; returns why it failed, without the URL, or None. Never raises an Exception."""
        try:
            async with httpx.AsyncClient(
                verify=self._tls, trust_env=False, follow_redirects=False, timeout=DEADLINE_S
            ) as http:
                reply = await http.get(self._url, headers={"User-Agent": "reconcile"})
            why = None if reply.is_success else f"the answer was {reply.status_code}"
        except Exception as error:  # noqa: BLE001 -- a heartbeat that fails is told, and that is all
            why = type(error).__name__
        self.sent += why is None
        self.failed += why is not None
        return why
