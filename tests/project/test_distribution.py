"""The package as others install it: its name, its version, and what the wheel holds."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

import reconcile
from reconcile import DISTRIBUTION, __version__, install_with

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SOURCES = sorted((ROOT / "reconcile").rglob("*.py"))
TEXTS = [ROOT / "README.md", *sorted((ROOT / "examples").rglob("*.md"))]
TEXTS += sorted([*(ROOT / "reconcile").rglob("*.md"), *(ROOT / ".github").glob("*.md")])

FOREIGN = re.compile(r"(?<![\w-])reconcile\[|(?:pipx?|tool) install (?:-\S+ )*'?reconcile\b")
"""What installs another author's package."""


# H6
def test_the_name_to_install_is_that_of_the_project() -> None:
    assert PROJECT["name"] == DISTRIBUTION
    assert set(PROJECT["scripts"]) == {"reconcile", DISTRIBUTION}


# H6
@pytest.mark.parametrize("path", [*SOURCES, *TEXTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_tells_anybody_to_install_a_stranger(path: Path) -> None:
    assert FOREIGN.findall(path.read_text()) == []


# H6
def test_every_hint_names_an_extra_that_exists() -> None:
    calls = (re.findall(r'install_with\("(\w+)"\)', path.read_text()) for path in SOURCES)
    named = {extra for found in calls for extra in found}
    assert named
    assert named <= set(PROJECT["optional-dependencies"])


# H6
@pytest.mark.parametrize(
    ("marker", "command"),
    [
        ("venv/pyvenv.cfg", "pip install 'omni-reconcile[live]'"),
        ("pipx/pipx_metadata.json", "pipx runpip omni-reconcile install 'omni-reconcile[live]'"),
        ("tool/uv-receipt.toml", "uv pip install --python {} 'omni-reconcile[live]'"),
        ("archive-v0/x", "uvx --from omni-reconcile --with 'omni-reconcile[live]' reconcile"),
    ],
)
def test_the_hint_fits_how_the_tool_was_installed(
    marker: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / marker
    there.parent.mkdir()
    there.touch()
    monkeypatch.setattr(sys, "prefix", str(there.parent))
    assert install_with("live") == command.format(there.parent)


@pytest.mark.parametrize(
    ("found", "command"),
    [
        ({"url": "file:///d/x.whl", "archive_info": {}}, "'omni-reconcile @ file:///d/x.whl'"),
        (
            {"url": "https://a.example/r", "vcs_info": {"vcs": "git", "commit_id": "0a1b"}},
            "'omni-reconcile @ git+https://a.example/r@0a1b'",
        ),
    ],
)
def test_what_no_index_has_is_named_by_where_it_came_from(
    found: object, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "omni_reconcile-0.1.0.dist-info" / "direct_url.json"
    told.parent.mkdir()
    told.write_text(json.dumps(found))
    monkeypatch.setattr(reconcile, "__file__", str(tmp_path / "reconcile" / "__init__.py"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "archive-v0" / "x"))
    assert install_with("live") == f"uvx --from {command} --with 'omni-reconcile[live]' reconcile"


def test_the_version_stands_in_one_place() -> None:
    assert PROJECT["dynamic"] == ["version"]
    assert f"\n## {__version__}\n" in (ROOT / "reconcile" / "docs" / "changelog.md").read_text()


def test_another_system_is_refused_before_anything_of_posix_is_needed(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "for name in ('fcntl', 'pwd', 'grp', 'resource', 'termios'): sys.modules[name] = None\n"
        "from reconcile.cli.main import entry\n"
        "os.name = 'nt'\n"
        "entry()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: reconcile does not run on Windows")
    assert "Operating System :: POSIX" in PROJECT["classifiers"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel that a release is made of, or else build one."""
    if given := os.environ.get("RECONCILE_WHEEL"):
        return Path(given)
    folder = tmp_path_factory.mktemp("wheel")
    build = ["build", "--wheel", "--quiet", "--out-dir", str(folder), str(ROOT)]
    subprocess.run([uv(), *build], capture_output=True, check=True)
    (built,) = folder.glob("*.whl")
    return built


def uv() -> str:
    found = shutil.which("uv")
    if found is None:
        pytest.skip("uv is not installed")
    return found


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "reconcile"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    # What was deleted and not yet committed is still listed.
    tracked = {line for line in listed.stdout.splitlines() if (ROOT / line).exists()}
    assert {"reconcile/docs/changelog.md", "reconcile/render/style.css"} <= tracked
    assert tracked <= set(ZipFile(wheel).namelist())
    assert wheel.name.startswith(f"{DISTRIBUTION.replace('-', '_')}-{__version__}-py3-none-any")


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Install the wheel without any extra, and return where its commands are."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([uv(), "venv", "--quiet", str(folder)], capture_output=True, check=True)
    python = str(folder / "bin" / "python")
    install = ["pip", "install", "--quiet", "--compile-bytecode", "--python", python, str(wheel)]
    subprocess.run([uv(), *install], capture_output=True, check=True)
    yield folder / "bin"
    shutil.rmtree(folder)


def newcomer(bare: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in an environment that has nothing but the wheel."""
    return subprocess.run(
        [bare / "reconcile", *words],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_wheel_without_extras_starts_checks_and_plans(bare: Path, tmp_path: Path) -> None:
    version = newcomer(bare, tmp_path, "--version").stdout
    assert version == f"reconcile {__version__}\n"
    named = subprocess.run([bare / DISTRIBUTION, "--version"], capture_output=True, check=True)
    assert named.stdout.decode() == version
    model = "sales=bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"
    for words in (("init", "--model", model), ("validate",), ("plan",)):
        done = newcomer(bare, tmp_path, *words)
        assert done.returncode == 0, done.stderr


def test_what_an_extra_brings_is_told_with_the_line_that_installs_it(
    bare: Path, tmp_path: Path
) -> None:
    newcomer(bare, tmp_path, "init", "--model", "sales=bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed")
    for words in (("rehearse",), ("sandbox",)):
        done = newcomer(bare, tmp_path, *words)
        assert (done.returncode, install_with("sandbox") in done.stderr) == (1, True), done
