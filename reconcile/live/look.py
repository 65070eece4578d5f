"""A live look for a command: taken, or still fresh; added to a plan, or clearing an apply."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

from msgspec import Struct

from reconcile import install_with
from reconcile.applying.apply import Cleared, clear, look
from reconcile.clock import wall_clock
from reconcile.config.values import parse_duration
from reconcile.errors import Diagnostic, ReconcileError, Severity, diagnose, fail
from reconcile.live.drift import clock_findings, drift, live_document
from reconcile.live.observed import (
    Finding,
    NotChecked,
    Part,
    hold_back,
    questions,
    resolved,
)
from reconcile.live.text import finding_text, findings_markdown, findings_text, not_checked_text
from reconcile.model.address import Address
from reconcile.model.desired import Desired
from reconcile.model.observed import Observed, ObservedConnection, ObservedModel
from reconcile.model.plan import Action, Plan, Refresh, ResetCache, ScheduleWrite
from reconcile.model.recorded import ScheduleRecord
from reconcile.model.struct import replace
from reconcile.omni.credential import Credential
from reconcile.omni.reads import Absent, Choose, Forbidden, Gap, LiveLook, LookRequest, Unreadable
from reconcile.render.actions import PlanDocument, plan_document
from reconcile.render.words import counted
from reconcile.state.backend import backend
from reconcile.state.codec import MalformedError, decode, encode
from reconcile.state.errors import warning
from reconcile.state.files import read_file, replace_file
from reconcile.terminal.console import Console
from reconcile.terminal.inputs import gather_duration
from reconcile.terminal.options import Options
from reconcile.terminal.progress import access_to, gather_credential

# The last look, kept beside the state: it saves requests, and nothing depends on it.

FORMAT = "reconcile observation 1"
LARGEST_BYTES = 64 << 20


class Observation(Struct, frozen=True, kw_only=True):
    """A look at the instance at `host`. What was asked for, whether it was answered or not.

    `policies_asked`: ids of models; `schedules_asked`: ids of connections; `schemas_asked`: models
    and branches, as `branch_of` names them.
    """

    host: str
    observed: Observed
    policies_asked: frozenset[str] = frozenset()
    schedules_asked: frozenset[str] = frozenset()
    schemas_asked: frozenset[str] = frozenset()

    def answers(
        self, policies: Iterable[str], schedules: Iterable[str], schemas: Iterable[str]
    ) -> bool:
        """Tell whether all of this was asked for when the look was made."""
        return (
            self.policies_asked.issuperset(policies)
            and self.schedules_asked.issuperset(schedules)
            and self.schemas_asked.issuperset(schemas)
        )


def load_observation(state_url: str) -> Observation | Diagnostic | None:
    """Load what is kept beside a state; None if there is nothing, a warning if it is unusable."""
    path = backend(state_url).observed
    if path is None:
        return None
    try:
        content = read_file(path, LARGEST_BYTES)
    except ReconcileError as error:
        return _unusable(path, error.diagnostics[0].detail)
    if content is None:
        return None
    head, _, body = content.partition(b"\n")
    if head != _head(body):
        return _unusable(path, "It is not as it was written.")
    try:
        return decode(body, Observation)
    except MalformedError:
        return _unusable(path, "It was written by another version.")


def save_observation(state_url: str, observation: Observation) -> Diagnostic | None:
    """Keep a look beside a state, replacing the one before; return a warning if it cannot be.

    Where there is no directory for the state yet, nothing is made for this.
    """
    path = backend(state_url).observed
    if path is None or not path.parent.is_dir():
        return None
    body = encode(observation) + b"\n"
    try:
        replace_file(path, _head(body) + b"\n" + body)
    except ReconcileError as error:
        return warning(
            "observation-not-kept",
            f"{error.diagnostics[0].detail} The next one asks again.",
            path=path,
        )
    return None


def _head(body: bytes) -> bytes:
    return f'{{"format": "{FORMAT}", "sha256": "{sha256(body).hexdigest()}"}}'.encode()


def _unusable(path: Path, why: str) -> Diagnostic:
    return warning(
        "observation-damaged",
        f"{why} Nothing depends on it: the instance is asked again.",
        path=path,
    )


# A live look, or the last one while it is fresh: what was seen, and what was not.


class Sight(Struct, frozen=True):
    """An instance as seen. `not_checked`: the parts that were asked for and not told."""

    host: str
    observed: Observed
    not_checked: tuple[NotChecked, ...]


def gather_sight(options: Options, desired: Desired, console: Console) -> Sight:
    """Return the last look at the instance if it is young enough and says all, else a new one.

    Raises ReconcileError where there is no credential, or models cannot be listed.
    """
    credential = gather_credential(options, desired)
    host = str(credential.origin)
    hint = "reconcile drift --max-age 10m"
    youngest = wall_clock() - gather_duration(options.max_age, "--max-age", hint, parse_duration)
    kept = load_observation(desired.state_url)
    if isinstance(kept, Diagnostic):
        console.diagnose([kept])
    elif kept is not None and _is_good(kept, host, youngest, desired):
        return Sight(host, kept.observed, tuple(lacking(kept, desired)))

    def choose(
        models: tuple[ObservedModel, ...], connections: tuple[ObservedConnection, ...]
    ) -> LookRequest:
        lists = Observed(at=youngest, models=models, connections=connections)
        wanted = questions(desired, lists)
        return LookRequest(wanted.policies, wanted.schedules, wanted.schemas)

    seen = look_now(credential, choose, desired.requests_per_minute, console)
    asked = questions(desired, seen.observed)
    made = Observation(
        host=host,
        observed=seen.observed,
        policies_asked=frozenset(asked.policies),
        schedules_asked=frozenset(asked.schedules),
        schemas_asked=frozenset(asked.schemas),
    )
    if (failed := save_observation(desired.state_url, made)) is not None:
        console.diagnose([failed])
    return Sight(host, made.observed, tuple(lacking(made, desired, seen.gaps)))


def look_now(
    credential: Credential, choose: Choose, requests_per_minute: int, console: Console
) -> LiveLook:
    """Look at the instance. Raises ReconcileError unless its models can be listed."""
    seen = asyncio.run(look(access_to(credential, console), choose, requests_per_minute))
    for gap in seen.gaps:
        if gap.part == "models":
            raise _blind(gap.miss, str(credential.origin))
    return seen


def _is_good(kept: Observation, host: str, youngest: datetime, desired: Desired) -> bool:
    if kept.host != host or not youngest < kept.observed.at <= wall_clock():
        return False
    wanted = questions(desired, kept.observed)
    complete = not any(part.declared for part in lacking(kept, desired))
    return complete and kept.answers(wanted.policies, wanted.schedules, wanted.schemas)


def _blind(miss: Absent | Forbidden | Unreadable, host: str) -> ReconcileError:
    match miss:
        case Forbidden(message):
            code, why = "live-refused", "Omni refused the token"
        case Absent(message) | Unreadable(message):
            code, why = "live-unreadable", "The instance could not be looked at"
    return fail(
        code,
        headline=why,
        detail=f"{host} does not list its models: {message.rstrip('.')}. Nothing was sent but "
        "reads, and without its models nothing can be compared.",
        hint="reconcile plan",
    )


# What a live look adds to a plan: connections filled in, native schedules, and findings.


class Live(Struct, frozen=True):
    """A desired state beside the instance. `desired` knows where its models live."""

    desired: Desired
    sight: Sight
    findings: tuple[Finding, ...]

    @property
    def observed(self) -> Observed:
        """What was seen."""
        return self.sight.observed

    def document(self, planned: Plan, console: Console) -> PlanDocument:
        """Return a plan's document with one key more: when the instance was seen, and how."""
        at, not_checked = self.observed.at, self.sight.not_checked
        told = live_document(self.findings, observed_at=at, not_checked=not_checked)
        document = plan_document(planned, host=self.sight.host, complete=console.complete)
        return replace(document, live=told)

    def text(self, console: Console, *, stream_is_out: bool = True, colour: bool = True) -> str:
        """Return the findings as a section below a plan. `colour`: if the stream takes any."""
        return findings_text(
            self.findings,
            observed_at=self.observed.at,
            now=wall_clock(),
            not_checked=self.sight.not_checked,
            width=console.width(),
            colour=colour and console.coloured(console.out if stream_is_out else console.err),
            complete=console.complete,
        )

    def markdown(self, console: Console) -> str:
        """Return the findings as a section of a comment."""
        return findings_markdown(self.text(console, stream_is_out=False, colour=False))


