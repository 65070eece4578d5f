"""Declare when Omni models are refreshed and their caches reset; plan it, review it, apply it."""

__version__ = "0.1.0"
"""The one place that has it: pyproject.toml reads it from here."""

DISTRIBUTION = "omni-reconcile"
"""The name to install it by; another project has the name of the command."""


def install_with(extra: str) -> str:
    """Return the command that adds an extra, for hints."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"


class NotInstalledError(Exception):
    """A command needs a package that comes with an extra."""

    def __init__(self, command: str, package: str, extra: str) -> None:
        super().__init__(package)
        self.command, self.package, self.extra = command, package, extra
