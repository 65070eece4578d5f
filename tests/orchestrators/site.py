"""A machine of an orchestrator: the example as copied, the tool on its PATH, and a remote state."""

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.canary import CANARY, traces
from tests.environments import program
from tests.examples.reading import EXAMPLES
from tests.examples.runner import Runner
from tests.orchestrators.engines import FILE, Engine
from tests.stage import Ended, Stage

_INSTALLED_AT = "/opt/reconcile"
_TIMEOUT_S = 300


@dataclass
class Site:
    """Where runs of one orchestrator are executed. `shared`: variables that all its sites share."""

    engine: Engine
    stage: Stage
    shared: dict[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def set_up(self) -> None:
        """Copy the example, and say where its file is."""
        self.copy(FILE)

    def copy(self, name: str) -> None:
        """Copy a file of the example, as if the tool's own were in this folder."""
        text = (EXAMPLES / self.engine.name / name).read_text()
        assert _INSTALLED_AT in text
        self.stage.write(text.replace(_INSTALLED_AT, str(self.stage.folder)), name)

    def run(self, *command: str) -> Ended:
        """Execute one run to its end. Its log is what it printed, to either stream."""
        process = self.start(*command)
        out, _ = process.communicate(timeout=_TIMEOUT_S)
        assert not traces(out.encode()), "the token was shown"
        return Ended(process.returncode, out, "")

    def start(self, *command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command_of(self.engine, command or self.engine.command),
            cwd=self.stage.folder,
            env=self._variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def end(self) -> None:
        """End whatever a failed test left, with what it started in turn."""
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def _variables(self) -> dict[str, str]:
        connection = f'{{"host": "{self.stage.base_url}", "password": "{CANARY}"}}'
        return (
            Runner(self.stage.folder / "home").variables()
            | {"OMNI_BASE_URL": self.stage.base_url, "OMNI_API_KEY": CANARY}
            | {"AIRFLOW_CONN_OMNI": connection}
            | {"AIRFLOW__CORE__DAGS_FOLDER": str(self.stage.folder)}
            | {"DAGSTER_HOME": str(self.stage.folder)}
            | self.shared
        )


def command_of(engine: Engine, command: Sequence[str]) -> list[str]:
    """Spell a command of an orchestrator, or skip the test if it is not installed."""
    return [program(engine.name, command[0]), *command[1:]]


def called(engine: Engine, variables: dict[str, str], folder: Path, *command: str) -> None:
    """Run a command that sets an orchestrator up."""
    subprocess.run(
        command_of(engine, command),
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=_TIMEOUT_S,
        check=True,
    )
