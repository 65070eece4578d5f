"""Templates that stand for every model of a kind, and which models that is."""

from reconcile.model.noun import noun


@noun(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which models of the instance one `[[select]]` of the files stands for.

    `name`: a glob over Omni's names. `kind`: Omni's word. `connection`: a glob over Omni's name or
    id of the connection, or the files' own name of it; None for any. `number` counts from 1.
    """

    number: int
    name: str = "*"
    kind: str = "SHARED"
    connection: str | None = None


@noun(frozen=True, slots=True, kw_only=True)
class LockedModel:
    """A model that a selection stood for when the lock file was written.

    `name`: what the addresses call it; `title`: Omni's name of it. `connection`: Omni's id, or
    the files' own name where they say whose id it is.
    """

    name: str
    model_id: str
    selection: int
    title: str | None = None
    connection: str | None = None


@noun(frozen=True, slots=True)
class Lock:
    """The lock file: for which selections it was written, and the models they stood for."""

    made_for: tuple[str, ...] = ()
    models: tuple[LockedModel, ...] = ()


def spelled(selection: Selection) -> str:
    """Spell a selection in one line, equal for equal meaning; the lock file is bound to it."""
    where = f" on {selection.connection}" if selection.connection is not None else ""
    return f"{selection.kind} {selection.name}{where}"
