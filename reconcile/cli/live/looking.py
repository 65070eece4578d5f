"""A live look, or the last one while it is fresh: what was seen, and what was not."""

import asyncio
import os
from argparse import Namespace
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconcile.applying.apply import look
from reconcile.cli.console import Console
from reconcile.cli.live.lacking import lacking
from reconcile.cli.spending import access_to
from reconcile.clock import wall_clock
from reconcile.config.problems import LeafError
from reconcile.config.values import parse_duration
from reconcile.model.desired import Desired
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.model.drift import NotChecked
from reconcile.model.observed import Observed, ObservedConnection, ObservedModel
from reconcile.omni.credential import Credential, load_credential, require_same_origin
from reconcile.omni.reads import Choose, Look, Wanted
from reconcile.omni.replies import Absent, Forbidden, Unreadable
from reconcile.planning.observed import questions
from reconcile.state.observation import Observation, load_observation, save_observation


@dataclass(frozen=True, slots=True)
class Sight:
    """An instance as seen. `not_checked`: the parts that were asked for and not told."""

    host: str
    observed: Observed
    not_checked: tuple[NotChecked, ...]


def gather_sight(options: Namespace, desired: Desired, console: Console) -> Sight:
    """Return the last look at the instance if it is young enough and says all, else a new one.

    Raises ReconcileError where there is no credential, or models cannot be listed.
    """
    credential = gather_credential(options, desired)
    host = str(credential.origin)
    youngest = wall_clock() - max_age(options.max_age)
    kept = load_observation(desired.state_url)
    if isinstance(kept, Diagnostic):
        console.diagnose([kept])
    elif kept is not None and _is_good(kept, host, youngest, desired):
        return Sight(host, kept.observed, tuple(lacking(kept, desired)))

    def choose(
        models: tuple[ObservedModel, ...], connections: tuple[ObservedConnection, ...]
    ) -> Wanted:
        lists = Observed(at=youngest, models=models, connections=connections)
        wanted = questions(desired, lists)
        return Wanted(wanted.policies, wanted.schedules)

    seen = look_now(credential, choose, desired.requests_per_minute, console)
    asked = questions(desired, seen.observed)
    made = Observation(
        host=host,
        observed=seen.observed,
        policies_asked=frozenset(asked.policies),
        schedules_asked=frozenset(asked.schedules),
    )
    if (failed := save_observation(desired.state_url, made)) is not None:
        console.diagnose([failed])
    return Sight(host, made.observed, tuple(lacking(made, desired, seen.gaps)))


def gather_credential(options: Namespace, desired: Desired) -> Credential:
    """Load the operator's credential; the files must not assert another instance."""
    credential = load_credential(os.environ, profile=options.profile)
    require_same_origin(desired.base_url, credential)
    return credential


def look_now(
    credential: Credential, choose: Choose, requests_per_minute: int, console: Console
) -> Look:
    """Look at the instance. Raises ReconcileError unless its models can be listed."""
    seen = asyncio.run(look(access_to(credential, console), choose, requests_per_minute))
    for gap in seen.gaps:
        if gap.part == "models":
            raise _blind(gap.miss, str(credential.origin))
    return seen


def max_age(text: str) -> timedelta:
    """Read --max-age. Raises ReconcileError with the code that a duration in a file would have."""
    try:
        return parse_duration(text)
    except LeafError as error:
        raise ReconcileError(
            Diagnostic(
                code=error.code,
                summary="--max-age takes a duration",
                detail=error.detail,
                hint="reconcile drift --max-age 10m",
            )
        ) from None


def _is_good(kept: Observation, host: str, youngest: datetime, desired: Desired) -> bool:
    if kept.host != host or not youngest < kept.observed.at <= wall_clock():
        return False
    wanted = questions(desired, kept.observed)
    complete = not any(part.declared for part in lacking(kept, desired))
    return complete and kept.answers(wanted.policies, wanted.schedules)


def _blind(miss: Absent | Forbidden | Unreadable, host: str) -> ReconcileError:
    match miss:
        case Forbidden(message):
            code, why = "live-refused", "Omni refused the token"
        case Absent(message) | Unreadable(message):
            code, why = "live-unreadable", "The instance could not be looked at"
    return ReconcileError(
        Diagnostic(
            code=code,
            summary=why,
            detail=f"{host} does not list its models: {message.rstrip('.')}. Nothing was sent but "
            "reads, and without its models nothing can be compared.",
            hint="reconcile plan",
        )
    )
