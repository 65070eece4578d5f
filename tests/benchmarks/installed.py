"""The tool as its users have it: a wheel, built and installed into an environment of its own.

A checkout would not do: where PYTHONDONTWRITEBYTECODE is set it is compiled anew at every start.
"""

import subprocess
from pathlib import Path

from msgspec import Struct

from reconcile import DISTRIBUTION

ROOT = Path(__file__).parents[2]

_READ = """\
import json, sys, tomllib
with open(sys.argv[1], "rb") as desired, open(sys.argv[2], "rb") as state:
    tomllib.load(desired), json.load(state)
"""


class Environment(Struct, frozen=True):
    """A Python environment. Commands run with -I: no user site, no switches of the environment."""

    folder: Path

    def python(self, *arguments: str) -> tuple[str, ...]:
        """Return a command of its interpreter."""
        return (str(self.folder / "bin" / "python"), "-I", *arguments)

    def tool(self, *arguments: str) -> tuple[str, ...]:
        """Return a command of the installed tool."""
        return self.python(str(self.folder / "bin" / "reconcile"), *arguments)

    def nothing(self) -> tuple[str, ...]:
        """Return the start of an interpreter that does nothing."""
        return self.python("-c", "pass")

    def floor(self, desired: Path, state: Path) -> tuple[str, ...]:
        """Return F: reading the same two files with the standard library, and nothing else."""
        return self.python("-c", _READ, str(desired), str(state))


def install_wheel(folder: Path) -> Environment:
    """Build the checkout's wheel and install it with what its server and `lean` need."""
    _run("uv", "build", "--wheel", "--quiet", "--out-dir", str(folder / "wheel"), str(ROOT))
    (wheel,) = (folder / "wheel").glob("*.whl")
    return install(folder / "tool", f"{DISTRIBUTION}[sandbox] @ {wheel.as_uri()}", "orjson")


def install(folder: Path, *requirements: str) -> Environment:
    """Make an environment with some packages in it, compiled to bytecode."""
    _run("uv", "venv", "--quiet", str(folder))
    python = str(folder / "bin" / "python")
    _run("uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *requirements)
    return Environment(folder)


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
