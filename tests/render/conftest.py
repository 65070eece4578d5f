"""Whole outputs compared with readable files: `pytest --update-snapshots` rewrites them."""

from collections.abc import Callable
from pathlib import Path

import pytest

Snapshot = Callable[[str, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-snapshots", action="store_true", help="rewrite snapshot files")


@pytest.fixture
def snapshot(request: pytest.FixtureRequest) -> Snapshot:
    folder = Path(request.path).parent / "snapshots"

    def compare(name: str, text: str) -> None:
        file = folder / name
        if request.config.getoption("--update-snapshots", default=False):
            folder.mkdir(exist_ok=True)
            file.write_bytes(text.encode())
        assert text == file.read_bytes().decode(), f"{name}: see --update-snapshots"

    return compare
