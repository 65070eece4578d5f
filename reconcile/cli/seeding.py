"""Making an embedded Omni server in which everything that the files declare exists."""

from reconcile.model.desired import Desired
from reconcile.sandbox.fault_grammar import parse_faults
from reconcile.sandbox.instance import Settings
from reconcile.sandbox.seeding import seeds_of
from reconcile.sandbox.world import World


def make_world(desired: Desired, faults: str) -> World:
    """Seed a world with the declared models, connections, branches and policies."""
    parsed = parse_faults(faults)
    settings = Settings(requests_per_minute=desired.requests_per_minute, seed=parsed.seed or 0)
    return World.from_models(seeds_of(desired), settings=settings, faults=parsed)
