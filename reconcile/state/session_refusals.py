"""What goes wrong between taking the lock and letting it go, as diagnostics."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from os import strerror
from pathlib import Path, PurePath

from reconcile.model.diagnostic import Diagnostic, ReconcileError, Severity
from reconcile.state.codec import encode_instant
from reconcile.state.holder import Holder
from reconcile.state.refusals import Named, refusal, warning


def lock_held(path: Named, holder: Holder | None, now: datetime) -> ReconcileError:
    """Refuse because somebody holds the lock. `now`: to say for how long, UTC."""
    who = "Another run"
    if holder is not None:
        age_s = max(0, round((now - holder.since).total_seconds()))
        who = (
            f"{holder.command} of {holder.user} on {holder.host} (process {holder.pid}, lock "
            f"{holder.id}, since {encode_instant(holder.since)}, {age_s} s ago)"
        )
    return refusal(
        "lock-held",
        "Another run holds the lock",
        f"{who} holds {path}. Two runs at once would send the same calls twice. The lock is "
        "let go when that run ends, however it ends.",
        path=path,
        hint="Wait for it: --lock-timeout 10m",
        exit_code=5,
    )


def lock_lost(path: Path) -> ReconcileError:
    """Refuse to begin a call that nothing keeps another run from making too."""
    return refusal(
        "lock-lost",
        "The lock was taken away",
        f"{path} was removed or replaced while this run held it. Another run may have begun, so "
        "no further call is begun.",
        path=path,
    )


def not_recorded(
    path: Named, lines: Sequence[bytes], error: OSError | ReconcileError, *, begins: bool
) -> ReconcileError:
    """Say that entries could not be written down. The lines are in the words, to be kept."""
    if isinstance(error, ReconcileError):
        said = (diagnostic.detail for diagnostic in error.diagnostics)
        why = " ".join(detail.removeprefix(f"{path}: ") for detail in said)
    else:
        why = f"{strerror(error.errno) if error.errno else error}."
    if begins:
        return refusal(
            "intent-not-recorded",
            "A call could not be written down, so it was not made",
            f"{path}: {why} A call is written down before it is made, or it is not made.",
            path=path,
        )
    words = b"".join(lines).decode().rstrip("\n")
    return refusal(
        "outcome-not-recorded",
        "What happened could not be written down",
        f"{path}: {why} It will count as unknown. These lines did not get into it:\n{words}",
        path=path,
        hint="Keep these lines, and say what happened: reconcile state mark ADDRESS --done",
    )


def state_replaced(path: Named, rescued: Named) -> ReconcileError:
    """Say that somebody else changed the state under this run's lock."""
    return refusal(
        "state-replaced",
        "The state file was changed by somebody else",
        f"{path} is not the file this run read: it was removed or replaced while the lock was "
        f"held. It was left as it is; what this run knows is in {rescued}.",
        path=path,
        hint="If that is right, put it in place: "
        f"reconcile state push --force {PurePath(rescued).name}",
    )


def left_in_journal(path: Named) -> Diagnostic:
    """Warn that the next run will fold in what this one could not."""
    return warning(
        "state-not-saved",
        "The state file was not brought up to date",
        f"The lock or the journal was lost, so the state file was left alone. What could be "
        f"written down is in {path}.",
        path=path,
    )


def as_warnings(error: ReconcileError) -> tuple[Diagnostic, ...]:
    """Tell of an error that cost nothing: the journal holds what could not be saved."""
    kept = "Nothing is lost: the journal holds it, and the next run folds it in."
    return tuple(
        replace(found, severity=Severity.WARNING, detail=f"{found.detail} {kept}")
        for found in error.diagnostics
    )


def previous_died(path: Named, holder: Holder | None) -> tuple[Diagnostic, ...]:
    """Warn that an earlier run ended without letting the lock go."""
    if holder is None:
        return ()
    return (
        warning(
            "previous-run-died",
            "An earlier run was cut short",
            f"{holder.command} of {holder.user} on {holder.host} (process {holder.pid}, since "
            f"{encode_instant(holder.since)}) ended without letting the lock go. What it wrote "
            "down is kept; a call it was making counts as unknown.",
            path=path,
        ),
    )
