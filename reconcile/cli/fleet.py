"""`fleet`: many instances, any number of workers."""

from argparse import Namespace
from importlib import import_module

from reconcile.errors import Diagnostic, ReconcileError
from reconcile.terminal.console import Console

_MODULE = "reconcile.fleet.command"
_VERBS = {
    "worker": "work_on",
    "status": "status",
    "pause": "pause",
    "resume": "resume",
}


def run_fleet(options: Namespace, console: Console) -> int:
    """Carry out one verb. Raises ReconcileError if the extra `fleet` is not installed."""
    try:
        verb = getattr(import_module(_MODULE), _VERBS[options.verb])
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] == "reconcile":
            raise
        raise _not_installed(missing.name) from None
    code: int = verb(options, console)
    return code


def _not_installed(package: str) -> ReconcileError:
    return ReconcileError(
        Diagnostic(
            code="extra-missing",
            summary="A part of reconcile is not installed",
            detail=f"A fleet needs the package {package}, which comes with the extra `fleet`.",
            hint="pip install 'reconcile[fleet]'",
        )
    )
