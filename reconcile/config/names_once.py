"""Names that look the same to people, or to Omni, may not stand side by side."""

from collections.abc import Collection, Iterable, Mapping

from reconcile.config.gathering import GatheredModel
from reconcile.config.names import fold_name
from reconcile.config.problems import Problems, Where


def check_names(models: Mapping[str, GatheredModel], problems: Problems) -> None:
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
