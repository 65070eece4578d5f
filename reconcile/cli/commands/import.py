# ruff: noqa: N999 -- a command is found by its name, and this is the name
"""`import`: write into the file what the instance has. The file keeps every byte it had."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from reconcile.cli.console import Console
from reconcile.cli.live.choosing import choose_models, require_terminal
from reconcile.cli.live.lacking import not_read, require_reader
from reconcile.cli.live.looking import gather_credential, look_now
from reconcile.cli.live.matching import require_matches
from reconcile.cli.options import DEFAULT_FILE
from reconcile.clock import wall_clock
from reconcile.config.edit import mentioned, with_imported
from reconcile.config.load import Loaded, load
from reconcile.config.problems import LeafError
from reconcile.config.values import parse_positive_duration
from reconcile.model.diagnostic import Diagnostic, ReconcileError, Severity
from reconcile.model.observed import Imported, Observed, ObservedConnection, ObservedModel
from reconcile.omni.credential import Credential
from reconcile.omni.reads import Look, Wanted
from reconcile.planning.discovery import candidates, imported, unmatched
from reconcile.planning.observed import declared_ids
from reconcile.render.documents import imported_json
from reconcile.render.escape import escape_terminal
from reconcile.render.words import counted


def run(options: Namespace, console: Console) -> int:
    """Look, choose, and add what the file lacks."""
    _check_every(options.every)
    if options.policies:
        require_reader()
    loaded = load(options.file, unlocked=True)
    credential = gather_credential(options, loaded.desired)
    patterns = options.patterns or _asked(options, loaded, credential, console)
    now = wall_clock()
    there = mentioned(loaded.sources)
    chosen: list[ObservedModel] = []

    def choose(
        models: tuple[ObservedModel, ...], connections: tuple[ObservedConnection, ...]
    ) -> Wanted:
        lists = Observed(at=now, models=models, connections=connections)
        chosen.extend(_candidates(lists, loaded, options, patterns))
        places = dict.fromkeys(model.connection_id for model in chosen if model.connection_id)
        return Wanted(
            policies_of=tuple(
                model.model_id
                for model in chosen
                if options.policies and model.model_id.lower() not in there.model_ids
            ),
            schedules_of=tuple(places) if options.schedules else (),
        )

    seen = look_now(credential, choose, loaded.desired.requests_per_minute, console)
    _require_matches(seen.observed, loaded, options, patterns)
    _require_all_read(seen)
    added = imported(
        loaded.desired,
        seen.observed,
        chosen,
        there,
        with_schedules=options.schedules,
    )
    _write(options, added, console)
    return 0


def _require_all_read(seen: Look) -> None:
    """Raise ReconcileError where policies or schedules were asked for and not told."""
    asked_for = [gap for gap in seen.gaps if gap.part in ("policies", "schedules")]
    unread = tuple(not_read(asked_for, "Nothing was written.", severity=Severity.ERROR))
    if unread:
        raise ReconcileError(*unread)


def _asked(
    options: Namespace, loaded: Loaded, credential: Credential, console: Console
) -> Sequence[str]:
    """Show what the file lacks and return the ids that are chosen, for another look at those.

    Asked in between and not inside a look, where an interrupt would wait for the answer.
    """
    require_terminal(console)
    budget = loaded.desired.requests_per_minute
    lists = look_now(credential, lambda *_: Wanted(), budget, console).observed
    _require_matches(lists, loaded, options, ["*"])
    there = mentioned(loaded.sources).model_ids
    found = _candidates(lists, loaded, options, ["*"])
    new = [model for model in found if model.model_id.lower() not in there]
    return [model.model_id for model in choose_models(new, lists, console)]


def _candidates(
    lists: Observed, loaded: Loaded, options: Namespace, patterns: Sequence[str]
) -> Sequence[ObservedModel]:
    return candidates(lists, loaded.desired, patterns, options.kind, options.connection)


def _require_matches(
    lists: Observed, loaded: Loaded, options: Namespace, patterns: Sequence[str]
) -> None:
    wrong = unmatched(
        lists,
        patterns=patterns,
        connection=options.connection,
        kinds=(options.kind,),
        labels={place: label for label, place in declared_ids(loaded.desired).items()},
        found=lambda pattern: _candidates(lists, loaded, options, [pattern]),
    )
    require_matches("import", wrong, "Nothing was written.")


def _write(options: Namespace, added: Imported, console: Console) -> None:
    path = Path(options.file[0])
    if path.is_dir():
        path /= DEFAULT_FILE
    file = with_imported(path, added, every=options.every)
    if options.diff and console.format == "text":
        from difflib import unified_diff

        names = (str(path), str(path))
        lines = unified_diff(file.before.splitlines(), file.after.splitlines(), *names, lineterm="")
        console.say("\n".join(escape_terminal(line) for line in lines))
        return
    if file.changed and not options.diff:
        file.save()
    _say(path, added, console)


def _say(path: Path, added: Imported, console: Console) -> None:
    if console.format == "json":
        console.say(imported_json(path, added))
        return
    name = escape_terminal(str(path))
    if added.is_empty():
        console.say(f"{name} has them already.")
        return
    console.say(f"Added {counted(len(added.models), 'model')} to {name}; the rest is as it was.")
    for model in added.models:
        console.say(f'  models.{model.name}  "{escape_terminal(model.title or "", 80)}"')
    console.say("Their first slots are the next ones. Set when they are due, then: reconcile plan")


def _check_every(every: str) -> None:
    try:
        parse_positive_duration(every)
    except LeafError as error:
        raise ReconcileError(
            Diagnostic(
                code=error.code,
                summary="--every takes a duration",
                detail=error.detail,
                hint="reconcile import '*' --every 24h",
            )
        ) from None
