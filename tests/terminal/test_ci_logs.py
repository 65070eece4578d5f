"""What a CI runner reads out of the log: annotations of ours, and no command of anybody else's."""

import json

import pytest

from tests.stage import OPS, SALES, Staging

COMMANDS = ("##vso[task.setvariable]x", "###[error]x", "::error::x", "##teamcity[x]")
FILE = f"""
[models."{"".join(COMMANDS)}"]
id = "{SALES}"
refresh = {{ every = "6h" }}
[models.sales]
id = "{OPS}"
cache."::add-mask::x".every = "1h"
refresh.every = "1h"
refresh.pause.reason = "{" #".join(COMMANDS * 3)}"
"""
RUNS = (("plan", "-v"), ("plan",), ("show",), ("forecast",), ("apply", "--yes"))
CI = pytest.mark.parametrize("variable", ["CI", "GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"])


def obeyed(text: str) -> list[str]:
    """List the lines in which a runner would find a command."""
    anywhere = ("##[", "##vso[", "##teamcity[")
    return [
        line
        for line in text.splitlines()
        if line.lstrip().startswith("::") or any(sign in line for sign in anywhere)
    ]


@pytest.mark.fault("Z11")
@pytest.mark.parametrize("run", RUNS, ids=" ".join)
@pytest.mark.parametrize("form", ["text", "json"])
def test_no_name_commands_the_runner(staged: Staging, run: tuple[str, ...], form: str) -> None:
    ended = staged(FILE).run(*run, "--format", form, CI="true")
    assert obeyed(ended.out + ended.err) == []
    assert "sales" in ended.out + ended.err


@CI
def test_every_runner_is_known(staged: Staging, variable: str) -> None:
    assert obeyed(staged(FILE).run("plan", "-v", **{variable: "True"}).out) == []


def test_elsewhere_a_name_is_shown_as_it_is(staged: Staging) -> None:
    assert "##[error]x" in staged(FILE).run("plan", "-v", CI="false").out


def test_annotations_are_still_the_runners_to_read(staged: Staging) -> None:
    stage = staged(FILE)
    stage.write("nonsense = 1\n")
    (line,) = obeyed(stage.run("plan", CI="true", GITHUB_ACTIONS="true").err)
    assert line.startswith("::error file=")


def test_json_and_a_pulled_state_keep_their_values(staged: Staging) -> None:
    stage = staged(FILE)
    addresses = {item["address"] for item in stage.run("plan", "--format", "json").json()["items"]}
    assert any("##[error]x" in address for address in addresses)
    stage.run("apply", "--yes")
    assert "##[error]x" in json.dumps(json.loads(stage.run("state", "pull", CI="true").out))


def test_events_on_standard_output_command_nothing(staged: Staging) -> None:
    ended = staged(FILE).run("apply", "--yes", "--events", "-", CI="true")
    assert obeyed(ended.out) == []
    assert any("##[error]x" in str(json.loads(line)) for line in ended.out.splitlines())
