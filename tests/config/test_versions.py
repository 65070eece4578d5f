"""An earlier version is read beside the present one: what both have is understood once."""

from pathlib import Path

import pytest

from reconcile.config.load import UNSHARED, Understood, load, load_past
from reconcile.config.toml import Source
from reconcile.errors import Diagnostic, ReconcileError
from reconcile.model.desired import Desired

PRESENT = """
[defaults]
timezone = "Europe/Berlin"
refresh = { every = "6h", hold_after = 1 }
[connections.dwh]
id = "00000000-0000-4000-8000-0000000000aa"
[models.sales]
id = "00000000-0000-4000-8000-000000000001"
connection = "00000000-0000-4000-8000-0000000000aa"
refresh = { hold_after = 1 }
cache.daily = { at = "06:00", after = "models.sales.refresh" }
[models.ops]
id = "00000000-0000-4000-8000-000000000002"
refresh = { when_changed = ["made.json"] }
[models.crm]
id = "00000000-0000-4000-8000-000000000003"
cache.daily = { at = "06:00" }
"""


def beside(tmp_path: Path, *texts: str) -> tuple[Understood, tuple[Source, ...]]:
    """Load the present version, and return the texts of another that stands in its place."""
    (tmp_path / "made.json").write_text("{}")
    (tmp_path / "a.toml").write_text(PRESENT)
    sources = tuple(Source(f"HEAD:{n}.toml", text, tmp_path) for n, text in enumerate(texts))
    return load(tmp_path / "a.toml", keep=True).understood, sources


def read(
    sources: tuple[Source, ...], present: Understood = UNSHARED
) -> Desired | tuple[Diagnostic, ...]:
    try:
        return load_past(sources, present).desired
    except ReconcileError as error:
        return error.diagnostics


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ('"06:00" }\n', '"07:00" }\n'),
        ("Europe/Berlin", "America/New_York"),
        ("6h", "5h"),
        ("{ hold_after = 1 }", "{ hold_after = true }"),
        ("{ hold_after = 1 }", "{ hold_after = 99999999999999999999 }"),
        ("[connections.dwh]", "[connections.lake]"),
        ("[models.sales]", "[models.Ops]"),
        ("00000000003", "00000000001"),
        ('"06:00" }\n', '"06:00", afer = "models.sales.refresh" }\n'),
        ('cache.daily = { at = "06:00" }', ""),
        ("[models.crm]", "models = 1\n[other.crm]"),
    ],
)
def test_a_version_reads_the_same_beside_another_as_alone(
    tmp_path: Path, old: str, new: str
) -> None:
    present, sources = beside(tmp_path, PRESENT.replace(old, new))
    assert read(sources, present) == read(sources)


def test_a_model_that_stood_in_two_files_reads_the_same(tmp_path: Path) -> None:
    head, crm, tail = PRESENT.partition('cache.daily = { at = "06:00" }\n')
    present, sources = beside(tmp_path, head + tail, f"[models.crm]\n{crm}")
    assert read(sources, present) == read(sources)


def test_what_both_versions_have_is_the_same_item_but_for_watched_files(tmp_path: Path) -> None:
    present, sources = beside(tmp_path, PRESENT.replace('"06:00" }\n', '"07:00" }\n'))
    taken = {item.address for items in present.items.values() for item in items}
    both = load_past(sources, present).desired.items
    same = [item.address for item in both if any(item is of for of in present.items[item.model])]
    assert taken - set(same) == {"models.crm.cache.daily"}
    assert "models.ops.refresh" not in taken
