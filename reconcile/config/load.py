"""Loads one desired state, or reports every mistake in it at once."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from msgspec import Struct, field, json
from pydantic import ValidationError

from reconcile.config import merge, toml
from reconcile.config.lower import STATE_NAME, lower
from reconcile.config.refusals import placed, understand
from reconcile.config.tables import Document, ModelTable, Shaped
from reconcile.config.timings import TableReader, UnreadFiles, WatchedFiles
from reconcile.config.values import did_you_mean, fold_name
from reconcile.errors import (
    Diagnostic,
    LeafError,
    Place,
    Problems,
    ReconcileError,
    Severity,
    Where,
    diagnose,
)
from reconcile.model.address import (
    Address,
    OperatorUrl,
    fits,
    quote_key,
    refresh_address,
    settled,
    split_address,
)
from reconcile.model.desired import (
    AfterRefresh,
    Desired,
    Generation,
    Item,
    LockFile,
    Mode,
    RefreshItem,
    ResetItem,
    WhenChanged,
)
from reconcile.model.struct import replace
from reconcile.planning.signals import awaited

START = "Start a file with `reconcile init`, or name another with -f."


class Understood(Struct, frozen=True):
    """Models of one version of the files, for another version that has most of them word by word.

    `around`: what else their items go by, as it is written. By name, of models that stand in one
    file: `written`, how each is; `tables`, what it was checked to be; `items`, what came of it.
    """

    around: bytes = b""
    written: Mapping[str, bytes] = field(default_factory=dict)
    tables: Mapping[str, ModelTable] = field(default_factory=dict)
    items: Mapping[str, Sequence[Item]] = field(default_factory=dict)


UNSHARED = Understood()
"""Nothing is known of another version."""


class LoadedFiles(Struct, frozen=True):
    """A desired state that is free of errors, what to warn of, and the texts it was read from.

    `understood`: where that was to be kept.
    """

    desired: Desired
    warnings: tuple[Diagnostic, ...]
    sources: tuple[toml.Source, ...]
    understood: Understood = UNSHARED


def load(locations: toml.Locations, *, unlocked: bool = False, keep: bool = False) -> LoadedFiles:
    """Load a file, every `*.toml` of a directory, or several of either, as one desired state.

    Names that start with a dot are left out, and directories below are not searched. A file that
    is named twice is read once. `unlocked`: only what is declared by hand, be it nothing,
    whatever a lock file says. `keep`: also what `load_past` takes over. Raise `ReconcileError` with
    all diagnostics of all files, sorted by place.
    """
    refusals: list[Diagnostic] = []
    sources: list[toml.Source] = []
    left = toml.LARGEST
    for path in _list(locations):
        try:
            content = toml.read_bounded(path, left)
            left -= len(content)
            sources.append(
                toml.Source(str(path), toml.decode_text(content), path.absolute().parent)
            )
        except LeafError as error:
            error.hint = START if error.code == "file-not-found" else error.hint
            refusals.append(toml.at_file(error, path))
    return _load_sources(tuple(sources), refusals, unlocked=unlocked, keep=keep)


def load_text(
    text: str,
    name: str,
    directory: Path | None = None,
    *,
    unlocked: bool = False,
    beside: tuple[toml.Source, ...] = (),
) -> LoadedFiles:
    """Load one text as if it were a file of that name in `directory`, by default the current one.

    `beside`: what is one desired state with it. Raise `ReconcileError` as `load` does. Only files
    of `when_changed` are read from disk.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n")
    source = toml.Source(name, lines, (directory or Path()).absolute())
    return _load_sources((source, *beside), [], unlocked=unlocked)


def kept_at(loaded: LoadedFiles, said: OperatorUrl | None) -> Desired:
    """Return the desired state, its own state kept where the operator says, if anybody does.

    Raise `ReconcileError` where files and environment name two places.
    """
    desired = loaded.desired
    if said is None:
        return desired
    default = Path(desired.state_url) == loaded.sources[0].directory / STATE_NAME
    return replace(desired, state_url=settled(desired.state_url, said, default=default))


