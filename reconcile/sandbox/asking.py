"""An admitted request: what a rule gets to see once it is known who asks for what."""

from dataclasses import dataclass

from reconcile.model.desired import Generation
from reconcile.sandbox.faults import Fate
from reconcile.sandbox.instance import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request past the door.

    `parameters`: the decoded parts of the path. `ordinal`: how many requests of this kind were
    made about the same thing, this one included. `fate`: the faults that befall it.
    """

    generation: Generation
    parameters: dict[str, str]
    query: tuple[tuple[str, str], ...]
    body: bytes
    token: Token
    ordinal: int
    fate: Fate
