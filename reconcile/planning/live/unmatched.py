"""What a person asked for by a pattern that nothing of the instance answers to. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from reconcile.model.desired import Desired, Selection
from reconcile.model.noun import noun
from reconcile.model.observed import Observed, ObservedModel
from reconcile.planning.live.connections import declared_ids
from reconcile.planning.live.seen import Seen, plain
from reconcile.planning.live.selecting import matching

_GLOB = re.compile(r"\[[^\]]*\]|[*?]")
_MOST_NEAR = 3


@noun(frozen=True, slots=True, kw_only=True)
class Unmatched:
    """A pattern that no `what` matches. `near`: names probably meant, the nearest first.

    `elsewhere`: how many models match it, and were left out for their kind, their connection, or
    because they are deleted.
    """

    what: str
    pattern: str
    near: tuple[str, ...] = ()
    elsewhere: int = 0


def unmatched(
    observed: Observed,
    *,
    patterns: Iterable[str],
    connection: str | None,
    kinds: Iterable[str],
    labels: Mapping[str, str],
    found: Callable[[str], Sequence[ObservedModel]],
) -> tuple[Unmatched, ...]:
    """Return what was asked for and matches nothing: a connection, a kind, or else patterns.

    `found`: the models that one pattern stands for, among those of the connection and the kinds.
    `labels`: the files' names of connections, by id. What was not listed concludes nothing.
    """
    told = (*_connection(connection, observed, labels), *_kinds(kinds, observed))
    return told or tuple(
        Unmatched(
            what="model",
            pattern=pattern,
            near=near(pattern, (m.name for m in observed.models or () if m.deleted_at is None)),
            elsewhere=sum(_is_named(model, pattern) for model in observed.models or ()),
        )
        for pattern in patterns
        if not found(pattern)
    )


def unmatched_selections(desired: Desired, seen: Seen) -> tuple[Selection, ...]:
    """Return the `[[select]]` blocks that match no model, be it declared by hand or not."""
    labels = {place: label for label, place in declared_ids(desired).items()}
    models = (seen.models or {}).values()
    return tuple(
        selection
        for selection in desired.selections
        if next(matching(models, selection, seen, labels), None) is None
    )


def near(pattern: str, names: Iterable[str | None]) -> tuple[str, ...]:
    """Return the names that a pattern was probably meant for; case, blanks and signs are ignored.

    A name that holds what the pattern spells out is nearer than one that is only spelled alike.
    """
    wanted = plain(_GLOB.sub("", pattern[:200]))
    by_plain = {plain(name): name for name in sorted(filter(None, names), reverse=True)}
    if not wanted:
        return ()
    holding = sorted((name for name in by_plain if wanted in name), key=lambda it: (len(it), it))
    alike = get_close_matches(wanted, by_plain, n=_MOST_NEAR, cutoff=0.6)
    nearest = list(dict.fromkeys((*holding, *alike)))[:_MOST_NEAR]
    return tuple(by_plain[name] for name in nearest)


def _connection(
    pattern: str | None, observed: Observed, labels: Mapping[str, str]
) -> Iterator[Unmatched]:
    if pattern is None or observed.connections is None:
        return
    listed = [(place.name, place.connection_id) for place in observed.connections]
    used = [(None, model.connection_id) for model in observed.models or () if model.connection_id]
    own = [(label, place) for place, label in labels.items()]
    known = (*listed, *used, *own)
    if not any(_answers(pattern, name, identity) for name, identity in known):
        yield Unmatched(
            what="connection", pattern=pattern, near=near(pattern, (name for name, _ in known))
        )


def _kinds(kinds: Iterable[str], observed: Observed) -> Iterator[Unmatched]:
    known = {model.kind.upper(): model.kind for model in observed.models or () if model.kind}
    for kind in kinds:
        if kind.upper() not in known:
            yield Unmatched(what="kind of model", pattern=kind, near=near(kind, known.values()))


def _is_named(model: ObservedModel, pattern: str) -> bool:
    return _answers(pattern, model.name, model.model_id)


def _answers(pattern: str, name: str | None, identity: str) -> bool:
    by_id = fnmatchcase(identity.lower(), pattern.lower())
    return by_id or fnmatchcase(name or "", pattern)
