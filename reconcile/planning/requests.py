"""The exact HTTP request of each call, in both generations of the API (omni-api.md 2.1, 2.3)."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

from reconcile.model.desired import Generation, Mode
from reconcile.model.plan import Request

_LEGACY_REFRESH = "/api/v0/model/"
_PLAIN = re.compile(r"[A-Za-z0-9_-]*")


def refresh_request(
    generation: Generation,
    model_id: str,
    *,
    mode: Mode,
    branch_id: str | None,
    schemas: tuple[str, ...],
    tables: tuple[str, ...],
) -> Request:
    """Build a schema refresh.

    v1 always says hard or soft: the call's own default is hard, a native schedule's is soft
    (omni-api.md 3.2). The legacy call takes nothing but the id (SEED-0); its reply has no job.
    """
    if generation is Generation.LEGACY:
        return Request("POST", f"{_LEGACY_REFRESH}{_segment(model_id)}/refresh")
    query = [("hard_refresh", "true" if mode is Mode.HARD else "false")]
    if branch_id is not None:
        query.append(("branch_id", branch_id))
    if schemas:
        query.append(("schemas", ",".join(schemas)))
    if tables:
        query.append(("tables", ",".join(tables)))
    return Request("POST", f"/api/v1/models/{_segment(model_id)}/refresh", tuple(query))


def generation_of(request: Request) -> Generation:
    """Tell in which generation of the API a refresh request speaks."""
    return Generation.LEGACY if request.path.startswith(_LEGACY_REFRESH) else Generation.V1


def reset_request(
    generation: Generation, model_id: str, policy: str, stamp: datetime | None
) -> Request:
    """Build a cache reset. Without a stamp, the end of the refresh before it fills in the body."""
    model, name = _segment(model_id), _segment(policy)
    if generation is Generation.LEGACY:
        path = f"/api/unstable/model/{model}/cache_reset/{name}"
    else:
        path = f"/api/v1/models/{model}/cache_reset/{name}"
    return Request("POST", path, (), {"resetAt": None if stamp is None else stamp_text(stamp)})


@lru_cache(maxsize=4096)
def stamp_text(stamp: datetime) -> str:
    """Spell a `resetAt`: UTC with a `Z` and at most milliseconds, the resolution Omni shows.

    Cut, never rounded up: a stamp must not lie in Omni's future.
    """
    utc = stamp.astimezone(UTC)
    precision = "milliseconds" if utc.microsecond else "seconds"
    return utc.isoformat(timespec=precision).replace("+00:00", "Z")


def _segment(text: str) -> str:
    """Spell one segment of a path; most, such as UUIDs, need no quotes, and `quote` is slow."""
    return text if _PLAIN.fullmatch(text) else quote(text, safe="")
