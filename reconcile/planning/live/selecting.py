"""Which models of an instance the `[[select]]` blocks stand for, under which names."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from reconcile.model.desired import Desired, Lock, LockedModel, Selection, spelled
from reconcile.model.drift import Finding, SelectionJoined, SelectionLeft
from reconcile.model.observed import Observed, ObservedModel
from reconcile.planning.live.connections import declared_ids
from reconcile.planning.live.seen import Seen, addresses_of

LONGEST_SLUG = 60

_NOT_PLAIN = re.compile(r"[^a-z0-9]+")


def lock_of(desired: Desired, observed: Observed) -> Lock:
    """Return what the lock file should hold. A model keeps the name that it is locked under.

    A model that is declared by hand is not selected; of several blocks the first counts.
    """
    seen = Seen.of(observed)
    labels = {place: label for label, place in declared_ids(desired).items()}
    known = {model.model_id: model.name for model in desired.locked}
    by_hand = (name for name, _ in desired.by_hand)
    taken = {folded(name) for name in (*known.values(), *by_hand)}
    chosen = [
        LockedModel(
            name=known.get(model_id) or take_name(model.name, model_id, taken),
            model_id=model_id,
            selection=selection.number,
            title=model.name,
            connection=_label(model, labels),
        )
        for model_id, model, selection in _chosen(desired, seen)
    ]
    made_for = tuple(spelled(selection) for selection in desired.selections)
    return Lock(made_for, tuple(sorted(chosen, key=lambda model: model.name)))


def selection_findings(desired: Desired, seen: Seen) -> Iterator[Finding]:
    """Yield the models that a new lock file would add or leave out."""
    if not can_tell(desired, seen):
        return
    matched = {model_id: model for model_id, model, _ in _chosen(desired, seen)}
    locked = {model.model_id: model for model in desired.locked}
    for model_id in matched.keys() - locked.keys():
        yield SelectionJoined(addresses=(), model_id=model_id, name=matched[model_id].name)
    for model_id in locked.keys() - matched.keys():
        model = locked[model_id]
        items = (item for item in desired.items if item.model == model.name)
        yield SelectionLeft(addresses=addresses_of(items), model_id=model_id, name=model.name)


def can_tell(desired: Desired, seen: Seen) -> bool:
    """Tell whether enough was seen to say which models match: some blocks name a connection."""
    by_connection = any(selection.connection is not None for selection in desired.selections)
    return seen.models is not None and not (by_connection and seen.connections is None)


def matching(
    models: Iterable[ObservedModel], selection: Selection, seen: Seen, labels: Mapping[str, str]
) -> Iterator[ObservedModel]:
    """Yield the models that a selection stands for. `labels`: the files' names of connections."""
    for model in models:
        if model.deleted_at is None and (model.kind or "").upper() == selection.kind.upper():
            place = (model.connection_id or "").lower()
            names = (place, seen.connection_name(place), labels.get(place))
            if fnmatchcase(model.name or "", selection.name) and _on(selection.connection, names):
                yield model


def folded(name: str) -> str:
    """Spell alike the names that could be taken for one."""
    return name.casefold().rstrip(".")


def take_name(title: str | None, model_id: str, taken: set[str]) -> str:
    """Make a name for addresses out of Omni's, unlike any in `taken` (folded), and add it there."""
    name = slug(title) or f"model_{model_id[:8]}"
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name}_{number}"
    taken.add(unique)
    return unique


def slug(title: str | None) -> str:
    """Reduce a name to what a TOML key and a shell take without quotes; empty if nothing is left.

    `Ventes (Île-de-France)` becomes `ventes_ile_de_france`.
    """
    decomposed = unicodedata.normalize("NFKD", (title or "")[: 4 * LONGEST_SLUG])
    plain = decomposed.encode("ascii", "ignore").decode().lower()
    return _NOT_PLAIN.sub("_", plain)[:LONGEST_SLUG].strip("_")


def _chosen(desired: Desired, seen: Seen) -> Iterator[tuple[str, ObservedModel, Selection]]:
    """Yield each model once, ordered by Omni's name of it, with the block that matches first."""
    labels = {place: label for label, place in declared_ids(desired).items()}
    models = sorted((seen.models or {}).items(), key=lambda pair: (pair[1].name or "", pair[0]))
    met = {model_id for _, model_id in desired.by_hand}
    for selection in desired.selections:
        matched = {id(m) for m in matching((m for _, m in models), selection, seen, labels)}
        for model_id, model in models:
            if id(model) in matched and model_id not in met:
                met.add(model_id)
                yield model_id, model, selection


def _label(model: ObservedModel, labels: Mapping[str, str]) -> str | None:
    place = (model.connection_id or "").lower()
    return labels.get(place) or place or None


def _on(wanted: str | None, names: Collection[str | None]) -> bool:
    return wanted is None or any(fnmatchcase(name, wanted) for name in names if name)
