"""`discover`, `drift`, `import`, `lock`: the live instance beside the files. Reads only."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shlex import quote

import click

from reconcile.clock import wall_clock
from reconcile.config.edit import (
    Relocking,
    leaving,
    mentioned,
    open_lock,
    starter_text,
    with_imported,
)
from reconcile.config.load import LoadedFiles, load, load_text
from reconcile.errors import Diagnostic, ExitCode, ReconcileError, Severity, diagnose, fail
from reconcile.live import discovery, look
from reconcile.live.discovery import near, unmatched
from reconcile.live.drift import drift_json
from reconcile.live.observed import Seen, declared_ids, declared_labels, differs
from reconcile.live.text import inventory_text, quoted
from reconcile.model.address import fits
from reconcile.model.desired import Desired, LockedModel, LockFile, Selection, spelled
from reconcile.model.observed import Imported, Observed, ObservedConnection, ObservedModel
from reconcile.model.struct import replace
from reconcile.omni.credential import Credential
from reconcile.omni.reads import LiveLook, LookRequest
from reconcile.render.documents import encode, imported_json, locked_json
from reconcile.render.layout import escape_terminal
from reconcile.render.words import counted
from reconcile.terminal import options as shared
from reconcile.terminal.console import Console
from reconcile.terminal.inputs import file_to_write, gather_desired, gather_duration
from reconcile.terminal.progress import gather_credential

# `discover`: what the live instance has. Reads only; needs a token, but no file.

_PATTERNS = "Globs over Omni's names of models, or ids."
_connection_option = click.option(
    "--connection", metavar="PATTERN", help="Only models on this connection, by name or id."
)
_WORTH_A_WORD = 60
"""Requests beyond which a look takes noticeably long."""


@click.command(cls=shared.Command)
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...", help=_PATTERNS)
@_connection_option
@click.option(
    "--kind",
    multiple=True,
    help="Only models of this kind of Omni's, or all; of SHARED and SHARED_EXTENSION if none is "
    "given. May be given again.",
)
@click.option("--deleted", is_flag=True, help="Also what is deleted.")
@click.option("--brief", is_flag=True, help="Neither policies nor schedules: fewer requests.")
@shared.file_option
@shared.output_options
@shared.profile_option
def run_discover(options: shared.Options, console: Console) -> int:
    """Look at the instance and list what was asked for."""
    desired = _gather_file(options)
    credential = gather_credential(options, desired)
    kinds = [kind.upper() for kind in options.kind]
    filters = discovery.Filters(
        patterns=tuple(options.patterns),
        connection=options.connection,
        kinds=frozenset(() if "ALL" in kinds else kinds or _KINDS),
        deleted=options.deleted,
    )
    now = wall_clock()

    def choose(
        models: tuple[ObservedModel, ...], connections: tuple[ObservedConnection, ...]
    ) -> LookRequest:
        if options.brief:
            return LookRequest()
        wanted = _wanted(filters, Observed(at=now, models=models, connections=connections))
        _announce(wanted, desired.requests_per_minute, console)
        return wanted

    seen = look.look_now(credential, choose, desired.requests_per_minute, console)
    _require_matches(filters, seen.observed)
    console.diagnose(look.not_read(seen.gaps, "The rest is listed.", severity=Severity.WARNING))
    unseen = [discovery.NotListed(gap.part, gap.subject, gap.miss.message) for gap in seen.gaps]
    told = discovery.inventory(
        filters, seen.observed, str(credential.origin), unseen, seen.requests
    )
    if console.format == "json":
        console.say(encode(told))
    else:
        width, coloured = console.width(), console.coloured(console.out)
        console.say(inventory_text(told, brief=options.brief, width=width, colour=coloured))
    return 0


_KINDS = ("SHARED", "SHARED_EXTENSION")
"""What is refreshed and reset; the rest are workbooks and branches, and there are many."""


def _require_matches(filters: discovery.Filters, observed: Observed) -> None:
    wrong = unmatched(
        observed,
        patterns=filters.patterns,
        connection=filters.connection,
        kinds=() if filters.kinds == frozenset(_KINDS) else filters.kinds,
        labels={},
        found=lambda pattern: discovery.listed_models(
            replace(filters, patterns=(pattern,)), observed
        ),
    )
    require_matches("discover", wrong, "Nothing is listed.")


def _gather_file(options: shared.Options) -> Desired:
    """Load the file for its `[omni]`, if there is one: discovering comes before writing it."""
    if any(Path(file).exists() for file in options.file):
        return load(options.file, unlocked=True).desired
    return Desired(items=(), state_url="")


def _wanted(filters: discovery.Filters, lists: Observed) -> LookRequest:
    """Ask about all that is listed and not deleted."""
    models = discovery.listed_models(filters, lists)
    places = discovery.listed_connections(filters, lists)
    return LookRequest(
        policies_of=tuple(model.model_id for model in models if model.deleted_at is None),
        schedules_of=tuple(
            place.connection_id for place in places if place and place.deleted_at is None
        ),
    )


def _announce(wanted: LookRequest, requests_per_minute: int, console: Console) -> None:
    requests = len(wanted.policies_of) + len(wanted.schedules_of)
    if requests > _WORTH_A_WORD:
        minutes = max(1, round(requests / requests_per_minute))
        console.note(
            f"Reading policies and schedules takes {requests} requests, about {minutes} min; "
            "--brief leaves them out."
        )


@click.command(cls=shared.Command)
@shared.file_option
@shared.state_option
@shared.output_options
@shared.age_option
@shared.profile_option
def run_drift(options: shared.Options, console: Console) -> int:
    """Look, compare, print; the exit code says whether anything differs."""
    desired = gather_desired(options, console)
    if not (desired.items or desired.connections or desired.selections):
        raise fail(
            "nothing-to-compare",
            "The files declare no model and no connection, so no look could find a difference. "
            "Nothing was asked.",
            hint="reconcile discover",
        )
    live = look.gather_live(options, desired, console)
    if console.format == "json":
        sight = live.sight
        console.say(
            drift_json(
                live.findings,
                host=sight.host,
                observed_at=sight.observed.at,
                now=wall_clock(),
                not_checked=sight.not_checked,
            )
        )
    else:
        console.say(live.text(console))
    differing = differs(live.findings)
    severity = Severity.WARNING if differing else Severity.ERROR
    blind = list(look.not_all_checked(live.sight.not_checked, severity=severity))
    console.diagnose(blind)
    if differing:
        return ExitCode.DIFFERS
    return ExitCode.ERROR if blind else 0


# `import`: write into the file what the instance has. The file keeps every byte it had.


@click.command(cls=shared.Command)
@click.argument(
    "patterns", nargs=-1, metavar="[PATTERN]...", help=f"{_PATTERNS} None: choose from a list."
)
@_connection_option
@click.option("--kind", default="SHARED", help="Only models of this kind of Omni's.")
@click.option("--policies", is_flag=True, help="Also their cache policies, after each refresh.")
@click.option("--schedules", is_flag=True, help="Also the native schedules of their connections.")
@click.option("--every", default="24h", metavar="DURATION", help="How often.")
@click.option("--diff", is_flag=True, help="Write nothing; show what it would.")
@shared.file_option
@shared.output_options
@shared.profile_option
def run_import(options: shared.Options, console: Console) -> int:
    """Look, choose, and add what the file lacks."""
    gather_duration(options.every, "--every", "reconcile import '*' --every 24h")
    if options.policies:
        look.require_reader()
    loaded = _load_or_start(options)
    credential = gather_credential(options, loaded.desired)
    patterns = options.patterns or _asked(options, loaded, credential, console)
    now = wall_clock()
    there = mentioned(loaded.sources)
    chosen: list[ObservedModel] = []

    def choose(
        models: tuple[ObservedModel, ...], connections: tuple[ObservedConnection, ...]
    ) -> LookRequest:
        lists = Observed(at=now, models=models, connections=connections)
        chosen.extend(_candidates(lists, loaded, options, patterns))
        places = dict.fromkeys(model.connection_id for model in chosen if model.connection_id)
        asked = discovery.lacking(chosen, there, patterns) if options.policies else ()
        return LookRequest(
            policies_of=tuple(model.model_id for model in asked),
            schedules_of=tuple(places) if options.schedules else (),
        )

    seen = look.look_now(credential, choose, loaded.desired.requests_per_minute, console)
    _require_importable(seen.observed, loaded, options, patterns)
    _require_all_read(seen)
    added = discovery.imported(
        loaded.desired,
        seen.observed,
        chosen,
        there,
        with_schedules=options.schedules,
        patterns=patterns,
    )
    _write(options, added, loaded, console)
    return 0


def _load_or_start(options: shared.Options) -> LoadedFiles:
    """Load what is there; where nothing is, begin as `init` would, and write that with the rest."""
    if any(os.path.lexists(file) for file in options.file):
        return load(options.file, unlocked=True)
    path = file_to_write(options.file[0])
    return load_text(starter_text(), str(path), path.absolute().parent, unlocked=True)


def _require_all_read(seen: LiveLook) -> None:
    """Raise ReconcileError where policies or schedules were asked for and not told."""
    asked_for = [gap for gap in seen.gaps if gap.part in ("policies", "schedules")]
    unread = tuple(look.not_read(asked_for, "Nothing was written.", severity=Severity.ERROR))
    if unread:
        raise ReconcileError(*unread)


def _asked(
    options: shared.Options, loaded: LoadedFiles, credential: Credential, console: Console
) -> Sequence[str]:
    """Show what the file lacks and return the ids that are chosen, for another look at those.

    Asked in between and not inside a look, where an interrupt would wait for the answer.
    """
    require_terminal(console)
    budget = loaded.desired.requests_per_minute
    lists = look.look_now(credential, lambda *_: LookRequest(), budget, console).observed
    _require_importable(lists, loaded, options, ["*"])
    found = _candidates(lists, loaded, options, ["*"])
    new = discovery.lacking(found, mentioned(loaded.sources))
    return [model.model_id for model in choose_models(new, lists, console)]


def _candidates(
    lists: Observed, loaded: LoadedFiles, options: shared.Options, patterns: Sequence[str]
) -> Sequence[ObservedModel]:
    return discovery.candidates(lists, loaded.desired, patterns, options.kind, options.connection)


def _require_importable(
    lists: Observed, loaded: LoadedFiles, options: shared.Options, patterns: Sequence[str]
) -> None:
    wrong = unmatched(
        lists,
        patterns=patterns,
        connection=options.connection,
        kinds=(options.kind,),
        labels=declared_labels(loaded.desired),
        found=lambda pattern: _candidates(lists, loaded, options, [pattern]),
    )
    require_matches("import", wrong, "Nothing was written.")


def _write(options: shared.Options, added: Imported, loaded: LoadedFiles, console: Console) -> None:
    path = file_to_write(options.file[0])
    others = tuple(s for s in loaded.sources if Path(s.name).absolute() != path.absolute())
    file = with_imported(path, added, every=options.every, beside=others)
    console.diagnose(_left_out(added))
    console.diagnose(leaving({one.name: one.model_id for one in added.models}, file, others))
    if options.diff and console.format == "text":
        console.say("\n".join(map(escape_terminal, file.diff() if file.changed else ())))
        return
    if file.changed and not options.diff:
        file.save()
    _say_imported(path, added, console)


def _left_out(added: Imported) -> Iterator[Diagnostic]:
    for model in added.models:
        if model.left_out:
            yield diagnose(
                "policies-left-out",
                f"models.{model.name}: {', '.join(map(quoted, model.left_out))}. A file cannot "
                "hold such a name, or not beside one that looks the same.",
                severity=Severity.WARNING,
            )


def _say_imported(path: Path, added: Imported, console: Console) -> None:
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
    console.say("Nothing is sent before their next slot.")
    console.say(f"Edit the schedules, then run `{console.complete('reconcile plan')}`.")


@click.command(cls=shared.Command)
@shared.file_option
@shared.output_options
@shared.profile_option
def run_lock(options: shared.Options, console: Console) -> int:
    """Look at the instance, write the lock file, and say who joined and who left."""
    opened = open_lock(options.file)
    if not opened.desired.selections:
        raise fail(
            "nothing-to-lock",
            "A lock file lists the models that [[select]] blocks stand for, and the files have no "
            "such block.",
            hint="reconcile import",
        )
    credential = gather_credential(options, opened.desired)
    seen = look.look_now(
        credential, lambda *_: LookRequest(), opened.desired.requests_per_minute, console
    ).observed
    desired = replace(opened.desired, locked=opened.before.models)
    if not discovery.can_tell(desired, Seen.of(seen)):
        raise fail(
            "connections-unseen",
            f"A [[select]] names a connection, and {credential.origin} does not list its "
            "connections to this token. Nothing could match it, and the lock file was left as it "
            "is.",
            hint="Use a token of a connection admin, or name models by `name` alone.",
        )
    empty = discovery.unmatched_selections(desired, Seen.of(seen))
    if mistaken := [one for one in empty if spelled(one) not in opened.before.made_for]:
        raise ReconcileError(*(_selects_nothing(one, seen, Severity.ERROR) for one in mistaken))
    console.diagnose([_selects_nothing(one, seen, Severity.WARNING) for one in empty])
    lock = discovery.lock_of(desired, seen)
    opened.save(lock)
    _say_locked(opened, lock, console)
    return 0


def _say_locked(opened: Relocking, lock: LockFile, console: Console) -> None:
    before = {model.model_id: model for model in opened.before.models}
    after = {model.model_id: model for model in lock.models}
    joined = [model for model_id, model in after.items() if model_id not in before]
    left = [model for model_id, model in before.items() if model_id not in after]
    moved = list(_moved(before, after, declared_ids(opened.desired)))
    if console.format == "json":
        console.say(locked_json(opened.path, len(lock.models), joined, left, moved))
        return
    name = escape_terminal(str(opened.path))
    console.say(f"{name}: {counted(len(lock.models), 'model')}.")
    for sign, models in (("joins", joined), ("leaves", left), ("moves", moved)):
        for model in models:
            title = f'  "{escape_terminal(model.title or "", 80)}"' if model.title else ""
            place = f"  to connection {model.connection or 'unknown'}" if sign == "moves" else ""
            console.say(f"  {sign:<6}  models.{escape_terminal(model.name, 200)}{title}{place}")
    if not (joined or left or moved):
        console.say("Nobody joined and nobody left.")


def _moved(
    before: Mapping[str, LockedModel], after: Mapping[str, LockedModel], ids: Mapping[str, str]
) -> Iterator[LockedModel]:
    """Yield the models that are on another connection. `ids`: what its names stand for now."""
    for model_id, model in after.items():
        was = before.get(model_id, model).connection or ""
        if ids.get(was, was) != (model.connection or ""):
            yield model


def _selects_nothing(selection: Selection, seen: Observed, severity: Severity) -> Diagnostic:
    """Tell of a block that matches no model: of a new one as a mistake, which stops the lock."""
    names = (model.name for model in seen.models or () if model.deleted_at is None)
    told = f"[[select]] number {selection.number} ({escape_terminal(spelled(selection), 200)})"
    left = "The lock file was left as it was." if severity is Severity.ERROR else "It did before."
    return diagnose(
        "select-without-models",
        f"{told} matches no model{near_text(near(selection.name, names))} {left}",
        hint="reconcile discover --brief",
        severity=severity,
    )


# Asking which models to import: a numbered list, and one line for the answer.

_RANGE = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))?")
_TITLE_LIMIT = 60


def require_terminal(console: Console) -> None:
    """Refuse to ask where nobody can answer. Raises ReconcileError `nothing-chosen`."""
    if not console.answers:
        raise fail(
            "nothing-chosen",
            "Models are named on the command line, or chosen from a list at a terminal, "
            "and standard input is not one. Nothing was written.",
            hint="reconcile import 'Sales*'",
        )


def choose_models(
    models: Sequence[ObservedModel], lists: Observed, console: Console
) -> Sequence[ObservedModel]:
    """Show the models and return those that are named; none for an empty answer.

    Raises ReconcileError where the answer names something else.
    """
    if not models:
        return ()
    seen = Seen.of(lists)
    for number, model in enumerate(models, 1):
        place = model.connection_id or ""
        shown = escape_terminal(seen.connection_name(place) or place, _TITLE_LIMIT)
        title = escape_terminal(model.name or model.model_id, _TITLE_LIMIT)
        console.say(f"{number:>4}  {title}  on {shown or 'no connection'}")
    return chosen(console.ask("Which? Numbers, ranges such as 2-5, globs, or * for all: "), models)


def chosen(answer: str, models: Sequence[ObservedModel]) -> Sequence[ObservedModel]:
    """Read an answer. Raises ReconcileError `bad-choice`."""
    picked: set[int] = set()
    for word in answer.replace(",", " ").split():
        found = [n for n, model in enumerate(models) if fits(word, model.name or "")]
        if match := _RANGE.fullmatch(word):
            first, last = int(match[1]), int(match[2] or match[1])
            found = list(range(first - 1, last)) if 1 <= first <= last <= len(models) else []
        if not found:
            raise fail(
                "bad-choice",
                f'"{word[:80]}" is neither a number of the list, nor a range, nor a glob that '
                "matches one of its names. Nothing was written.",
                hint="reconcile import",
            )
        picked.update(found)
    return [model for number, model in enumerate(models) if number in picked]


# Refuses to end well where what was asked for matches nothing.

_LIMIT = 80


def require_matches(command: str, unmatched: Sequence[discovery.Unmatched], nothing: str) -> None:
    """Raise ReconcileError `no-match` for everything that matches nothing.

    `command` completes the hint; `nothing` says what was not done because of it.
    """
    if unmatched:
        raise ReconcileError(*(_no_match(command, one, nothing) for one in unmatched))


def near_text(near: Sequence[str]) -> str:
    """Return `, did you mean "Sales"?`, or a full stop where nothing is near."""
    if not near:
        return "."
    first, *rest = map(quoted, near)
    return f"; near are {', '.join((first, *rest))}." if rest else f"; did you mean {first}?"


def _no_match(command: str, one: discovery.Unmatched, nothing: str) -> Diagnostic:
    shown = escape_terminal(one.pattern, _LIMIT)
    detail = f'No {one.what} of the instance matches "{shown}"'
    ending = near_text(one.near)
    if one.elsewhere:
        does = "does" if one.elsewhere == 1 else "do"
        ending = f", but {one.elsewhere} of another kind or connection, or deleted, {does}."
    hint = "reconcile discover --brief"
    if one.elsewhere:
        hint = "reconcile discover --kind all --deleted --brief"
    elif one.what == "model" and one.near:
        hint = f"reconcile {command} {quote(escape_terminal(one.near[0], _LIMIT))}"
    headline = f"No {one.what} matches"
    return diagnose("no-match", f"{detail}{ending} {nothing}", headline=headline, hint=hint)
