"""Environments of their own for programs that tests run beside the tool, as on a real machine."""

import os
from pathlib import Path

import pytest

HOMES = "ENVIRONMENTS"
"""The variable that names a folder with a virtual environment for each: airflow, dbt, clients."""


def program(environment: str, name: str) -> str:
    """Return the path of a program of an environment, or skip the test where there is none."""
    found = Path(os.environ.get(HOMES, "/nowhere"), environment, "bin", name)
    if not found.is_file():
        pytest.skip(f"{name} of {environment} is not installed where {HOMES} says")
    return str(found)
