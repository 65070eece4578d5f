"""The DAG is one call of the tool. Airflow itself runs it in `tests/orchestrators`."""

import ast
import re
import shlex

from tests.command_line import parsed
from tests.examples.reading import EXAMPLES

TREE = ast.parse((EXAMPLES / "airflow" / "reconcile_omni.py").read_text())
LOAD = (EXAMPLES / "airflow" / "warehouse_load.py").read_text()
CALLS = {
    call.func.id: {word.arg: word.value for word in call.keywords}
    for call in ast.walk(TREE)
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
}


def said(operator: str, word: str) -> object:
    found: object = ast.literal_eval(CALLS[operator][word])
    return found


def test_it_is_one_operator_in_one_dag() -> None:
    assert CALLS.keys() == {"DAG", "BashOperator", "datetime", "timedelta"}


def test_runs_neither_overlap_nor_catch_up_nor_repeat() -> None:
    assert said("DAG", "max_active_runs") == 1
    assert said("DAG", "catchup") is False
    assert said("BashOperator", "retries") == 0


def test_its_command_exists_and_replaces_the_shell() -> None:
    first, tool, *arguments = shlex.split(str(said("BashOperator", "bash_command")))
    assert (first, tool) == ("exec", "reconcile")
    assert parsed(arguments).path == "reconcile apply"
    assert "--yes" in arguments


def test_no_credential_is_in_the_file() -> None:
    environment = said("BashOperator", "env")
    assert environment == {
        "OMNI_BASE_URL": "{{ conn.omni.host }}",
        "OMNI_API_KEY": "{{ conn.omni.password }}",
    }


def test_a_load_ends_with_a_signal_and_without_a_credential() -> None:
    (command,) = re.findall(r'bash_command="exec reconcile (.*)"', LOAD)
    assert parsed(shlex.split(command)).path == "reconcile signal"
    assert "OMNI_" not in LOAD
