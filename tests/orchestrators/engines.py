"""Orchestrators in environments of their own, and how each says what became of a run."""

import re
from collections.abc import Mapping

from msgspec import Struct, field

FILE = "reconcile_omni.py"


class Engine(Struct, frozen=True):
    """One orchestrator. `words`: what its log has once a run was done, skipped or failed."""

    name: str
    command: tuple[str, ...]
    words: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)

    def verdict(self, log: str) -> list[str]:
        """Return which of its words are in the log, by their meaning."""
        return [meaning for meaning, word in self.words.items() if re.search(word, log)]


AIRFLOW = Engine(
    "airflow",
    ("airflow", "dags", "test", "reconcile_omni"),
    {state: f"new_state={state}" for state in ("success", "skipped", "failed")},
    {
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    },
)
DAGSTER = Engine(
    "dagster",
    ("dagster", "job", "execute", "-f", FILE, "-j", "reconcile_omni"),
    {
        # Its step's own lines pass through a tail, which may be ended before it has read the last.
        "success": "(STEP_OUTPUT|RUN_SUCCESS) - ",
        "skipped": "skipped: another run holds the lock",
        "failed": "RUN_FAILURE - ",
    },
    {"DAGSTER_DISABLE_TELEMETRY": "1"},
)
PREFECT = Engine(
    "prefect",
    ("python", "-c", "from reconcile_omni import reconcile_omni; reconcile_omni()"),
    {
        "success": r"Finished in state Completed\(",
        "skipped": r"Finished in state Skipped\(",
        "failed": r"Finished in state Failed\(",
    },
    {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"},
)
