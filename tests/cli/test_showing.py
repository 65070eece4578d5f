"""Saved plans, differences of plans and items, in the formats of a review."""

import pytest

from tests.stage import SALES, Stage, Staging

FILE = f'[models.sales]\nid = "{SALES}"\nrefresh = {{ every = "6h" }}\n'
PLANS = [
    ("show", "saved.json"),
    ("show",),
    ("plan", "diff", "before.json", "after.json"),
]
every_command = pytest.mark.parametrize("command", PLANS, ids=[" ".join(words) for words in PLANS])


def reviewed(staged: Staging) -> Stage:
    stage = staged(FILE)
    stage.run("plan", "--out", "saved.json")
    stage.write(stage.run("plan", "--format", "json").out, "before.json")
    stage.write(FILE.replace("6h", '6h", mode = "soft'))
    stage.write(stage.run("plan", "--format", "json").out, "after.json")
    return stage


@every_command
def test_a_comment_can_be_replaced_by_the_next(staged: Staging, command: tuple[str, ...]) -> None:
    ended = reviewed(staged).run(*command, "--format", "markdown")
    assert (ended.code, ended.err) == (0, "")
    marker, headline, *_ = ended.out.splitlines()
    assert marker.startswith("<!-- reconcile-")
    assert headline.startswith("### ")
    assert "models.sales.refresh" in ended.out


@every_command
def test_a_page_needs_nothing_but_itself(staged: Staging, command: tuple[str, ...]) -> None:
    ended = reviewed(staged).run(*command, "--format", "html")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("<!doctype html>")
    assert "default-src &#39;none&#39;" in ended.out


def test_a_stale_plan_says_so_in_every_format(staged: Staging) -> None:
    stage = reviewed(staged)
    for form in ("text", "markdown", "html"):
        assert (
            "Stale: apply would refuse it" in stage.run("show", "saved.json", "--format", form).out
        )
    told = stage.run("show", "saved.json", "--format", "json").json()
    assert told["stands"] is False
    assert told["differences"]
