"""The sandbox's own OpenAPI 3.1 document: what it accepts and answers, as data."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconcile import __version__
from reconcile.model.desired import Generation
from reconcile.sandbox import models, request
from reconcile.sandbox.exchange import Json
from reconcile.sandbox.instance import Published, Settings, Vocabulary

OPENAPI_PATH = "/openapi.json"

_DOCUMENT = Path(__file__).with_name("openapi.json")
"""Every operation, as the later specification has it; problems are the same for all of them."""

_PROBLEMS = {
    "400": "A part of the request is wrong; the detail names it",
    "401": "No bearer token",
    "403": "A token that is unknown or may not do this",
    "404": "No such thing",
    "405": "Another method is needed",
    "429": "More requests in a minute than the token has; there is no Retry-After",
}
_LATER_OF_CONNECTIONS = ("createdAt", "updatedAt", "allowBranchConnectionEnvironments")
_LATER_OF_SCHEDULES = ("hardRefresh",)


def openapi_document(settings: Settings) -> dict[str, Json]:
    """Describe every endpoint of an instance. Served as Omni does [live], but to anybody."""
    document = json.loads(_DOCUMENT.read_bytes())
    described, schemas = document["paths"], document["components"]["schemas"]
    paths: dict[str, dict[str, Any]] = {}
    for route in request.routes_of(settings):
        operation = described[route.template][route.method.lower()]
        operation["responses"] |= _problems(route.generation)
        paths.setdefault(route.template, {})[route.method.lower()] = operation
    if settings.published is Published.SPEC_A:
        _leave_out(schemas["Connection"], _LATER_OF_CONNECTIONS)
        _leave_out(schemas["Schedule"], _LATER_OF_SCHEDULES)
        for written in (paths[request.V1_SCHEDULES]["post"], paths[request.V1_SCHEDULE]["put"]):
            body = written["requestBody"]["content"]["application/json"]["schema"]
            _leave_out(body, _LATER_OF_SCHEDULES)
    document["info"]["version"] = __version__
    document["paths"] = paths
    schemas |= _worded(settings.vocabulary)
    return dict(document)


def _problems(generation: Generation) -> dict[str, Json]:
    name = "ScimError" if generation is Generation.LEGACY else "Error"
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    return {status: {"description": why, "content": content} for status, why in _PROBLEMS.items()}


def _leave_out(schema: dict[str, Any], names: tuple[str, ...]) -> None:
    """Take out what only the later specification has."""
    schema["required"] = [name for name in schema["required"] if name not in names]
    for name in names:
        del schema["properties"][name]


def _worded(vocabulary: Vocabulary) -> Mapping[str, Json]:
    """Describe the bodies that the specifications and the docs have in different words or shapes.

    An enum of both spellings would not do: generators refuse names that differ only in case.
    """
    names: Json = {"type": "array", "items": {"type": "string"}}
    listed: Json = {"type": "object", "properties": {"schemas": names}, "required": ["schemas"]}
    words = (models.RUNNING[vocabulary], "COMPLETED", "FAILED")
    job: dict[str, Json] = {
        "job_id": {"type": "string", "format": "uuid"},
        "job_type": {"type": "string", "enum": [models.JOB_TYPE[vocabulary]]},
        "status": {"type": "string", "enum": words},
    }
    return {
        "JobStatus": {"type": "object", "properties": job, "required": list(job)},
        "SchemaList": names if vocabulary is Vocabulary.DOCS else listed,
    }
