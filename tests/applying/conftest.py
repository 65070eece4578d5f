"""A folder and an Omni that a test tells what to answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.applying.omni_on_loopback import Omni, Place, here, serving


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    omni = Omni()
    with serving(omni) as base_url:
        yield here(tmp_path, base_url, omni)
