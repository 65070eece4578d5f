"""The examples' TOML as an editor sees it: canonical, and valid by the published schema."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples.reading import EXAMPLES, environment

FLEET = EXAMPLES / "fleet" / "fleet.toml"
FILES = sorted(set(EXAMPLES.rglob("*.toml")) - {FLEET})
MISTAKE = "[models.sales]\nevry = 3\n"
every_file = pytest.mark.parametrize(
    "path", FILES, ids=[str(path.relative_to(EXAMPLES)) for path in FILES]
)


def tool(*arguments: str) -> subprocess.CompletedProcess[str]:
    asked = [sys.executable, "-m", "reconcile", *arguments]
    return subprocess.run(asked, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", sorted({str(it.parent.relative_to(EXAMPLES)) for it in FILES}))
def test_an_example_is_in_canonical_form(name: str) -> None:
    done = tool("fmt", "--diff", "--check", "--file", str(EXAMPLES / name))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.fixture(scope="session")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("schema") / "reconcile.schema.json"
    written.write_text(tool("schema").stdout, encoding="utf-8")
    return written


def taplo(schema: Path, path: Path) -> subprocess.CompletedProcess[str]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node")
    for folder in os.environ.get("NODE_PATH", "").split(os.pathsep):
        script = Path(folder) / "@taplo" / "cli" / "dist" / "cli.js"
        if folder and script.is_file():
            asked = [node, str(script), "lint", "--colors", "never", "--schema", schema.as_uri()]
            variables = environment(HOME=str(schema.parent))
            return subprocess.run(
                [*asked, str(path)], env=variables, capture_output=True, text=True, check=False
            )
    pytest.skip("no taplo in NODE_PATH: npm install @taplo/cli")


def test_taplo_finds_the_fleet_valid_and_a_mistake_in_it(tmp_path: Path) -> None:
    schema = tmp_path / "fleet.schema.json"
    schema.write_text(tool("schema", "fleet").stdout, encoding="utf-8")
    done = taplo(schema, FLEET)
    assert done.returncode == 0, done.stderr
    (tmp_path / "wrong.toml").write_text("[instances.acme]\nfiel = 'acme'\n")
    assert "'fiel' was unexpected" in taplo(schema, tmp_path / "wrong.toml").stderr


@every_file
def test_taplo_finds_an_example_valid(schema: Path, path: Path) -> None:
    done = taplo(schema, path)
    assert done.returncode == 0, done.stderr


def test_taplo_finds_a_mistake(schema: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text(MISTAKE)
    done = taplo(schema, tmp_path / "wrong.toml")
    assert done.returncode == 1
    assert "'evry' was unexpected" in done.stderr
