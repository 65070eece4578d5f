"""Bad replies, tokens and addresses of an instance."""

import json
from collections.abc import Iterator

from tests.bad.case import Case
from tests.bad.damage import damaged, wrongly_typed
from tests.omni.broken_replies import REDIRECTS
from tests.omni.calling import JOB, MODEL
from tests.omni.test_credential import BAD_TOKENS
from tests.omni.test_origin import DISGUISES
from tests.state.acts import dice

REFRESH = {"jobId": JOB, "modelId": MODEL, "status": "running"}
RESET = {
    "success": True,
    "cache_reset": {
        "model_id": MODEL, "policy_name": "daily", "reset_at": "2026-03-01T11:00:00.000Z"
    },
}  # fmt: skip
STATUS = {"job_id": JOB, "job_type": "REFRESH_SCHEMA", "status": "COMPLETED"}


def replies() -> Iterator[Case]:
    """Yield replies as a status, a header and a body; what they must not be is a success."""
    for shape in (REFRESH, RESET, STATUS):
        whole = json.dumps(shape).encode()
        for name, data in damaged(whole, dice(6)):
            sound = name == "a BOM" or "bit" in name
            yield _reply(f"{min(shape)} {name}", 200, data, refused=not sound)
        for name, value in wrongly_typed(shape):
            yield _reply(f"{min(shape)} {name}", 200, json.dumps(value).encode(), refused=False)
        for status in (100, 204, 299, 304, 400, 401, 403, 404, 408, 409, 418, 422, 429, 500, 599):
            bad = not 200 <= status < 300
            yield _reply(f"{min(shape)} as {status}", status, whole, refused=bad)
    for code, location in REDIRECTS:
        yield _reply(f"{code} to {location}", code, b"{}", location)


def _reply(
    name: str, status: int, body: bytes, location: str = "", *, refused: bool = True
) -> Case:
    head = f"{status} {location}\n".encode()
    return Case("reply", name, head + body, refused=refused)


def tokens() -> Iterator[Case]:
    for number, token in enumerate(BAD_TOKENS):
        yield Case("token", f"{number}", token.encode("utf-8", "surrogateescape"))


def urls() -> Iterator[Case]:
    for number, url in enumerate(DISGUISES):
        yield Case("url", f"{number} {url!r}", url.encode())