def load_past(sources: tuple[toml.Source, ...], present: Understood = UNSHARED) -> LoadedFiles:
    """Load texts that held once. Files of `when_changed` are not read: they are of another time.

    `present`: what need not be checked and understood again where it is written alike. Raise
    `ReconcileError` as `load` does.
    """
    return _load_sources(sources, [], UnreadFiles(), known=present)


def _list(locations: toml.Locations) -> tuple[Path, ...]:
    found: list[Path] = []
    refusals: list[Diagnostic] = []
    for location in toml.paths_of(locations):
        try:
            found.extend(toml.list_files(location))
        except LeafError as error:
            refusals.append(toml.at_file(error, location))
    if refusals:
        raise ReconcileError(*refusals)
    return toml.once(found)


def _load_sources(
    sources: tuple[toml.Source, ...],
    refusals: list[Diagnostic],
    watched: WatchedFiles | None = None,
    *,
    unlocked: bool = False,
    keep: bool = False,
    known: Understood = UNSHARED,
) -> LoadedFiles:
    problems = Problems()
    locks = [source for source in sources if merge.is_lock(source)]
    sources = tuple(source for source in sources if not merge.is_lock(source))
    if locks and not sources:
        detail = f"{merge.LOCK_NAME} lists models and declares nothing about them."
        refusals.append(diagnose("no-files", detail, places=(Place(locks[0].name),)))
    parsed = _parse(sources, refusals)
    if not parsed:
        raise ReconcileError(*refusals)
    shared = _shared(known, parsed)
    files = tuple(
        replace(_shape(number, raw, problems, shared.tables), complete=not refusals)
        for number, raw in parsed.items()
    )
    lock = merge.UNLOCKED if unlocked else _lock(sources, files, locks, past=watched)
    gathered = merge.gather(files, problems)
    reader = TableReader(sources, problems, watched or WatchedFiles())
    desired = lower(reader, gathered, lock, shared.items)
    check_names(gathered.models, problems)
    if not refusals:
        check_items(desired, gathered, files, problems, may_be_empty=lock is merge.UNLOCKED)
    found = placed(problems, *sources) if problems else []
    if problems.left_out:
        detail = f"{problems.left_out:,} more problems were found and are not shown."
        refusals.append(diagnose("more-problems", detail, places=(Place(sources[0].name),)))
    errors = [d for d in found if d.severity is Severity.ERROR]
    if errors or refusals:
        raise ReconcileError(*_sorted([*refusals, *found]))
    understood = _understood(parsed, files, desired) if keep else UNSHARED
    return LoadedFiles(desired, _sorted(found), sources, understood)


def _shape(
    source: int, raw: dict[str, Any], problems: Problems, shared: Mapping[str, ModelTable]
) -> Shaped:
    models = raw.get("models")
    try:
        if not (shared and isinstance(models, dict)):
            return Shaped(source, Document.model_validate(raw))
        own = {name: table for name, table in models.items() if name not in shared}
        document = Document.model_validate(raw | {"models": own})
        checked = {**shared, **(document.models or {})}
        document = document.model_copy(update={"models": {name: checked[name] for name in models}})
        return Shaped(source, document)
    except ValidationError as error:
        return understand(source, raw, error, problems)


# What two versions have word by word is checked and understood once.

_AROUND = ("defaults", "connections")


def _understood(
    parsed: Mapping[int, dict[str, Any]], files: Iterable[Shaped], desired: Desired
) -> Understood:
    """Return what can be taken over: watched files hold something else in each version."""
    watching = {
        item.model for item in desired.items if isinstance(item.timing.cadence, WhenChanged)
    }
    items: dict[str, list[Item]] = defaultdict(list)
    for item in desired.items:
        if item.model not in watching:
            items[item.model].append(item)
    tables = {name: table for file in files for name, table in (file.document.models or {}).items()}
    return Understood(_around(parsed), _written(parsed), tables, items)


