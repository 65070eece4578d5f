"""What Dagster and Prefect run is one call of the tool. They run it in `tests/orchestrators`."""

import ast

import pytest

from tests.command_line import parsed
from tests.examples.reading import EXAMPLES


@pytest.mark.parametrize("name", ["dagster", "prefect"])
def test_their_command_exists_and_does_not_ask(name: str) -> None:
    tree = ast.parse((EXAMPLES / name / "reconcile_omni.py").read_text())
    (command,) = (
        ast.literal_eval(it.value)
        for it in tree.body
        if isinstance(it, ast.Assign) and ast.unparse(it.targets[0]) == "APPLY"
    )
    tool, *arguments = command
    assert tool == "reconcile"
    options = parsed(arguments)
    assert (options.path, options.yes) == ("reconcile apply", True)
