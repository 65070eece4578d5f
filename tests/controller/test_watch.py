"""What is looked at to notice that somebody else applied."""

from pathlib import Path

import pytest

from reconcile.controller.watch import state_sight


@pytest.mark.parametrize("spelled", ["{}", "file://{}"])
def test_a_state_that_is_a_file_is_watched_however_its_url_is_spelled(
    spelled: str, tmp_path: Path
) -> None:
    url = spelled.format(tmp_path / "a state.json")
    url = url.replace(" ", "%20") if "://" in url else url
    before = state_sight(url)
    (tmp_path / "a state.json").write_text("{}")
    assert state_sight(url) != before


def test_a_state_in_a_store_is_not_looked_at() -> None:
    assert state_sight("s3://bucket/state.json") == ()
