"""`lock`: write down which models the `[[select]]` blocks stand for. Reads only, of Omni."""

from argparse import Namespace
from dataclasses import replace

from reconcile.cli.console import Console
from reconcile.cli.live.looking import gather_credential, look_now
from reconcile.cli.live.matching import near_text
from reconcile.config.edit import Relocking, open_lock
from reconcile.model.desired import Lock, Selection, spelled
from reconcile.model.diagnostic import Diagnostic, ReconcileError, Severity
from reconcile.model.observed import Observed
from reconcile.omni.reads import Wanted
from reconcile.planning.discovery import can_tell, lock_of, near, unmatched_selections
from reconcile.planning.observed import Seen
from reconcile.render.documents import locked_json
from reconcile.render.escape import escape_terminal
from reconcile.render.words import counted


def run(options: Namespace, console: Console) -> int:
    """Look at the instance, write the lock file, and say who joined and who left."""
    opened = open_lock(options.file)
    if not opened.desired.selections:
        raise ReconcileError(_nothing_to_lock())
    credential = gather_credential(options, opened.desired)
    seen = look_now(
        credential, lambda *_: Wanted(), opened.desired.requests_per_minute, console
    ).observed
    desired = replace(opened.desired, locked=opened.before.models)
    if not can_tell(desired, Seen.of(seen)):
        raise ReconcileError(_connections_unseen(str(credential.origin)))
    empty = unmatched_selections(desired, Seen.of(seen))
    if mistaken := [one for one in empty if spelled(one) not in opened.before.made_for]:
        raise ReconcileError(*(_selects_nothing(one, seen, Severity.ERROR) for one in mistaken))
    console.diagnose([_selects_nothing(one, seen, Severity.WARNING) for one in empty])
    lock = lock_of(desired, seen)
    opened.save(lock)
    _say(opened, lock, console)
    return 0


def _say(opened: Relocking, lock: Lock, console: Console) -> None:
    before = {model.model_id: model for model in opened.before.models}
    after = {model.model_id: model for model in lock.models}
    joined = [model for model_id, model in after.items() if model_id not in before]
    left = [model for model_id, model in before.items() if model_id not in after]
    if console.format == "json":
        console.say(locked_json(opened.path, len(lock.models), joined, left))
        return
    name = escape_terminal(str(opened.path))
    console.say(f"{name}: {counted(len(lock.models), 'model')}.")
    for sign, models in (("joins", joined), ("leaves", left)):
        for model in models:
            title = f'  "{escape_terminal(model.title or "", 80)}"' if model.title else ""
            console.say(f"  {sign:<6}  models.{escape_terminal(model.name, 200)}{title}")
    if not (joined or left):
        console.say("Nobody joined and nobody left.")


def _selects_nothing(selection: Selection, seen: Observed, severity: Severity) -> Diagnostic:
    """Tell of a block that matches no model: of a new one as a mistake, which stops the lock."""
    names = (model.name for model in seen.models or () if model.deleted_at is None)
    told = f"[[select]] number {selection.number} ({escape_terminal(spelled(selection), 200)})"
    left = "The lock file was left as it was." if severity is Severity.ERROR else "It did before."
    return Diagnostic(
        code="selects-nothing",
        summary="A [[select]] matches no model",
        detail=f"{told} matches no model{near_text(near(selection.name, names))} {left}",
        hint="reconcile discover --brief",
        severity=severity,
    )


def _connections_unseen(host: str) -> Diagnostic:
    return Diagnostic(
        code="connections-unseen",
        summary="The token may not see connections",
        detail=f"A [[select]] names a connection, and {host} does not list its connections to this "
        "token. Nothing could match it, and the lock file was left as it is.",
        hint="Use a token of a connection admin, or name models by `name` alone.",
    )


def _nothing_to_lock() -> Diagnostic:
    return Diagnostic(
        code="nothing-to-lock",
        summary="The files select nothing",
        detail="A lock file lists the models that [[select]] blocks stand for, and the files have "
        "no such block.",
        hint="reconcile import",
    )
