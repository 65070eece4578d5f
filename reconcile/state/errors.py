"""What this room refuses and warns of, as diagnostics."""

from collections.abc import Sequence
from os import strerror
from pathlib import Path
from shlex import quote

from reconcile.errors import Diagnostic, Place, ReconcileError, Severity, diagnose, fail
from reconcile.model.address import Address
from reconcile.model.struct import replace

RESTORE = "Go back to the previous version: reconcile state restore"
REPAIR = "Keep the good part and set the rest aside: reconcile state repair"

LATER = "a later version of reconcile"
"""Who wrote what does not say by which version it was written."""

Named = Path | str
"""A file by its path, or an object of a store by its URL."""


def refusal(code: str, detail: str, *, path: Named, hint: str | None = None) -> ReconcileError:
    """Build an error about one file."""
    return fail(code, detail, hint=hint, places=(Place(str(path)),))


def warning(code: str, detail: str, *, path: Named, hint: str | None = None) -> Diagnostic:
    """Build a warning about one file."""
    places = (Place(str(path)),)
    return diagnose(code, detail, hint=hint, places=places, severity=Severity.WARNING)


def state_damaged(path: Named, why: str) -> ReconcileError:
    """Refuse a state file that is not, byte for byte, what was saved."""
    return refusal(
        "state-damaged",
        f"{path} is not what was last saved: {why}. It is the only memory of what was already "
        "done, so nothing is planned or sent from it.",
        path=path,
        hint=RESTORE,
    )


def state_newer(path: Named, writer: str) -> ReconcileError:
    """Refuse a state file of a format this version does not know."""
    return refusal(
        "state-newer-format",
        f"{path} was written by {writer}. This version does not know that format and leaves "
        "the file as it is.",
        path=path,
        hint="Use that version, or a later one.",
    )


def state_missing(path: Named, left: Named) -> ReconcileError:
    """Refuse to take a lost state for one that never was."""
    return refusal(
        "state-missing",
        f"There is no {path}, but {left} beside it shows that there was one. To start from "
        "nothing would do again what was already done.",
        path=path,
        hint=RESTORE,
    )


def no_state(path: Named, severity: Severity = Severity.ERROR) -> Diagnostic:
    """Say that nothing was ever recorded at a place; perhaps another was meant."""
    why = f"There is no {path}: no apply has saved one."
    return diagnose("no-state", why, places=(Place(str(path)),), severity=severity)


def journal_damaged(path: Named, why: str) -> ReconcileError:
    """Refuse a journal with a bad line that a crash cannot explain."""
    return refusal(
        "journal-damaged",
        f"{path}: {why}. What follows that line cannot be trusted.",
        path=path,
        hint=REPAIR,
    )


def journal_foreign(path: Named, why: str) -> ReconcileError:
    """Refuse a journal that does not continue the state beside it."""
    return refusal(
        "journal-foreign",
        f"{path} does not continue the state file beside it: {why}. One of the two was replaced "
        "or restored without the other.",
        path=path,
        hint=REPAIR,
    )


def previous_damaged(path: Named) -> Diagnostic:
    """Warn of an earlier version that nobody could go back to."""
    return warning(
        "previous-damaged",
        f"{path} is not what was saved, so there would be less to go "
        "back to. The state itself is whole; the next save replaces the file.",
        path=path,
    )


def history_damaged(path: Named, unreadable: int) -> Diagnostic:
    """Warn of lines of the past that nobody can read."""
    return warning(
        "history-damaged",
        f"{unreadable} lines of {path} cannot be read. Nothing is decided by them.",
        path=path,
    )


def history_ahead(path: Named, newest: int, reached: int) -> Diagnostic:
    """Warn of a state that was put back, so that what was done since is not in it."""
    return warning(
        "history-ahead",
        f"{path} reaches to entry {newest:,}, the state beside it to entry {reached:,}: an earlier "
        "version was put in its place. What was done since is not known to it, and may be done "
        "again.",
        path=path,
        hint="Say what was done since: reconcile state mark ADDRESS --done",
    )


