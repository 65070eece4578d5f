"""Names that look the same to people, or to Omni, may not stand side by side."""

from collections.abc import Collection, Iterable, Mapping

from reconcile.config.gathering import GatheredModel
from reconcile.config.names import fold_name
from reconcile.config.problems import Problems, Where


def check_names(models: Mapping[str, GatheredModel], problems: Problems) -> None:
    """Keep a problem for every name that folds to one met before."""
    if _look_alike(models):
        _check(((name, model.first) for name, model in models.items()), problems)
    for model in models.values():
        if len(model.policies) > 1 and _look_alike(model.policies):
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
