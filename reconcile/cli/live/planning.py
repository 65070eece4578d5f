"""What a live look adds to a plan: connections filled in, native schedules, and findings."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconcile.cli.console import Console
from reconcile.cli.live.looking import Sight, gather_sight
from reconcile.clock import wall_clock
from reconcile.model.address import Address
from reconcile.model.desired import Desired
from reconcile.model.diagnostic import ReconcileError
from reconcile.model.drift import Finding, Weight, weight
from reconcile.model.plan import Plan
from reconcile.model.recorded import ScheduleRecord
from reconcile.planning.drift import drift
from reconcile.planning.observed import resolved
from reconcile.render.documents import plan_document
from reconcile.render.live import findings_markdown, findings_text, live_document


@dataclass(frozen=True, slots=True)
class Live:
    """A desired state beside the instance. `desired` knows where its models live."""

    desired: Desired
    sight: Sight
    findings: tuple[Finding, ...]


def gather_live(options: Namespace, desired: Desired, console: Console) -> Live:
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
    from reconcile.state.load import load

    try:
        return load(desired.state_url).recorded.schedules
    except ReconcileError:
        return {}


def live_plan_document(planned: Plan, live: Live) -> dict[str, object]:
    """Return the plan's document with one key more, `live`: when the instance was seen, and how."""
    document = plan_document(planned, host=live.sight.host)
    return {**document, "live": _document(live)}


def live_text(
    live: Live, console: Console, *, stream_is_out: bool = True, colour: bool = True
) -> str:
    """Return the findings as a section below a plan. `colour`: if the stream takes any."""
    return findings_text(
        live.findings,
        observed_at=live.sight.observed.at,
        now=wall_clock(),
        not_checked=live.sight.not_checked,
        width=console.width(),
        colour=colour and console.coloured(console.out if stream_is_out else console.err),
    )


def live_markdown(live: Live, console: Console) -> str:
    """Return the findings as a section of a comment."""
    return findings_markdown(live_text(live, console, stream_is_out=False, colour=False))


def differs(findings: Sequence[Finding]) -> bool:
    """Tell whether files and instance contradict each other."""
    return any(weight(finding) is Weight.DIFFERS for finding in findings)


def _document(live: Live) -> dict[str, object]:
    sight = live.sight
    return live_document(
        live.findings, observed_at=sight.observed.at, not_checked=sight.not_checked
    )
