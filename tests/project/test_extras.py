"""Every extra can be deleted, folder and lines of the command table; the core goes on working."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.canary import CANARY
from tests.omni.fault_server import FaultServer, reply
from tests.stage import SALES

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
EXTRAS = ("review", "forecast", "live", "simulation", "sandbox", "controller", "fleet")
IMPORT_AND_PLAN = """
import sys
from importlib import import_module
from reconcile.cli.main import main
for name in sys.argv[1:]:
    import_module(name)
sys.exit(main(["plan"]) or main(["validate"]) or main(["--help"]))
"""
FILE = f"""
[models.sales]
id = "{SALES}"
refresh.every = "6h"
"""

each_extra = pytest.mark.parametrize("extra", EXTRAS)


@pytest.fixture
def without(extra: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the project, an extra left out."""
    folder = tmp_path_factory.mktemp("without")
    copied(folder, "reconcile")
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.rmtree(folder / "reconcile" / extra)
    delete_lines(folder / "reconcile" / "cli" / "main.py", extra)
    (folder / "reconcile.toml").write_text(FILE, encoding="utf-8")
    return folder


def copied(folder: Path, name: str) -> None:
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / name, folder / name, ignore=skipped)


def delete_lines(table: Path, extra: str) -> None:
    line = rf'^ +"\w+": \(\s*"{extra}\.command",.*?\),\n'
    text = table.read_text(encoding="utf-8")
    table.write_text(re.sub(line, "", text, flags=re.MULTILINE | re.DOTALL), encoding="utf-8")


def core_modules(package: Path) -> Iterator[str]:
    for path in sorted(package.rglob("*.py")):
        place = path.relative_to(package).with_suffix("").parts
        if place[0] not in {*EXTRAS, "__main__"}:
            yield ".".join(("reconcile", *place)).removesuffix(".__init__")


def run(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "HOME": str(folder), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@each_extra
def test_the_core_is_imported_and_plans_without_an_extra(without: Path, extra: str) -> None:
    ended = run(without, "-c", IMPORT_AND_PLAN, *core_modules(without / "reconcile"))
    assert ended.returncode == 0, ended.stderr
    assert "models.sales.refresh" in ended.stdout
    assert f"{extra}.command" not in (without / "reconcile" / "cli" / "main.py").read_text()


@pytest.mark.slow
@each_extra
def test_the_core_applies_without_an_extra(without: Path) -> None:
    done = reply('{"jobId": "j", "status": "COMPLETED"}', status="200 OK")
    with FaultServer((done,)) as server:
        credential = {"OMNI_BASE_URL": server.url, "OMNI_API_KEY": CANARY}
        ended = run(without, "-m", "reconcile", "apply", "--yes", **credential)
        assert (ended.returncode, server.posts) == (0, 1), ended.stderr
    ended = run(without, "-m", "reconcile", "plan", "--detailed-exitcode")
    assert ended.returncode == 0, ended.stdout


@pytest.mark.slow
@each_extra
def test_the_core_passes_its_own_tests_without_an_extra(without: Path, extra: str) -> None:
    copied(without, "tests")
    copied(without, "examples")
    rooms = [without / "tests" / room for room in ("config", "planning", "state")]
    found = (path for room in rooms for path in sorted(room.glob("test_*.py")))
    own = [str(path) for path in found if not reaches(path, extra, without)]
    assert len(own) > 60
    ended = run(without, "-m", "pytest", "-q", "-x", "-n", "2", *own)
    assert ended.returncode == 0, ended.stdout[-4000:]


def reaches(path: Path, extra: str, root: Path) -> bool:
    """Tell whether a test needs an extra, by itself or through what tests share."""
    text = path.read_text(encoding="utf-8")
    if re.search(rf"\breconcile\.{extra}\b", text):
        return True
    shared = re.findall(r"^from (tests\.[\w.]+) import", text, re.MULTILINE)
    files = (root / f"{name.replace('.', '/')}.py" for name in shared)
    return any(reaches(file, extra, root) for file in files if file.is_file())
