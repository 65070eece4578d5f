"""Runs a workflow's shell steps as a runner would, in a clone of a repository on disk."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.examples.reading import environment, filled_in, steps


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@localhost")
    done = subprocess.run(
        ["git", *identity, "-C", str(folder), *arguments],
        env=environment(GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null"),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


class Step(Struct, frozen=True):
    """How one shell step ended."""

    code: int
    out: str
    err: str


@dataclass
class Runner:
    """A machine that has the tool and git, and nothing else of this process's environment."""

    home: Path
    more: dict[str, str] = field(default_factory=dict)

    def variables(self) -> dict[str, str]:
        tools = self.home / "bin"
        if not tools.exists():
            tools.mkdir(parents=True)
            tool = tools / "reconcile"
            tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m reconcile "$@"\n')
            tool.chmod(0o755)
        standing = environment(
            HOME=str(self.home),
            GIT_CONFIG_GLOBAL="/dev/null",
            GIT_CONFIG_SYSTEM="/dev/null",
            GITHUB_STEP_SUMMARY=str(self.home / "summary.md"),
            GITHUB_OUTPUT=str(self.home / "output"),
            PUSH_PAUSES_S="",
        )
        return standing | {"PATH": f"{tools}:{standing['PATH']}"} | self.more

    def shell(self, script: str, folder: Path, more: Mapping[str, str] | None = None) -> Step:
        """Run a script as GitHub does by default: `bash -e`."""
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=folder,
            env=self.variables() | dict(more or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Step(done.returncode, done.stdout, done.stderr)

    def job(
        self, document: dict[str, Any], folder: Path, values: Mapping[str, str]
    ) -> dict[str, Step]:
        """Run a workflow's shell steps but the installation: after a failure, `always()` only."""
        ended: dict[str, Step] = {}
        for step in steps(document):
            failed = any(done.code for done in ended.values())
            if "run" not in step or step["name"] == "Install":
                continue
            if failed and not step.get("if", "").startswith("always()"):
                continue
            more = {name: filled_in(value, values) for name, value in step.get("env", {}).items()}
            ended[step["name"]] = self.shell(step["run"], folder, more)
        return ended
