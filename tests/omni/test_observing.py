"""One look at an instance: what it costs, and what becomes of the parts it is not shown."""

from collections.abc import Mapping
from math import ceil

import pytest

from reconcile.model.plan import Request
from reconcile.omni.reads import (
    Absent,
    Choose,
    Forbidden,
    Gap,
    LiveLook,
    LookRequest,
    Unreadable,
    observe,
)
from reconcile.omni.replies import Answer
from reconcile.simulation.virtual import run_in_virtual_time
from tests.omni.scripted import NOON, Generous, Script, Scripted, said

MODELS, CONNECTIONS = "/api/v1/models", "/api/v1/connections"
YAML = said({"files": {"model": "cache_policies: {daily: {}}"}})
NO_SCHEDULES = said({"schedules": []})


def look(
    scripts: Mapping[str, Answer | list[Answer] | Script], wanted: Choose
) -> tuple[LiveLook, Scripted]:
    omni, limiter = Scripted(scripts), Generous()
    seen = run_in_virtual_time(observe(omni, limiter, wanted, lambda: NOON))
    assert seen.requests == len(omni.asked) == limiter.turns
    return seen, omni


def nothing(*_: object) -> LookRequest:
    return LookRequest()


def pages_of(count: int) -> Script:
    def answer(request: Request) -> Answer:
        start = int(dict(request.query).get("cursor", "0"))
        end = min(start + 100, count)
        info = {"hasNextPage": end < count, "nextCursor": str(end) if end < count else None}
        return said({"pageInfo": info, "records": [{"id": f"m{n}"} for n in range(start, end)]})

    return answer


@pytest.mark.parametrize("count", [0, 1, 100, 101, 1000])
def test_a_look_costs_no_more_requests_than_it_must(count: int) -> None:
    policies = tuple(f"m{number}" for number in range(min(count, 7)))
    scripts: dict[str, Answer | list[Answer] | Script] = {
        MODELS: pages_of(count),
        CONNECTIONS: said([]),
        "/api/v1/connections/c/schedules": NO_SCHEDULES,
        **{f"/api/v1/models/{model}/yaml": YAML for model in policies},
    }
    seen, _ = look(scripts, lambda *_: LookRequest(policies + policies, ("c", "c")))
    assert seen.requests == max(1, ceil(count / 100)) + 1 + len(policies) + 1
    assert seen.observed.policies == dict.fromkeys(policies, ("daily",))
    assert seen.observed.schedules == {"c": ()}
    assert seen.gaps == ()


def test_what_to_look_at_is_chosen_from_the_lists() -> None:
    scripts = {MODELS: said([{"id": "m", "connectionId": "c"}]), CONNECTIONS: said([{"id": "c"}])}
    chosen: list[tuple[int, int]] = []

    def choose(models: tuple[object, ...], connections: tuple[object, ...]) -> LookRequest:
        chosen.append((len(models), len(connections)))
        return LookRequest()

    look(scripts, choose)
    assert chosen == [(1, 1)]


def test_a_wrong_token_is_tried_once() -> None:
    refused = said({"detail": "Invalid bearer token", "status": 403}, 403)
    seen, omni = look({MODELS: refused, CONNECTIONS: refused}, nothing)
    assert seen.observed.models is None
    assert seen.gaps == (Gap("models", None, Forbidden("403: Invalid bearer token", token=True)),)
    assert len(omni.asked) == 1


def test_a_part_that_is_refused_is_a_gap_and_not_an_absence() -> None:
    forbidden = said({"detail": "Forbidden: admin role required"}, 403)
    scripts = {
        MODELS: said([{"id": "m"}, {"id": "n"}]),
        CONNECTIONS: forbidden,
        "/api/v1/models/m/yaml": YAML,
        "/api/v1/connections/c/schedules": forbidden,
        "/api/v1/models/m/schemas": said({"schemas": [None]}),
        "/api/v1/models/n/schemas": said(["raw"]),
    }
    asked_for = LookRequest(("m", "n"), ("c",), ("m", "n b"))
    seen, omni = look(scripts, lambda *_: asked_for)
    assert seen.observed.connections is None
    assert seen.observed.policies == {"m": ("daily",)}
    assert seen.observed.schedules == {}
    assert seen.observed.schemas == {"n b": ("raw",)}
    assert omni.asked[-1].query == (("branch_id", "b"),)
    assert [(gap.part, gap.subject, type(gap.miss)) for gap in seen.gaps] == [
        ("connections", None, Forbidden),
        ("policies", "n", Absent),
        ("schedules", "c", Forbidden),
        ("schemas", "m", Unreadable),
    ]
