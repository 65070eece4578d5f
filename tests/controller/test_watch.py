"""What is looked at to notice that somebody else applied."""

from pathlib import Path

import pytest

from reconcile.config.merge import LOCK_NAME
from reconcile.controller.watch import declared_sight, state_sight
from reconcile.model.desired import Desired


@pytest.mark.parametrize("spelled", ["{}", "file://{}"])
def test_a_state_that_is_a_file_is_watched_however_its_url_is_spelled(
    spelled: str, tmp_path: Path
) -> None:
    url = spelled.format(tmp_path / "a state.json")
    url = url.replace(" ", "%20") if "://" in url else url
    before = state_sight(url)
    (tmp_path / "a state.json").write_text("{}")
    assert state_sight(url) != before


def test_the_lock_file_beside_a_file_is_watched_with_it(tmp_path: Path) -> None:
    file, lock = tmp_path / "reconcile.toml", tmp_path / LOCK_NAME
    before = declared_sight(str(file), Desired(items=(), state_url="state.json"))
    lock.write_text("")
    assert declared_sight(str(file), Desired(items=(), state_url="state.json")) != before


def test_a_state_in_a_store_is_not_looked_at() -> None:
    assert state_sight("s3://bucket/state.json") == ()
