"""Warnings about declared native schedules and refreshes of one connection; opens no socket."""

from collections.abc import Iterator
from datetime import datetime

from reconcile.model.desired import Desired
from reconcile.model.diagnostic import Diagnostic, Severity
from reconcile.planning.drift import declared_shadows
from reconcile.render.live import finding_text


def shadow_warnings(desired: Desired, at: datetime) -> Iterator[Diagnostic]:
    """Yield one warning for each refresh and schedule that meet in the days after `at`."""
    for found in declared_shadows(desired, at):
        yield Diagnostic(
            code="connection-shadowed",
            summary="Omni's own schedule refreshes the same connection",
            detail=f"{found.addresses[0]} and {found.schedule.schedule_id}: {finding_text(found)}",
            hint="Leave one of the two out, or move it.",
            severity=Severity.WARNING,
        )
