"""Declare when Omni models are refreshed and their caches reset; plan it, review it, apply it."""

import json
import shlex
import sys
from pathlib import Path

__version__ = "0.1.0"
"""The one place that has it: pyproject.toml reads it from here."""

DISTRIBUTION = "omni-reconcile"
"""The name to install it by; another project has the name of the command."""


def install_with(extra: str) -> str:
    """Return the command that adds an extra, for hints."""
    return install(f"{DISTRIBUTION}[{extra}]")


def install(requirement: str) -> str:
    """Return the command that adds a package, for hints: it fits how the tool was installed."""
    prefix = Path(sys.prefix)
    if (prefix / "pipx_metadata.json").exists():
        return f"pipx runpip {DISTRIBUTION} install '{requirement}'"
    if (prefix / "uv-receipt.toml").exists():  # uv puts no pip into the environment of a tool
        return f"uv pip install --python {shlex.quote(str(prefix))} '{requirement}'"
    if "archive-v0" in prefix.parts:  # of uvx, which makes another one for other packages
        return f"uvx --from {_origin()} --with '{requirement}' reconcile"
    return f"pip install '{requirement}'"


def _origin() -> str:
    """Return what was installed, for a shell: with its address where no index has it (PEP 610)."""
    folder, name = Path(__file__).parents[1], DISTRIBUTION.replace("-", "_")
    for file in folder.glob(f"{name}-*.dist-info/direct_url.json"):
        found = json.loads(file.read_text(encoding="utf-8"))
        url, versions = found["url"], found.get("vcs_info")
        if versions is not None:
            url = f"{versions['vcs']}+{url}@{versions['commit_id']}"
        return shlex.quote(f"{DISTRIBUTION} @ {url}")
    return DISTRIBUTION


class NotInstalledError(Exception):
    """A command needs a package that comes with an extra."""

    def __init__(self, command: str, package: str, extra: str) -> None:
        super().__init__(package)
        self.command, self.package, self.extra = command, package, extra
