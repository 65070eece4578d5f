"""The pieces that every operation of the sandbox's OpenAPI document is described with."""

from reconcile.sandbox.exchange import Json

_PROBLEMS = {
    "400": "A part of the request is wrong; the detail names it",
    "401": "No bearer token",
    "403": "A token that is unknown or may not do this",
    "404": "No such thing",
    "405": "Another method is needed",
    "429": "More requests in a minute than the token has; there is no Retry-After",
}


def operation(
    operation_id: str, summary: str, parameters: list[Json], responses: Json
) -> dict[str, Json]:
    """Describe one operation."""
    return {
        "operationId": operation_id,
        "summary": summary,
        "parameters": parameters,
        "responses": responses,
    }


def path(name: str, schema: Json) -> Json:
    """Describe a part of the path."""
    return {"name": name, "in": "path", "required": True, "schema": schema}


def query(name: str, schema: Json, description: str = "") -> Json:
    """Describe a parameter of the query; none is required."""
    parameter: dict[str, Json] = {"name": name, "in": "query", "schema": schema}
    return {**parameter, "description": description} if description else parameter


def body(schema: Json, *, required: bool) -> Json:
    """Describe a JSON body."""
    return {"required": required, "content": {"application/json": {"schema": schema}}}


def responses(success: str, problem: str, *, status: str = "200") -> dict[str, dict[str, Json]]:
    """Describe the replies: the schema of a success, and that of every problem."""
    described = {
        status: _response(description, problem) for status, description in _PROBLEMS.items()
    }
    return {status: _response("Done", success), **described}


def _response(description: str, schema: str) -> dict[str, Json]:
    reference: dict[str, Json] = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    return {"description": description, "content": {"application/json": reference}}
