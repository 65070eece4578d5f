"""One look at a live instance, with as few requests as it takes.

At most one request for every hundred models, one for every model whose policies and every
connection whose schedules are wanted, and one for the connections.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Literal, TypeVar

from reconcile.model.observed import Observed, ObservedConnection, ObservedModel
from reconcile.omni.finding import Finding, Forbidden, Found, Miss
from reconcile.omni.reading import Exchanging, OmniReader, Turns

T = TypeVar("T")
K = TypeVar("K", str, None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look at beside the two lists: ids of models and of connections, without repeats."""

    policies_of: tuple[str, ...] = ()
    schedules_of: tuple[str, ...] = ()


Choose = Callable[[tuple[ObservedModel, ...], tuple[ObservedConnection, ...]], Wanted]
"""Decides what else to look at once the lists are known; a list that cannot be read is empty."""

Part = Literal["models", "connections", "policies", "schedules"]


@dataclass(frozen=True, slots=True)
class Gap:
    """A part that was asked for and not told. `subject`: a model's or a connection's id."""

    part: Part
    subject: str | None
    miss: Miss


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen, what was not, and how many requests it took, repeats included."""

    observed: Observed
    gaps: tuple[Gap, ...]
    requests: int


async def observe(
    omni: Exchanging, limiter: Turns, wanted: Choose, now: Callable[[], datetime]
) -> Look:
    """Look at an instance. Every failure is a gap, and only a part is lost to it.

    But a token that may not list models is not tried on anything else: it is a wrong one, and more
    attempts would look like guessing.
    """
    reader = OmniReader(omni, limiter, now)
    models = await reader.fetch_models()
    if isinstance(models, Forbidden):
        gap = Gap("models", None, models)
        return Look(observed=Observed(at=now()), gaps=(gap,), requests=reader.requests)
    connections = await reader.fetch_connections()
    chosen = wanted(_value(models) or (), _value(connections) or ())
    policies, schedules = await asyncio.gather(
        _each(chosen.policies_of, reader.fetch_policies),
        _each(chosen.schedules_of, reader.fetch_schedules),
    )
    observed = Observed(
        at=now(),
        models=_value(models),
        connections=_value(connections),
        policies=_values(policies),
        schedules=_values(schedules),
        clock_ahead_s=reader.clock_ahead_s,
    )
    gaps = (
        *_gaps("models", {None: models}),
        *_gaps("connections", {None: connections}),
        *_gaps("policies", policies),
        *_gaps("schedules", schedules),
    )
    return Look(observed=observed, gaps=gaps, requests=reader.requests)


async def _each(
    subjects: Iterable[str], fetch: Callable[[str], Awaitable[Finding[T]]]
) -> dict[str, Finding[T]]:
    """Ask about each subject once, side by side; the reader paces them."""
    wanted = tuple(dict.fromkeys(subjects))
    found = await asyncio.gather(*map(fetch, wanted))
    return dict(zip(wanted, found, strict=True))


def _value(finding: Finding[T]) -> T | None:
    return finding.value if isinstance(finding, Found) else None


def _values(findings: Mapping[str, Finding[T]]) -> Mapping[str, T]:
    found = {name: item.value for name, item in findings.items() if isinstance(item, Found)}
    return MappingProxyType(found)


def _gaps(part: Part, findings: Mapping[K, Finding[T]]) -> Iterator[Gap]:
    for subject, finding in findings.items():
        if not isinstance(finding, Found):
            yield Gap(part, subject, finding)
