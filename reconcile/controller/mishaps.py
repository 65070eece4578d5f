"""What went wrong, as something to tell a person: never a traceback, never an unknown text.

Cheap to import: the command line needs it before it knows what it will do.
"""

import os

from reconcile.model.diagnostic import Diagnostic, ReconcileError


def mishap(error: Exception) -> tuple[Diagnostic, ...]:
    """Describe whatever ended a command or a cycle."""
    match error:
        case ReconcileError(diagnostics=diagnostics):
            return tuple(diagnostics)
        case MemoryError():
            return (_out_of_memory(),)
        case OSError():
            return (_system(error),)
        case _:
            return (_internal(error),)


def _out_of_memory() -> Diagnostic:
    return Diagnostic(
        code="out-of-memory",
        summary="There is not enough memory",
        detail="This process may have no more of it. What was written down until then is kept.",
        hint="reconcile validate",
    )


def _system(error: OSError) -> Diagnostic:
    place = f" ({error.filename})" if error.filename else ""
    return Diagnostic(
        code="system-error",
        summary="The system refused an operation",
        detail=f"{error.strerror or type(error).__name__}{place}.",
        hint="reconcile validate",
    )


def _internal(error: Exception) -> Diagnostic:
    """Describe a bug by where it happened. Never by its text, which may hold anything."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "unknown place"
    if trace is not None:
        code = trace.tb_frame.f_code
        where = f"{os.path.basename(code.co_filename)}:{trace.tb_lineno} in {code.co_name}"  # noqa: PTH119 -- pathlib costs start-up time
    return Diagnostic(
        code="internal-error",
        summary="A bug in reconcile",
        detail=f"{type(error).__name__} at {where}. The state on disk is whole: it is only "
        "replaced once its successor is complete.",
        hint="reconcile plan",
    )
