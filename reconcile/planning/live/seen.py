"""What was observed, made to be looked up. An absence proves nothing unless the part was seen."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconcile.model.address import Address
from reconcile.model.desired import Item
from reconcile.model.observed import Observed, ObservedConnection, ObservedModel

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Seen:
    """An observation by id. None: that part was not seen, and nothing follows from it."""

    models: Mapping[str, ObservedModel] | None
    connections: Mapping[str, ObservedConnection] | None
    policies: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, observed: Observed) -> "Seen":
        """Index an observation. Ids are compared in lower case: UUIDs have two spellings."""
        models, connections = observed.models, observed.connections
        return cls(
            None if models is None else {m.model_id.lower(): m for m in models},
            None if connections is None else {c.connection_id.lower(): c for c in connections},
            {model_id.lower(): names for model_id, names in observed.policies.items()},
        )

    def there(self, model_id: str) -> ObservedModel | None:
        """Return a model that is listed and not deleted."""
        model = (self.models or {}).get(model_id.lower())
        return model if model is not None and model.deleted_at is None else None

    def lives_on(self, model_id: str) -> str | None:
        """Return the id of the connection below a model, where it is known."""
        model = self.there(model_id)
        return model.connection_id.lower() if model and model.connection_id else None

    def connection_name(self, connection_id: str) -> str | None:
        """Return Omni's name of a connection, where it is known."""
        found = (self.connections or {}).get(connection_id.lower())
        return found.name if found else None

    def alike(self, name: str) -> str | None:
        """Return the id of the one shared model whose name reads like a name in the files."""
        wanted = plain(name)
        ids = [
            model_id
            for model_id, model in (self.models or {}).items()
            if model.deleted_at is None and model.kind != "BRANCH" and plain(model.name) == wanted
        ]
        return ids[0] if wanted and len(ids) == 1 else None


def plain(name: str | None) -> str:
    """Reduce a name to its letters and digits, as people would compare two."""
    return "".join(filter(str.isalnum, (name or "").casefold()))


def is_id(text: str) -> bool:
    """Tell whether a connection is given by Omni's id rather than by a name of the user's own."""
    return _UUID.fullmatch(text) is not None


def by_model(items: Iterable[Item]) -> Mapping[str, Sequence[Item]]:
    """Group items by the id of their model, in lower case."""
    grouped: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        grouped[item.model_id.lower()].append(item)
    return grouped


def addresses_of(items: Iterable[Item]) -> tuple[Address, ...]:
    """List addresses, sorted."""
    return tuple(sorted(item.address for item in items))
