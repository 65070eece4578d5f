"""A request as Omni reads it: what it asks for, and every wrong part refused by name."""

import json
import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import unquote

from msgspec import Struct

from reconcile.model.address import is_uuid
from reconcile.model.desired import Generation
from reconcile.sandbox.faults import Fate
from reconcile.sandbox.instance import (
    Operation,
    Published,
    Refusal,
    Settings,
    Token,
    bad_request,
)

# The path table: which request means what, read from the path as it was sent.


class Route(Struct, frozen=True):
    """One row of the table. `template` is OpenAPI's spelling of the path.

    `since`: the first published specification that has it.
    """

    operation: Operation
    generation: Generation
    method: str
    template: str
    since: Published = Published.SPEC_A


V1_REFRESH = "/api/v1/models/{modelId}/refresh"
V1_RESET = "/api/v1/models/{modelId}/cache_reset/{policyName}"
V1_JOB = "/api/v1/jobs/{jobId}/status"
V1_MODELS = "/api/v1/models"
V1_YAML = "/api/v1/models/{modelId}/yaml"
V1_SCHEMAS = "/api/v1/models/{modelId}/schemas"
V1_WHOAMI = "/api/v1/whoami"
V1_CONNECTIONS = "/api/v1/connections"
V1_CONNECTION = "/api/v1/connections/{connectionId}"
V1_SCHEDULES = "/api/v1/connections/{connectionId}/schedules"
V1_SCHEDULE = "/api/v1/connections/{connectionId}/schedules/{scheduleId}"
V0_REFRESH = "/api/v0/model/{modelId}/refresh"
UNSTABLE_RESET = "/api/unstable/model/{modelId}/cache_reset/{policyName}"

ROUTES = (
    Route(Operation.REFRESH, Generation.V1, "POST", V1_REFRESH),
    Route(Operation.RESET, Generation.V1, "POST", V1_RESET),
    Route(Operation.JOB, Generation.V1, "GET", V1_JOB),
    Route(Operation.MODELS, Generation.V1, "GET", V1_MODELS),
    Route(Operation.YAML, Generation.V1, "GET", V1_YAML),
    Route(Operation.SCHEMAS, Generation.V1, "GET", V1_SCHEMAS),
    Route(Operation.WHOAMI, Generation.V1, "GET", V1_WHOAMI, Published.SPEC_B),
    Route(Operation.CONNECTIONS, Generation.V1, "GET", V1_CONNECTIONS),
    Route(Operation.CONNECTION, Generation.V1, "GET", V1_CONNECTION, Published.SPEC_B),
    Route(Operation.SCHEDULES, Generation.V1, "GET", V1_SCHEDULES),
    Route(Operation.SCHEDULE_CREATE, Generation.V1, "POST", V1_SCHEDULES),
    Route(Operation.SCHEDULE, Generation.V1, "GET", V1_SCHEDULE),
    Route(Operation.SCHEDULE_UPDATE, Generation.V1, "PUT", V1_SCHEDULE),
    Route(Operation.SCHEDULE_DELETE, Generation.V1, "DELETE", V1_SCHEDULE),
    Route(Operation.REFRESH, Generation.LEGACY, "POST", V0_REFRESH),
    Route(Operation.RESET, Generation.LEGACY, "POST", UNSTABLE_RESET),
)


class Routed(Struct, frozen=True):
    """A request that names an endpoint. `parameters` are the decoded parts of the path."""

    route: Route
    parameters: dict[str, str]


def routes_of(settings: Settings) -> tuple[Route, ...]:
    """List the endpoints that an instance with these settings has."""
    return tuple(route for route in ROUTES if route.since <= settings.published)


def _kind(path: str) -> tuple[int, str]:
    """Tell how deep a path goes, and into what: few endpoints have both in common."""
    _, *parts = path.split("/", 4)
    return path.count("/"), "".join(parts[2:3])


_PATTERNS: dict[tuple[int, str], list[tuple[Route, re.Pattern[str]]]] = defaultdict(list)
for _route in ROUTES:
    _pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", _route.template))
    _PATTERNS[_kind(_route.template)].append((_route, _pattern))


