"""Reads the examples' YAML, and the steps of a workflow."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

EXAMPLES = Path(__file__).parents[2] / "examples"
ACTIONS = EXAMPLES / "github-actions"
WORKFLOWS = sorted((ACTIONS / "workflows").glob("*.yml"))
EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")


def load(path: Path) -> list[Any]:
    """Read every document of a YAML file."""
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def workflow(name: str) -> dict[str, Any]:
    (document,) = load(ACTIONS / "workflows" / f"{name}.yml")
    found: dict[str, Any] = document
    return found


def triggers(document: dict[Any, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document[True]  # YAML 1.1 reads the key `on` as a boolean
    return found


def steps(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in document["jobs"].values():
        yield from job["steps"]


def filled_in(text: str, values: Mapping[str, str]) -> str:
    """Put values in place of expressions, as the runner does; an unknown one is an error."""
    return EXPRESSION.sub(lambda found: values[found[1]], text)


def environment(**more: str) -> dict[str, str]:
    """Return what a runner's shell starts with: nothing of this process but its path."""
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **more}
