from collections.abc import Callable
from pathlib import Path

import pytest

from reconcile.state.session import Session
from tests.state.acts import open_at


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Where a state is to be, in a directory that is not there yet."""
    return tmp_path / "state" / "prod.json"


@pytest.fixture
def session(state: Path) -> Callable[[], Session]:
    return lambda: open_at(state)
