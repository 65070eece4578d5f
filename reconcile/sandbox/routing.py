"""The path table: which request means what, read from the path as it was sent."""

from dataclasses import dataclass
from urllib.parse import unquote

from reconcile.model.desired import Generation
from reconcile.sandbox.exchange import Operation, Refusal


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table. `template` is OpenAPI's spelling of the path."""

    operation: Operation
    generation: Generation
    method: str
    template: str


V1_REFRESH = "/api/v1/models/{modelId}/refresh"
V1_RESET = "/api/v1/models/{modelId}/cache_reset/{policyName}"
V1_JOB = "/api/v1/jobs/{jobId}/status"
V1_MODELS = "/api/v1/models"
V1_CONNECTIONS = "/api/v1/connections"
V0_REFRESH = "/api/v0/model/{modelId}/refresh"
UNSTABLE_RESET = "/api/unstable/model/{modelId}/cache_reset/{policyName}"

ROUTES = (
    Route(Operation.REFRESH, Generation.V1, "POST", V1_REFRESH),
    Route(Operation.RESET, Generation.V1, "POST", V1_RESET),
    Route(Operation.JOB, Generation.V1, "GET", V1_JOB),
    Route(Operation.MODELS, Generation.V1, "GET", V1_MODELS),
    Route(Operation.CONNECTIONS, Generation.V1, "GET", V1_CONNECTIONS),
    Route(Operation.REFRESH, Generation.LEGACY, "POST", V0_REFRESH),
    Route(Operation.RESET, Generation.LEGACY, "POST", UNSTABLE_RESET),
)


@dataclass(frozen=True, slots=True)
class Routed:
    """A request that names an endpoint. `parameters` are the decoded parts of the path."""

    route: Route
    parameters: dict[str, str]


def find_route(method: str, path: str, *, legacy: bool) -> Routed:
    """Find the endpoint of a raw path.

    The path is split before it is decoded: a `%2F` in a policy's name is part of the name. Raises
    `Refusal` 404 for an unknown path and 405 for another method on a known one.
    """
    segments = path.split("/")
    found = [
        Routed(route, parameters)
        for route in ROUTES
        if (legacy or route.generation is Generation.V1)
        and (parameters := _match(route.template, segments)) is not None
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