def find_route(method: str, path: str, settings: Settings) -> Routed:
    """Find the endpoint of a raw path.

    The path is split before it is decoded: a `%2F` in a policy's name is part of the name. Raises
    `Refusal` 404 for an unknown path and 405 for another method on a known one.
    """
    found = [
        Routed(route, {name: unquote(text) for name, text in match.groupdict().items()})
        for route, pattern in _PATTERNS.get(_kind(path), ())
        if (match := pattern.fullmatch(path)) and route.since <= settings.published
    ]
    for routed in found:
        if routed.route.method == method:
            return routed
    if found:
        allowed = ", ".join(routed.route.method for routed in found)
        raise Refusal(405, f"Method Not Allowed: {method}", (("allow", allowed),))
    raise Refusal(404, "Not Found: no such endpoint")


# An admitted request: what a rule gets to see once it is known who asks for what.


class Asked(Struct, frozen=True, kw_only=True):
    """One request past the door.

    `parameters`: the decoded parts of the path. `ordinal`: how many requests of this kind were
    made about the same thing, this one included. `fate`: the faults that befall it.
    """

    generation: Generation
    parameters: dict[str, str]
    query: tuple[tuple[str, str], ...]
    body: bytes
    token: Token
    ordinal: int
    fate: Fate


# Read the parts of a request as Omni does: every wrong one is refused with 400, by name.

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def read_uuid(name: str, text: str) -> str:
    """Read a UUID, lower-cased; `Refusal` 400 `name: Invalid uuid`."""
    if not is_uuid(text):
        raise bad_request(f"{name}: Invalid uuid")
    return text.lower()


class Query(Struct, frozen=True):
    """The query of a request. Unknown names are ignored; a repeated known one is refused."""

    pairs: tuple[tuple[str, str], ...]

    def text(self, name: str) -> str | None:
        """Read a parameter as it is given, None if it is not."""
        values = [value for key, value in self.pairs if key == name]
        if len(values) > 1:
            raise bad_request(f"{name}: Expected string, received array")
        return values[0] if values else None

    def uuid(self, name: str) -> str | None:
        """Read a UUID, lower-cased."""
        text = self.text(name)
        return None if text is None else read_uuid(name, text)

    def choice(self, name: str, choices: Collection[str]) -> str | None:
        """Read one of a few words."""
        text = self.text(name)
        if text is not None and text not in choices:
            expected = " | ".join(f"'{choice}'" for choice in choices)
            raise bad_request(f"{name}: Invalid enum value. Expected {expected}")
        return text

    def flag(self, name: str, *, default: bool) -> bool:
        """Read `true` or `false`, in lower case only [SPEC-B: a string enum]."""
        text = self.choice(name, ("true", "false"))
        return default if text is None else text == "true"

    def names(self, name: str) -> tuple[str, ...]:
        """Read a comma-separated list."""
        text = self.text(name) or ""
        return tuple(part.strip() for part in text.split(",") if part.strip())

    def number(self, name: str, *, default: int, most: int) -> int:
        """Read a whole number from 1 to `most`."""
        text = self.text(name)
        if text is None:
            return default
        if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= most:
            raise bad_request(f"{name}: Expected a number from 1 to {most}")
        return int(text)


def read_reset_at(body: bytes) -> datetime | None:
    """Read `resetAt` from an optional JSON body, None if it is not given.

    RFC 3339 with an offset is taken, and a date alone [SEED-0] as its midnight in UTC. Whether Omni
    reads other ISO-8601 forms is unknown, and a sandbox that takes more than Omni would hide a
    client's mistake. Truncated to milliseconds.
    """
    if not body.strip():
        return None
    document = read_object(body)
    if "resetAt" not in document:
        return None
    text = document["resetAt"]
    if not isinstance(text, str):
        raise bad_request("resetAt: Expected string")
    return _read_instant(text)


def read_object(body: bytes) -> Mapping[str, object]:
    """Read a body that has to be a JSON object."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise bad_request("body: Invalid JSON") from None
    if not isinstance(document, dict):
        raise bad_request("body: Expected object")
    return document


@lru_cache(maxsize=256)  # Many resets are of one slot.
def _read_instant(text: str) -> datetime:
    text = f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text.upper()
    spelled = text if _RFC_3339.fullmatch(text) else ""
    try:
        instant = datetime.fromisoformat(spelled).astimezone(UTC)
    except (ValueError, OverflowError):
        raise bad_request("resetAt: Invalid timestamp") from None
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)
