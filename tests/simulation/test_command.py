"""`simulate` as a person runs it: a process, a file, and what it prints."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Snapshot

pytestmark = pytest.mark.long

FILE = """
[state]
url = "state.json"
[defaults]
timezone = "America/New_York"
[models.sales]
id = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"
connection = "warehouse"
refresh = { every = "6h" }
cache.nightly = { at = "01:30" }
cache.hourly = { after = "models.sales.refresh" }
[models.ops]
id = "7d0cf5f6-36c0-4b3a-8a53-0f0c7a3cf2b1"
connection = "warehouse"
refresh = { cron = "*/30 * * * *", deadline = "20m" }
"""
SPAN = ("--from", "2026-10-28T00:00:00Z", "--for", "6d")
CHANCE = ("--lateness", "github", "--fail", "2%", "--seed", "7")


def ran(folder: Path, *arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    (folder / "reconcile.toml").write_text(FILE, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "reconcile", "simulate", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_fixed_scenario_is_told_as_it_always_was(tmp_path: Path, snapshot: Snapshot) -> None:
    done = ran(tmp_path, *SPAN, *CHANCE)
    assert (done.returncode, done.stderr) == (0, "")
    snapshot("simulate.txt", done.stdout)


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_same_seed_gives_the_same_bytes_whatever_the_hash_seed(
    tmp_path: Path, form: str
) -> None:
    told = [ran(tmp_path, *SPAN, *CHANCE, "--format", form, hash_seed=s).stdout for s in "12"]
    assert told[0] == told[1] != ""


def test_json_has_a_version_and_every_item(tmp_path: Path) -> None:
    document = json.loads(ran(tmp_path, *SPAN, "--format", "json").stdout)
    assert document["format_version"] == 1
    assert len(document["items"]) == 4
    assert [night["timezone"] for night in document["nights"]] == ["America/New_York"]
    assert all(item["failures"] == 0 for item in document["items"])


def test_nothing_is_written(tmp_path: Path) -> None:
    ran(tmp_path, "--for", "1d")
    assert [path.name for path in tmp_path.iterdir()] == ["reconcile.toml"]


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [
        ("--from", "yesterday", "bad-instant"),
        ("--from", "9999-12-31T00:00:00Z", "bad-instant"),
        ("--for", "long", "bad-duration"),
        ("--runner", "often", "bad-runner"),
        ("--runner-timezone", "Mars/Base", "bad-timezone"),
        ("--runner-timezone", "right/UTC", "bad-timezone"),
        ("--lateness", "very", "bad-lateness"),
        ("--fail", "some", "bad-share"),
    ],
)
def test_an_option_that_is_not_understood_is_refused_by_name(
    tmp_path: Path, option: str, value: str, code: str
) -> None:
    done = ran(tmp_path, option, value)
    assert (done.returncode, done.stdout) == (1, "")
    assert code in done.stderr
    assert "Traceback" not in done.stderr
