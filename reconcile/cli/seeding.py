"""Making an embedded Omni server in which everything that the files declare exists."""

from collections import defaultdict
from collections.abc import Iterable

from reconcile.model.desired import Desired, RefreshItem, ResetItem
from reconcile.sandbox.fault_grammar import parse_faults
from reconcile.sandbox.instance import Settings
from reconcile.sandbox.seeding import SeedModel
from reconcile.sandbox.world import World


def make_world(desired: Desired, faults: str) -> World:
    """Seed a world with the declared models, connections, branches and policies."""
    parsed = parse_faults(faults)
    settings = Settings(requests_per_minute=desired.requests_per_minute, seed=parsed.seed or 0)
    return World.from_models(_seeds(desired), settings=settings, faults=parsed)


def _seeds(desired: Desired) -> Iterable[SeedModel]:
    policies: dict[str, list[str]] = defaultdict(list)
    refreshes: dict[str, RefreshItem] = {}
    names: dict[str, str] = {}
    for item in desired.items:
        names[item.model_id] = item.model
        match item:
            case RefreshItem():
                refreshes[item.model_id] = item
            case ResetItem():
                policies[item.model_id].append(item.policy)
    for model_id, name in names.items():
        refresh = refreshes.get(model_id)
        yield SeedModel(
            name=name,
            id=model_id,
            connection=refresh.connection if refresh else None,
            policies=tuple(policies[model_id]),
            branch_id=refresh.branch_id if refresh else None,
        )