def gather_live(options: Options, desired: Desired, console: Console) -> Live:
    """Look at the instance, or take the last look, and compare. Raises ReconcileError."""
    sight = gather_sight(options, desired, console)
    found = drift(desired, sight.observed, _recorded_schedules(desired))
    return Live(resolved(desired, sight.observed), sight, found)


def _recorded_schedules(desired: Desired) -> Mapping[Address, ScheduleRecord]:
    """Return which native schedules applies made; none where no state can be read.

    They only say whose a schedule is: what is wrong with a state is told by whoever goes by it.
    """
    if not desired.schedules:
        return {}
    from reconcile.state.backend import load

    try:
        return load(desired.state_url).recorded.schedules
    except ReconcileError:
        return {}


# The preflight of an apply: what stops it, what it leaves out, and what it warns of.

MAY_CHANGE = "UPDATE"
"""What a role that may change a model has, in Omni's words (omni-api.md 1.3)."""


def preflight(
    planned: Plan, desired: Desired, credential: Credential, console: Console
) -> tuple[Plan, tuple[Address, ...]]:
    """Return what of the plan may go ahead, and the addresses that are held for this apply.

    Raises ReconcileError where the token is refused: one such answer holds for every call of the
    key.
    """
    model_ids = frozenset(map(str.lower, chain.from_iterable(map(_models, planned.actions))))
    if not (model_ids or any(isinstance(a, ScheduleWrite) for a in planned.actions)):
        return planned, ()
    access = access_to(credential, console)
    found = asyncio.run(clear(access, model_ids, desired.requests_per_minute))
    console.diagnose(_warnings(found))
    if not found.missing:
        return planned, ()
    left, held = hold_back(planned, desired, found.missing)
    console.diagnose([_held(held)])
    return left, held


