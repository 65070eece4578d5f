from pathlib import Path

import pytest

from reconcile.config.load import load
from reconcile.config.toml import parse_source
from reconcile.model.desired import RefreshItem
from tests.config.test_schema import VALIDATOR, as_json

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("name", ["quickstart/reconcile.toml", "prod"])
def test_an_example_loads_without_a_warning_and_fits_the_schema(name: str) -> None:
    found = load(EXAMPLES / name)
    assert found.warnings == ()
    for source in found.sources:
        VALIDATOR.validate(as_json(parse_source(source)))


def test_the_quickstart_shows_every_cadence_a_file_of_its_own_can_have() -> None:
    items = load(EXAMPLES / "quickstart/reconcile.toml").desired.items
    forms = {type(item.timing.cadence).__name__ for item in items}
    assert forms == {"Every", "Cron", "At", "AfterRefresh", "ResetAt"}
    assert len({item.model for item in items}) == 3


def test_prod_has_twelve_models_on_three_connections() -> None:
    desired = load(EXAMPLES / "prod").desired
    assert len({item.model for item in desired.items}) == 12
    refreshes = [item for item in desired.items if isinstance(item, RefreshItem)]
    assert {item.connection for item in refreshes} == {"warehouse", "events", "ledger"}
    assert (desired.limits.calls, desired.limits.hard_refreshes) == (50, 10)
