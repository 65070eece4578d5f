"""What a command does not use, it does not import: that is most of the wait at the prompt."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reconcile.model.recorded import Recorded
from reconcile.state.snapshot import encode_state

HEAVY = frozenset(("asyncio", "deepdiff", "httpx", "rich", "ssl", "starlette", "tomlkit"))
EDGES = HEAVY | {"locale", "pydantic", "reconcile.config", "reconcile.state", "tomli"}
if sys.version_info < (3, 14):  # later, argparse itself uses them for the colours of its help
    EDGES |= {"dataclasses"}
HELP = EDGES | {"reconcile.render", "shutil", "typing"}
READING = HEAVY | {"calendar", "difflib", "locale", "pydantic"}
PLANNING = READING | {"uuid"}
RUN = """
import json, sys
from reconcile.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
FILE = """
[state]
url = "state.json"

[models.sales]
id = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"
refresh.every = "6h"
cache.daily.at = "06:00"
"""

BUDGETS = (
    (("--version",), HELP),
    (("--help",), HELP),
    (("plan", "--help"), HELP),
    (("state", "list", "--help"), HELP),
    (("completion", "bash"), EDGES),
    (("completion", "zsh"), EDGES),
    (("explain", "lock-held"), HEAVY),
    (("plan",), PLANNING),
    (("plan", "--format", "json"), PLANNING),
    (("validate",), READING),
    (("show",), PLANNING),
    (("state", "list"), READING),
    (("why", "models.sales.refresh"), PLANNING),
    (("forecast",), PLANNING),
    (("schema", "show"), READING),
    (("schema", "state"), READING),
)


@pytest.mark.parametrize(("arguments", "unused"), BUDGETS, ids=[" ".join(a) for a, _ in BUDGETS])
def test_a_command_imports_nothing_heavy_that_it_does_not_use(
    arguments: tuple[str, ...], unused: frozenset[str], tmp_path: Path
) -> None:
    (tmp_path / "reconcile.toml").write_text(FILE)
    (tmp_path / "state.json").write_bytes(encode_state(Recorded(lineage="there is one")))
    assert unused & _imported_by(arguments, tmp_path) == set()


def _imported_by(arguments: tuple[str, ...], directory: Path) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-I", "-c", RUN, *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stderr.splitlines()[-1]))
