"""The tutorial, from its first command to its last, in one folder against one server."""

import re
import subprocess
from pathlib import Path
from shlex import split

import pytest

import reconcile
from tests.stage import SALES, Ended, Stage, Staging

TUTORIAL = Path(reconcile.__file__).with_name("docs") / "tutorial.md"
SERVED = f"""
[models.sales]
id = "{SALES}"
refresh.every = "24h"
cache.daily_cache_policy.at = "06:00"
"""
BLOCK = re.compile(
    r"^<!-- add to (?P<file>\S+) -->\n```toml\n(?P<added>.*?)^```"
    r"|^```console\n(?P<console>.*?)^```",
    re.MULTILINE | re.DOTALL,
)
COMMAND = re.compile(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
MOMENT = re.compile(
    r"Next: \S+ at .*|Valid until .*|busiest minute .*|"
    r"(?:[A-Z][a-z]{2} )?\b\d{1,2} [A-Z][a-z]{2}\b(?: \d{4})?|\b\d\d:\d\d(?::\d\d)?(?:Z\b)?"
    r"|\bin (?:\d+ ?[dhms] ?)+|\b\d+ ?(?:ms|s|m|h)\b(?: \d+ ?[ms]\b)?|\b[0-9a-f]{12}\b"
    r"|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|127\.0\.0\.1:\d+|\babout \d+ polls|\bpeak \d+|UTC \([^)]*\)"
    r"|\d{4}-\d\d-\d\dT[\d:.]+Z?|\b[0-9a-f]{8}\b|\d+ polls?, [\d.]+ a job"
)


def still(text: str) -> str:
    """Leave out what differs from run to run, and where lines break because of that."""
    return " ".join(MOMENT.sub("", text).split())


def in_order(ended: Ended) -> str:
    """Put both streams together as a terminal shows them: progress follows the plan."""
    progress = re.search(r"(?m)^\d\d:\d\d:", ended.err)
    begins = progress.start() if progress else len(ended.err)
    plan = re.search(r"(?m)^Digest \w+\n", ended.out)
    ends = plan.end() if plan and progress else 0
    return ended.err[:begins] + ended.out[:ends] + ended.err[begins:] + ended.out[ends:]


def told(stage: Stage, line: str) -> str:
    """Run one line as a terminal would show it."""
    shown = ""
    for part in line.split(" && "):
        if not part.startswith("reconcile "):
            subprocess.run(["bash", "-c", part], cwd=stage.folder, check=True)
            continue
        ended = stage.run(*split(part)[1:])
        shown += in_order(ended)
        if ended.code:
            break
    return re.sub(r"\bby \S+ on \S+", "by ada on laptop", shown)


def test_the_tutorial_does_what_it_says(
    staged: Staging, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    stage = staged(SERVED, job_s=0.02)  # over by the first look, however busy the machine
    (tmp_path / "reconcile.toml").unlink()
    text = TUTORIAL.read_text()

    def played(block: re.Match[str]) -> str:
        if block["file"]:
            with (tmp_path / block["file"]).open("a") as file:
                file.write(block["added"])
            return block[0]
        shown = ""
        for line, expected in COMMAND.findall(block["console"]):
            said = told(stage, line)
            same = still(said) == still(expected)
            shown += f"$ {line}\n{expected if same else said}"
        return f"```console\n{shown}```"

    now = BLOCK.sub(played, text)
    if request.config.getoption("--update-snapshots"):
        TUTORIAL.write_text(now)
    assert text.count("\n$ ") > 15
    assert now == text, "see --update-snapshots"
