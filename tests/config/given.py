"""Texts to load, and what came of them."""

from reconcile.config.load import LoadedFiles, load_text
from reconcile.errors import Diagnostic, ReconcileError
from reconcile.model.desired import Item

ID = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"
OTHER_ID = "5d0f7a52-64b3-4c1c-9d0e-2f6a51a3b7c4"


def loaded(text: str) -> LoadedFiles:
    return load_text(text, "reconcile.toml")


def refused(text: str) -> tuple[Diagnostic, ...]:
    try:
        found = load_text(text, "reconcile.toml")
    except ReconcileError as error:
        return error.diagnostics
    raise AssertionError(found)


def codes(text: str) -> list[str]:
    return [diagnostic.code for diagnostic in refused(text)]


def sales(refresh: str = 'every = "6h"', **policies: str) -> str:
    caches = "".join(f"[models.sales.cache.{name}]\n{keys}\n" for name, keys in policies.items())
    return f'[models.sales]\nid = "{ID}"\n[models.sales.refresh]\n{refresh}\n{caches}'


def items(text: str) -> dict[str, Item]:
    return {str(item.address): item for item in loaded(text).desired.items}


def only(text: str) -> Item:
    (item,) = loaded(text).desired.items
    return item
