"""The published schema of `fleet.toml`, beside what loading it says."""

import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from reconcile.config.fleet import fleet_schema, load_fleet
from reconcile.errors import ReconcileError

SCHEMA = fleet_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
RIGHT = (
    '[instances.acme]\nfile = "acme"\n',
    '[fleet]\nlook_every = "15s"\nsilent_after = "1m"\n[instances.acme]\nfile = "acme"\n',
    '[instances.acme]\nfile = "acme"\nstate = "s3://states/acme"\ncredential = "agency"\n',
)
WRONG = (
    "[instances.acme]\n",
    '[instances.acme]\nfile = ""\n',
    '[instances.acme]\nfile = "acme"\ntoken = "x"\n',
    '[fleet]\nlook_every = "7s"\n[instances.acme]\nfile = "acme"\n',
    '[fleet]\nsilent_after = "soon"\n[instances.acme]\nfile = "acme"\n',
    '[fleets]\n[instances.acme]\nfile = "acme"\n',
)


def loads(text: str, folder: Path) -> bool:
    (folder / "fleet.toml").write_text(text)
    try:
        load_fleet(folder / "fleet.toml")
    except ReconcileError:
        return False
    return True


def test_it_is_itself_valid() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    ("text", "right"), [(t, True) for t in RIGHT] + [(t, False) for t in WRONG]
)
def test_it_accepts_what_loads_and_nothing_else(text: str, right: bool, tmp_path: Path) -> None:  # noqa: FBT001 -- the expected value
    assert VALIDATOR.is_valid(tomllib.loads(text)) is right
    assert loads(text, tmp_path) is right


def test_every_key_is_described() -> None:
    tables = [SCHEMA, *SCHEMA["$defs"].values()]
    keys = [key for table in tables for key in table.get("properties", {}).values()]
    assert keys
    assert [key for key in keys if not {"description", "$ref"} & set(key)] == []
    assert [table for table in tables if not table.get("description")] == []