def _shared(known: Understood, parsed: Mapping[int, dict[str, Any]]) -> Understood:
    """Return what is known of the models that are written alike, with all that they go by."""
    if not known.written or _around(parsed) != known.around:
        return UNSHARED
    alike = [
        name
        for name, words in _written(parsed).items()
        if name in known.items and words and known.written.get(name) == words
    ]
    return Understood(
        tables={name: known.tables[name] for name in alike},
        items={name: known.items[name] for name in alike},
    )


def _around(parsed: Mapping[int, dict[str, Any]]) -> bytes:
    return _words([raw[key] for raw in parsed.values() for key in _AROUND if key in raw])


def _written(parsed: Mapping[int, dict[str, Any]]) -> dict[str, bytes]:
    """Return how each model is written that stands in one file."""
    files = [models for raw in parsed.values() if isinstance(models := raw.get("models"), dict)]
    counts = Counter(chain.from_iterable(files))
    return {
        name: _words(table)
        for models in files
        for name, table in models.items()
        if counts[name] == 1
    }


def _words(table: object) -> bytes:
    """Spell a table so that 1, 1.0 and true differ; in no words if it holds what no table can."""
    try:
        return json.encode(table)
    except OverflowError:
        return b""


def _lock(
    sources: tuple[toml.Source, ...],
    files: tuple[Shaped, ...],
    found: list[toml.Source],
    *,
    past: WatchedFiles | None,
) -> LockFile | None:
    """Return what the lock file says, where a file needs one; of the past, only what was given."""
    selecting = [file for file in files if file.document.select]
    if not selecting:
        return None
    directory = sources[selecting[0].source].directory
    beside = next((lock for lock in found if lock.directory == directory), None)
    if beside is None and past is None:
        beside = merge.read_lock(directory)
    return merge.decode_lock(beside) if beside else None


def _parse(
    sources: tuple[toml.Source, ...], refusals: list[Diagnostic]
) -> dict[int, dict[str, Any]]:
    """Return what each source that is valid TOML holds; keep why the others are not."""
    parsed: dict[int, dict[str, Any]] = {}
    for number, source in enumerate(sources):
        try:
            parsed[number] = toml.parse_source(source)
        except ReconcileError as error:
            refusals.extend(error.diagnostics)
    return parsed


