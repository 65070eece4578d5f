"""The path table: which request means what, read from the path as it was sent."""

from dataclasses import dataclass
from urllib.parse import unquote

from reconcile.model.desired import Generation
from reconcile.sandbox.exchange import Operation, Refusal
from reconcile.sandbox.instance import Published, Settings


@dataclass(frozen=True, slots=True)
class Route:
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


@dataclass(frozen=True, slots=True)
class Routed:
    """A request that names an endpoint. `parameters` are the decoded parts of the path."""

    route: Route
    parameters: dict[str, str]


def routes_of(settings: Settings) -> tuple[Route, ...]:
    """List the endpoints that an instance with these settings has."""
    return tuple(
        route
        for route in ROUTES
        if (settings.legacy or route.generation is Generation.V1)
        and route.since <= settings.published
    )


def find_route(method: str, path: str, settings: Settings) -> Routed:
    """Find the endpoint of a raw path.

    The path is split before it is decoded: a `%2F` in a policy's name is part of the name. Raises
    `Refusal` 404 for an unknown path and 405 for another method on a known one.
    """
    segments = path.split("/")
    found = [
        Routed(route, parameters)
        for route in routes_of(settings)
        if (parameters := _match(route.template, segments)) is not None
    ]
    for routed in found:
        if routed.route.method == method:
            return routed
    if found:
        allowed = ", ".join(routed.route.method for routed in found)
        raise Refusal(405, f"Method Not Allowed: {method}", (("allow", allowed),))
    raise Refusal(404, "Not Found: no such endpoint")


def _match(template: str, segments: list[str]) -> dict[str, str] | None:
    pattern = template.split("/")
    if len(pattern) != len(segments):
        return None
    parameters: dict[str, str] = {}
    for expected, segment in zip(pattern, segments, strict=True):
        if expected.startswith("{"):
            if not segment:
                return None
            parameters[expected.strip("{}")] = unquote(segment)
        elif expected != segment:
            return None
    return parameters
