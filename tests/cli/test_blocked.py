"""What an apply would refuse, and what stands still, is told before all else."""

import pytest

from tests.stage import Stage, Staging, models

TWO = models(["a", "b"], 'refresh = { every = "6h" }')
LIMITED = f"[limits]\ncalls = 1\n{TWO}"
BLOCKED = "Blocked: 2 calls, and the limit is 1. To pass it once:"
WAIVER = "reconcile apply --allow calls=2"


def test_a_limit_is_the_first_line_of_a_plan(staged: Staging) -> None:  # G1
    stage = staged(LIMITED)
    assert stage.run("plan").out.splitlines()[0] == f"{BLOCKED} {WAIVER}"
    marker, first, *_ = stage.run("plan", "--format", "markdown").out.splitlines()
    assert marker.startswith("<!--")
    assert first == f"### {BLOCKED} `{WAIVER}`"
    page = stage.run("plan", "--format", "html").out
    assert f'<h1 class="bad">{BLOCKED} {WAIVER}</h1>' in page
    assert '<title id="tab">Blocked' in page


def test_a_limit_is_in_the_json_of_a_plan(staged: Staging) -> None:  # G1
    told = staged(LIMITED).run("plan", "--format", "json").json()["blocked_by"]
    assert told == [{"limit": "calls", "allowed": 1, "planned": 2, "waiver": "--allow calls=2"}]


@pytest.mark.parametrize("more", [(), ("--against", "./before.toml")])
def test_the_exit_code_of_a_blocked_plan_says_so(
    staged: Staging, more: tuple[str, ...]
) -> None:  # G1
    stage = staged(LIMITED)
    stage.write(TWO.replace("6h", "7h"), "before.toml")
    ended = stage.run("plan", "--detailed-exitcode", *more)
    assert (ended.code, ended.out.splitlines()[0]) == (3, f"{BLOCKED} {WAIVER}")
    assert stage.run("plan", *more).code == 0


def test_the_waiver_that_a_plan_names_is_enough(staged: Staging) -> None:  # G1
    stage = staged(f"[limits]\ncalls = 1\nshare = 0.3\nhard_refreshes = 1\n{TWO}")
    limits = stage.run("plan", "--format", "json").json()["blocked_by"]
    waivers = " ".join(limit["waiver"] for limit in limits).split()
    assert stage.run("apply", "--yes").code == 3
    ended = stage.run("apply", "--yes", *waivers)
    assert (ended.code, len(stage.calls()), "Blocked" in ended.out) == (0, 2, False)


def test_forgetting_all_is_blocked_in_the_plan_too(staged: Staging) -> None:  # G1
    stage = staged(TWO)
    assert stage.run("apply", "--yes").code == 0
    stage.write(TWO.replace("models.", "models.other_").replace("00000000-", "11111111-"))
    first = stage.run("plan").out.splitlines()[0]
    assert first.startswith("Blocked: all 2 records would be forgotten.")


def test_nobody_is_asked_about_a_plan_that_is_blocked(staged: Staging) -> None:  # G1
    stage = staged(LIMITED)
    ended = stage.run("apply", stdin="yes\n")
    assert (ended.code, stage.calls(), "no-terminal" in ended.err) == (3, [], False)


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_a_saved_plan_is_shown_as_blocked(staged: Staging, form: str) -> None:  # G1
    stage = staged(LIMITED)
    stage.run("plan", "--out", "p")
    assert "Blocked" in stage.run("show", "p", "--format", form).out
    told = stage.run("show", "p", "--format", "json").json()
    assert told["blocked_by"][0]["waiver"] == "--allow calls=2"


def test_the_command_of_a_blocked_comment_passes_the_limit(staged: Staging) -> None:  # G1
    stage = staged(LIMITED)
    lines = stage.run("plan", "--format", "markdown").out.splitlines()
    (command,) = (line for line in lines if line.startswith("reconcile apply --"))
    assert "Apply exactly this, past its limits:" in lines
    assert stage.run(*command.split()[1:]).code == 0


def held(staged: Staging) -> Stage:
    body = 'refresh = { every = "6h", hold_after = 1 }'
    stage = staged(models(["a", "b"], body), faults="refresh:fail")
    stage.run("apply", "--yes")
    return stage


FREES = "reconcile apply --force models.a.refresh --force models.b.refresh"


def test_a_plan_names_what_is_held_and_what_frees_it(staged: Staging) -> None:  # F1 F2
    stage = held(staged)
    text = " ".join(" ".join(stage.run("plan").out.splitlines()[1:4]).split())
    told = f"Held: models.a.refresh, models.b.refresh. To free them: {FREES}"
    assert told in text
    assert f"`{FREES}`" in "".join(stage.run("plan", "--format", "markdown").out.splitlines()[:7])
    assert told in stage.run("plan", "--format", "html").out
    (alert,) = stage.run("plan", "--format", "json").json()["attention"]
    assert alert["addresses"] == ["models.a.refresh", "models.b.refresh"]
    assert alert["command"] == FREES


def test_the_command_that_frees_what_is_held_does(staged: Staging) -> None:  # F1
    stage = held(staged)
    (alert,) = stage.run("plan", "--format", "json").json()["attention"]
    stage.run(*alert["command"].split()[1:], "--yes")
    assert len(stage.calls()) == 4


def test_a_plan_names_what_is_in_doubt(staged: Staging) -> None:  # F7
    stage = staged(TWO, faults="refresh:drop")
    stage.run("apply", "--yes")
    (alert,) = stage.run("plan", "--format", "json").json()["attention"]
    assert alert["what"].startswith("Outcome unknown")