def _models(action: Action) -> Iterator[str]:
    """Yield the ids of the models that an action calls."""
    match action:
        case Refresh():
            yield from action.model_ids
        case ResetCache():
            yield action.model_id
        case _:
            return


def _warnings(found: Cleared) -> Iterator[Diagnostic]:
    for off in clock_findings(found.clock_ahead_s):
        yield diagnose("clock-off", finding_text(off), severity=Severity.WARNING)
    weak = sorted(
        model_id
        for model_id, words in found.permissions.items()
        if words and MAY_CHANGE not in words
    )
    if weak:
        yield diagnose(
            "role-may-not-do",
            f"On {len(weak)} of the models, {weak[0]} first, its role lacks {MAY_CHANGE}. "
            "Omni's documents do not say which permission a refresh or a reset takes, so they are "
            "tried; a refresh takes a connection admin.",
            severity=Severity.WARNING,
        )


def _held(held: tuple[Address, ...]) -> Diagnostic:
    listed = ", ".join(held[:5]) + (f" and {len(held) - 5} more" if len(held) > 5 else "")  # noqa: PLR2004 -- as many as one reads
    return diagnose(
        "model-not-there",
        f"Omni lists no such model, or it was deleted: {listed}. Nothing was sent for them, "
        "they stay due, and the others go on.",
        hint="reconcile drift",
        severity=Severity.WARNING,
    )


# What a look at the instance was asked for and could not tell, and why.

INSTALL = install_with("live")


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
    for branch in _missing(wanted.schemas, seen.schemas):
        found["schemas", why.get(("schemas", branch)), True] += 1
    for place in _missing(wanted.schedules, seen.schedules):
        found["schedules", why.get(("schedules", place)), place in wanted.declared] += 1
    for (part, told, declared), count in found.items():
        yield NotChecked(part=part, count=count, why=told, declared=declared)


def not_all_checked(parts: Iterable[NotChecked], *, severity: Severity) -> Iterator[Diagnostic]:
    """Yield one diagnostic where something that is declared is not known to be right."""
    declared = [not_checked_text(part) for part in parts if part.declared]
    if declared:
        needs_reader = any(INSTALL in text for text in declared)
        yield diagnose(
            "not-all-checked",
            f"Not checked: {'; '.join(declared)}.",
            hint=INSTALL if needs_reader else "reconcile explain not-all-checked",
            severity=severity,
        )


def not_read(gaps: Iterable[Gap], then: str, *, severity: Severity) -> Iterator[Diagnostic]:
    """Say once for each part and reason what was not read. `then`: what follows from it."""
    counts = Counter((gap.part, gap.miss.message) for gap in gaps)
    for (part, message), count in counts.items():
        noun = "connection" if part == "schedules" else "model"
        what = (
            part.capitalize()
            if part == "connections"
            else f"{part.capitalize()} of {counted(count, noun)}"
        )
        yield diagnose(
            "live-part-unseen",
            f"{what} were not read: {message.rstrip('.')}. {then}",
            hint=INSTALL if INSTALL in message else "reconcile explain live-part-unseen",
            severity=severity,
        )


def require_reader() -> None:
    """Raise ReconcileError `live-extra-missing` where nothing can read a model's cache policies."""
    if find_spec("yaml") is None:
        raise fail(
            "live-extra-missing",
            "A model's cache policies stand in its YAML, and PyYAML, which reads it, is "
            "not installed. Nothing was asked and nothing was written.",
            hint=INSTALL,
        )


def _missing(asked: Iterable[str], told: Collection[str]) -> Iterator[str]:
    known = {one.lower() for one in told}
    return (one for one in asked if one.lower() not in known)
