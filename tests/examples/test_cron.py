"""The line for cron, run as cron runs it: by `sh`, with no more than the table's own variables."""

import re
from pathlib import Path

import pytest

import reconcile
from reconcile.planning.time.cron import parse_cron
from tests.canary import CANARY
from tests.examples.runner import Runner, Step
from tests.stage import Stage, Staging, models
from tests.state.acts import open_at

TABLE = Path(reconcile.__file__).with_name("docs") / "pipelines.md"
(SHOWN,) = re.findall(r"^```crontab\n(.*?)^```", TABLE.read_text(), re.MULTILINE | re.DOTALL)
*SET, LINE = SHOWN.splitlines()
TEXT = models(["a"], 'refresh = { every = "24h" }\n')


def by_cron(stage: Stage) -> Step:
    runner = Runner(stage.folder / "home")
    key = stage.folder / "omni.key"
    key.write_text(CANARY)
    values = dict(zip((it.split("=")[0] for it in SET), (stage.base_url, str(key)), strict=True))
    command = LINE.split(maxsplit=5)[5].replace("/srv/omni", str(stage.folder))
    command = command.replace("/usr/local/bin/", f"{stage.folder}/home/bin/")
    try:
        return runner.shell(f"exec sh -c '{command}'", stage.folder.parent, values)
    finally:
        key.unlink()


def test_it_is_a_line_of_cron() -> None:
    assert parse_cron(" ".join(LINE.split()[:5]))
    assert "%" not in LINE  # cron reads a line break there


def test_a_run_that_ends_well_makes_its_calls_and_mails_nothing(staged: Staging) -> None:
    stage = staged(TEXT)
    assert by_cron(stage) == Step(0, "", "")
    assert len(stage.calls()) == 1


def test_a_run_that_finds_another_at_work_mails_nothing(staged: Staging) -> None:
    stage = staged(TEXT)
    with open_at(stage.folder / "reconcile.state.json"):
        assert by_cron(stage) == Step(0, "", "")
    assert stage.calls() == []


@pytest.mark.parametrize(
    ("text", "faults", "told"),
    [
        (TEXT, "refresh:422", "0 of 1 call done"),
        (f"[limits]\ncalls = 0\n{TEXT}", "", "--allow"),
        (f"oops = 1\n{TEXT}", "", "unknown-key"),
    ],
    ids=["a call that is refused", "a limit", "a broken file"],
)
def test_a_run_that_ends_badly_mails_what_it_said(
    staged: Staging, text: str, faults: str, told: str
) -> None:
    stage = staged(TEXT, faults=faults)
    stage.write(text)
    ended = by_cron(stage)
    assert (told in ended.out, ended.err) == (True, "")