def _sorted(diagnostics: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    ordered = [(it.places[0], it) for it in diagnostics]
    ordered.sort(key=lambda pair: (pair[0].file, pair[0].line or 0, pair[0].column or 0))
    return tuple(it for _, it in ordered)


# How items stand to each other: who waits for whom, and who would make the same call.


LONGEST_RING = 50
MOST_COMPARED = 1_000
MOST_SUGGESTIONS = 20
"""Nearness is slow to tell and a courtesy: it is for a few names, each among not too many."""


def check_items(
    desired: Desired,
    gathered: merge.Gathered,
    files: tuple[Shaped, ...],
    problems: Problems,
    *,
    may_be_empty: bool = False,
) -> None:
    """Keep a problem for everything that is sound by itself and not beside the rest."""
    _check_targets(desired, gathered, problems)
    _check_after(desired, gathered, files, problems)
    if desired.generation is Generation.LEGACY:
        _check_legacy(desired, gathered, problems)
    declared = desired.items or desired.connections or desired.selections or gathered.models
    if not (declared or may_be_empty or problems):
        detail = "No refresh and no cache reset is declared, so there is nothing to do."
        hint = "reconcile init --model NAME=UUID"
        problems.add("declares-nothing", Where(0, ()), detail, hint, Severity.WARNING)
    _warn_of_webhooks(desired, gathered, problems)
    _warn_of_followers(desired, gathered, problems)
    _warn_of_idle_models(gathered, problems)
    _warn_of_idle_freezes(desired, gathered, problems)


def find_cycle(waits_for: Mapping[Address, Address], start: Address) -> tuple[Address, ...]:
    """Follow who waits for whom from `start`; return the ring it is part of, or nothing.

    A ring longer than `LONGEST_RING` is not found: whoever is part of one is refused anyway.
    """
    ring = [start]
    address = waits_for.get(start)
    while address is not None and address not in ring and len(ring) < LONGEST_RING:
        ring.append(address)
        address = waits_for.get(address)
    return tuple(ring) if address == start else ()


def place_of(address: Address, gathered: merge.Gathered) -> Where:
    """Return where an item is declared."""
    match split_address(address):
        case ("models", name, "cache", policy):
            return gathered.models[name].policies[policy].where
        case ("models", name, _):
            model = gathered.models[name]
            return (model.own.where if model.own else model.first).value("refresh")
        case _:
            return Where(0, ())


def _check_targets(desired: Desired, gathered: merge.Gathered, problems: Problems) -> None:
    ids = {item.model: item.model_id for item in desired.items}
    if len(set(ids.values())) == len(ids):
        return
    met: dict[tuple[str | None, ...], Address] = {}
    for item in desired.items:
        match item:
            case RefreshItem():
                target: tuple[str | None, ...] = (item.model_id, "refresh", item.branch_id)
                what = "refresh the same model and branch"
            case ResetItem():
                target = (item.model_id, "cache", item.policy)
                what = "reset the same policy of the same model"
        first = met.setdefault(target, item.address)
        if first != item.address and item.model_id:
            problems.add(
                "same-target",
                (place_of(item.address, gathered).table(), place_of(first, gathered).table()),
                f"`{item.address}` and `{first}` {what}: their models have the same id.",
                "Keep one of the two, or correct the id of one of the models.",
            )


def _check_after(
    desired: Desired, gathered: merge.Gathered, files: tuple[Shaped, ...], problems: Problems
) -> None:
    resets = [item for item in desired.items if isinstance(item, ResetItem)]
    met = {item.address for item in desired.items if isinstance(item, RefreshItem)}
    waits_for = {item.address: item.after for item in resets if item.after}
    if met.issuperset(waits_for.values()):
        return
    if any(not file.is_whole() or not file.is_whole("models") for file in files):
        return
    refreshes = {
        refresh_address(name)
        for name, model in gathered.models.items()
        if not model.whole or (model.own and model.own.table.refresh)
    }
    names = [n for n, m in gathered.models.items() if m.own and m.own.table.refresh]
    suggested = 0
    for address, after in waits_for.items():
        if after in refreshes or problems.is_full:
            continue
        where = place_of(address, gathered).value("after")
        keys = split_address(after) or ()
        if len(keys) != len(("models", "name", "refresh")):
            _refuse_reset(waits_for, address, where, problems)
        else:
            detail = f"No file declares `{after}`, so this reset would wait for ever."
            hint = None
            if suggested < MOST_SUGGESTIONS:
                alike = [name for name in names if abs(len(name) - len(keys[1])) <= 2]  # noqa: PLR2004
                near = map(refresh_address, alike[:MOST_COMPARED])
                hint = did_you_mean(refresh_address(keys[1]), near)
            suggested += 1
            problems.add("after-not-declared", where, detail, hint)


def _refuse_reset(
    waits_for: Mapping[Address, Address], address: Address, where: Where, problems: Problems
) -> None:
    if ring := find_cycle(waits_for, address):
        detail = f"These wait for each other: {' -> '.join((*ring, address))}."
        problems.add("after-cycle", where, detail, "Let one of them follow a refresh instead.")
        return
    problems.add(
        "after-not-a-refresh",
        where,
        f"`{waits_for[address]}` is a cache reset, and only a refresh has an end to wait for.",
        'Name a refresh, for instance after = "models.sales.refresh".',
    )


def _check_legacy(desired: Desired, gathered: merge.Gathered, problems: Problems) -> None:
    for item in desired.items:
        if isinstance(item, RefreshItem) and (item.mode is Mode.SOFT or item.branch_id):
            what = "is soft" if item.mode is Mode.SOFT else "is on a branch"
            problems.add(
                "legacy-refresh-is-hard",
                place_of(item.address, gathered).table(),
                f"This refresh {what}, and the legacy call can only refresh a whole model, hard.",
                'Use api = "v1" in [omni], or make the refresh hard.',
            )


# What is allowed and still hardly meant.


def _warn_of_webhooks(desired: Desired, gathered: merge.Gathered, problems: Problems) -> None:
    """Warn of a webhook whose signal no item awaits: most likely one of the two is misspelt."""
    known = awaited(desired) if gathered.signals else ()
    for name, said in gathered.signals.items():
        if name not in known:
            problems.add(
                "signal-awaited-by-none",
                said.where.table(),
                f'No item has on_signal = "{name}", so nothing falls due when it comes.',
                severity=Severity.WARNING,
            )


def _warn_of_followers(desired: Desired, gathered: merge.Gathered, problems: Problems) -> None:
    stopped = {
        item.address
        for item in desired.items
        if isinstance(item, RefreshItem) and item.timing.pause and not item.timing.pause.until
    }
    legacy = desired.generation is Generation.LEGACY
    if not stopped and not legacy:
        return
    for item in desired.items:
        if not isinstance(item, ResetItem) or item.after is None:
            continue
        where = gathered.models[item.model].policies[item.policy].where.value("after")
        if isinstance(item.timing.cadence, AfterRefresh) and item.after in stopped:
            detail = (
                f"`{item.after}` is paused without an end, so its completion never comes and this "
                "reset never runs."
            )
            problems.add("never-runs", where, detail, None, Severity.WARNING)
        elif legacy:
            detail = (
                f"`{item.after}` counts as completed once the legacy API accepts it, and this "
                "reset may come before it has really ended."
            )
            hint = 'Use api = "v1" in [omni] if the instance has it.'
            problems.add("after-not-observed", where, detail, hint, Severity.WARNING)


def _warn_of_idle_models(gathered: merge.Gathered, problems: Problems) -> None:
    for name, model in gathered.models.items():
        own = model.own.table if model.own else None
        idle = not model.policies and not (own and (own.refresh or own.cache is not None))
        if idle and model.whole:
            detail = f'The model "{name}" has neither a refresh nor a cache policy.'
            hint = f'Add [models.{quote_key(name)}.refresh] with, for instance, every = "24h".'
            problems.add("model-without-items", model.first.table(), detail, hint, Severity.WARNING)


def _warn_of_idle_freezes(desired: Desired, gathered: merge.Gathered, problems: Problems) -> None:
    """Compare globs with addresses as planning does: `*` also matches dots."""
    for said in gathered.freezes:
        for number, glob in enumerate(said.table.match):
            if desired.items and not any(fits(glob, item.address) for item in desired.items):
                detail = f'"{glob}" fits no declared address.'
                where: Where = said.where.value("match", number)
                problems.add("freeze-matches-nothing", where, detail, None, Severity.WARNING)


# Names that look the same to people, or to Omni, may not stand side by side.


def check_names(models: Mapping[str, merge.GatheredModel], problems: Problems) -> None:
    """Keep a problem for every name that folds to one met before."""
    if _look_alike(models):
        _check(((name, model.first) for name, model in models.items()), problems)
    # Most models have the same policies: each set of names is looked at once.
    alike = {names for names in {tuple(m.policies) for m in models.values()} if _look_alike(names)}
    for model in models.values() if alike else ():
        if tuple(model.policies) in alike:
            _check(((policy, said.where) for policy, said in model.policies.items()), problems)


def _look_alike(names: Collection[str]) -> bool:
    """Tell whether any two do, which hardly ever is so and need not be looked for one by one."""
    return len(set(map(fold_name, names))) < len(names)


def _check(names: Iterable[tuple[str, Where]], problems: Problems) -> None:
    met: dict[str, tuple[str, Where]] = {}
    for name, where in names:
        folded = fold_name(name)
        if folded not in met:
            met[folded] = (name, where)
            continue
        first, place = met[folded]
        detail = f'"{name}" and "{first}" are different names that look the same.'
        problems.add("same-name", (where.table(), place.table()), detail)
