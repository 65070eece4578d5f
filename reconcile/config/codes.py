"""Every diagnostic code of this room: its fixed summary, and a paragraph that explains it."""

from reconcile.config.codes_of_connections import CODES_OF_CONNECTIONS
from reconcile.config.codes_of_files import CODES_OF_FILES
from reconcile.config.codes_of_fleets import CODES_OF_FLEETS
from reconcile.config.codes_of_history import CODES_OF_HISTORY
from reconcile.config.codes_of_items import CODES_OF_ITEMS
from reconcile.config.codes_of_selecting import CODES_OF_SELECTING
from reconcile.config.explained import Explained
from reconcile.model.diagnostic import Diagnostic, Place, Severity

CODES: dict[str, Explained] = (
    CODES_OF_CONNECTIONS
    | CODES_OF_FILES
    | CODES_OF_FLEETS
    | CODES_OF_HISTORY
    | CODES_OF_ITEMS
    | CODES_OF_SELECTING
)


def diagnose(
    code: str,
    detail: str,
    *,
    hint: str | None = None,
    places: tuple[Place, ...] = (),
    severity: Severity = Severity.ERROR,
) -> Diagnostic:
    """Make a diagnostic with the code's own summary."""
    return Diagnostic(
        code=code,
        summary=CODES[code].summary,
        detail=detail,
        hint=hint,
        places=places,
        severity=severity,
    )
