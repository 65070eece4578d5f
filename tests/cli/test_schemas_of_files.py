"""What commands about the files print as JSON, run as a process, against the published schemas."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import reconcile
from tests.cli.test_native_schedules import HEAD, NIGHTLY
from tests.cli.test_selecting import TEMPLATE
from tests.live.test_command import FILE, remove
from tests.live.test_import import KEPT, content
from tests.render.breaking import unnoticed
from tests.render.schemas import validator, words
from tests.stage import SALES, Stage, Staging

ROOT = Path(reconcile.__file__).parent
SAID = re.compile(r'\.say\(\s*"([a-z-]+)"|diagnostic_line\([^"]*"([a-z-]+)"\)')


def checked(stage: Stage, name: str, *command: str, code: int = 0) -> Any:
    ended = stage.run(*command, "--format", "json")
    assert ended.code == code, ended.err
    assert unnoticed(validator(name), ended.json()) == []
    return ended.json()


def test_valid_files_are_told_of_as_published(quickstart: Stage) -> None:
    told = checked(quickstart, "validation", "validate", "--at", "2026-12-01T06:00Z")
    assert told["clock_changes"][0]["slots"]
    assert "schedules" not in told
    quickstart.write(HEAD + NIGHTLY)
    assert checked(quickstart, "validation", "validate")["schedules"] == 1


def test_what_a_file_becomes_is_told_as_published(quickstart: Stage) -> None:
    model = ("--model", f"more={SALES.replace('b', 'a')}")
    results = [
        checked(quickstart, "init", "init", *words)["result"]
        for words in (("-f", "new.toml"), model, model)
    ]
    assert results == ["created", "added", "unchanged"]
    assert not checked(quickstart, "fmt", "fmt", "--check")["files"][0]["changed"]
    quickstart.write(KEPT)
    assert checked(quickstart, "fmt", "fmt", "--check", code=1)["files"][0]["changed"]


@pytest.mark.parametrize("code", [(), ("lock-held",), ("5",)])
def test_codes_are_explained_as_published(quickstart: Stage, code: tuple[str, ...]) -> None:
    checked(quickstart, "explain", "explain", *code)


def test_an_import_is_told_of_as_published_whether_it_is_made_or_not(staged: Staging) -> None:
    stage = staged(FILE)
    stage.write(KEPT)
    ahead = checked(stage, "import", "import", "*", "--diff")
    assert content(stage) == KEPT
    assert checked(stage, "import", "import", "*") == ahead
    assert ahead["models"]


def test_who_joins_and_who_leaves_a_lock_is_told_as_published(staged: Staging) -> None:
    stage = staged(FILE)
    stage.write(TEMPLATE)
    assert checked(stage, "lock", "lock")["joined"]
    remove(stage, SALES)
    assert checked(stage, "lock", "lock")["left"]


@pytest.mark.parametrize("faults", ["", "refresh:fail"])
def test_every_line_of_the_log_is_as_published(staged: Staging, faults: str) -> None:
    stage = staged(FILE, faults=faults)
    lines = stage.run("run", "--once", "--format", "json").err.splitlines()
    assert len(lines) >= 3
    for line in lines:
        validator("log").validate(json.loads(line))


def test_whatever_a_controller_or_a_worker_says_is_in_the_schema_of_the_log() -> None:
    sources = [*ROOT.glob("controller/*.py"), ROOT / "fleet" / "command.py"]
    said = {word for file in sources for found in SAID.findall(file.read_text()) for word in found}
    assert said - {""} == words("log", "event")