# What goes wrong between taking the lock and letting it go.


def lock_lost(path: Path) -> ReconcileError:
    """Refuse to begin a call that nothing keeps another run from making too."""
    return refusal(
        "lock-lost",
        f"{path} was removed or replaced while this run held it. Another run may have begun, so "
        "no further call is begun.",
        path=path,
    )


def journal_lost(path: Named, why: str, code: str = "journal-lost") -> ReconcileError:
    """Refuse to write to a journal that may not keep it."""
    return refusal(code, f"{path} takes no more lines from this run: {why}.", path=path)


LINES_GONE = {"state-conflict", "journal-foreign"}
"""What a write ends with where lines that were written before may be gone as well."""


def intent_not_recorded(path: Named, error: OSError | ReconcileError) -> ReconcileError:
    """Say that a call is not made, since its intent could not be written down."""
    return refusal(
        "intent-not-recorded",
        f"{path}: {_why(path, error)} A call is written down before it is made, or it is not made.",
        path=path,
    )


def outcome_not_recorded(
    path: Named,
    lines: Sequence[bytes],
    error: OSError | ReconcileError,
    *,
    unknown: Sequence[Address],
    awaited: Sequence[Address],
) -> ReconcileError:
    """Say that entries could not be written down. The lines are in the words, to be kept.

    `unknown`: of whose calls nothing is on record but that they began. `awaited`: those whose jobs
    are on record.
    """
    words = [f"{path}: {_why(path, error)}"]
    if unknown:
        words.append(f"The next run counts the call of {_few(unknown)} as unknown.")
    if awaited:
        words.append(f"The next run looks again at the job of {_few(awaited)}.")
    told = b"".join(lines).decode().rstrip("\n")
    mark = (
        f"reconcile state mark {' '.join(map(quote, unknown[:_FEW]))} --done" if unknown else None
    )
    return refusal(
        "outcome-not-recorded",
        f"{' '.join(words)} These lines did not get into it:\n{told}",
        path=path,
        hint=mark and f"Keep these lines. If they say that it was done: {mark}",
    )


def _why(path: Named, error: OSError | ReconcileError) -> str:
    if isinstance(error, ReconcileError):
        said = (diagnostic.detail for diagnostic in error.diagnostics)
        return " ".join(detail.removeprefix(f"{path}: ") for detail in said)
    return f"{strerror(error.errno) if error.errno else error}."


_FEW = 5


def _few(addresses: Sequence[Address]) -> str:
    more = len(addresses) - _FEW
    return ", ".join(addresses[:_FEW]) + (f" and {more} more" if more > 0 else "")


def state_replaced(path: Named, rescued: Named) -> ReconcileError:
    """Say that somebody else changed the state under this run's lock."""
    return refusal(
        "state-replaced",
        f"{path} is not the file this run read: it was removed or replaced while the lock was "
        f"held. It was left as it is; what this run knows is in {rescued}.",
        path=path,
        hint="If that is right, put it in place: "
        f"reconcile state push --force {quote(str(rescued))}",
    )


def left_in_journal(path: Named) -> Diagnostic:
    """Warn that the next run will fold in what this one could not."""
    return warning(
        "state-not-saved",
        f"The lock or the journal was lost, so the state file was left alone. {path} keeps what "
        "could be written down, until another run has folded it into the state.",
        path=path,
    )


def as_warnings(error: ReconcileError) -> tuple[Diagnostic, ...]:
    """Tell of an error that cost nothing: the journal holds what could not be saved."""
    kept = "Nothing is lost: the journal holds it, and the next run folds it in."
    return tuple(
        replace(found, severity=Severity.WARNING, detail=f"{found.detail} {kept}")
        for found in error.diagnostics
    )
