"""What a look at the instance was asked for and could not tell, and why."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from importlib.util import find_spec

from reconcile import DISTRIBUTION
from reconcile.model.desired import Desired
from reconcile.model.diagnostic import Diagnostic, ReconcileError, Severity
from reconcile.model.drift import NotChecked, Part
from reconcile.omni.reads import Gap
from reconcile.planning.observed import questions
from reconcile.render.live import not_checked_text
from reconcile.render.words import counted
from reconcile.state.observation import Observation

INSTALL = f"pip install '{DISTRIBUTION}[live]'"


def lacking(made: Observation, desired: Desired, gaps: Iterable[Gap] = ()) -> Iterator[NotChecked]:
    """Yield the parts that the files ask about and the look does not tell, each for each reason.

    `gaps`: why; a look that was kept from earlier knows no reasons.
    """
    wanted, seen = questions(desired, made.observed), made.observed
    why = {(gap.part, gap.subject): gap.miss.message for gap in gaps}
    if seen.connections is None:
        told = why.get(("connections", None))
        yield NotChecked(part="connections", count=1, why=told, declared=wanted.connections)
    found: Counter[tuple[Part, str | None, bool]] = Counter()
    for model_id in _missing(wanted.policies, seen.policies):
        found["policies", why.get(("policies", model_id)), True] += 1
    for place in _missing(wanted.schedules, seen.schedules):
        found["schedules", why.get(("schedules", place)), place in wanted.declared] += 1
    for (part, told, declared), count in found.items():
        yield NotChecked(part=part, count=count, why=told, declared=declared)


def not_all_checked(parts: Iterable[NotChecked], *, severity: Severity) -> Iterator[Diagnostic]:
    """Yield one diagnostic where something that is declared is not known to be right."""
    declared = [not_checked_text(part) for part in parts if part.declared]
    if declared:
        needs_reader = any(INSTALL in text for text in declared)
        yield Diagnostic(
            code="not-all-checked",
            summary="Not everything that is declared could be compared",
            detail=f"Not checked: {'; '.join(declared)}.",
            hint=INSTALL if needs_reader else "reconcile explain not-all-checked",
            severity=severity,
        )


def not_read(gaps: Iterable[Gap], then: str, *, severity: Severity) -> Iterator[Diagnostic]:
    """Say once for each part and reason what was not read. `then`: what follows from it."""
    counts = Counter((gap.part, gap.miss.message) for gap in gaps)
    for (part, message), count in counts.items():
        noun = "model" if part == "policies" else "connection"
        what = (
            part.capitalize()
            if part == "connections"
            else f"{part.capitalize()} of {counted(count, noun)}"
        )
        yield Diagnostic(
            code="live-part-unseen",
            summary="A part of the instance could not be seen",
            detail=f"{what} were not read: {message.rstrip('.')}. {then}",
            hint=INSTALL if INSTALL in message else "reconcile explain live-part-unseen",
            severity=severity,
        )


def require_reader() -> None:
    """Raise ReconcileError `live-extra-missing` where nothing can read a model's cache policies."""
    if find_spec("yaml") is None:
        raise ReconcileError(
            Diagnostic(
                code="live-extra-missing",
                summary="Cache policies cannot be read",
                detail="A model's cache policies stand in its YAML, and PyYAML, which reads it, is "
                "not installed. Nothing was asked and nothing was written.",
                hint=INSTALL,
            )
        )


def _missing(asked: Iterable[str], told: Collection[str]) -> Iterator[str]:
    known = {one.lower() for one in told}
    return (one for one in asked if one.lower() not in known)
