"""A plan as a comment and as a page, from the command line."""

import re

import pytest

from tests.conftest import Snapshot
from tests.stage import Staging, models

AT = ("--at", "2026-11-23T11:22:00Z")
HEAD = '[state]\nurl = "state.json"\n'
TEXT = HEAD + models(("sales", "ops"), 'refresh = { every = "6h" }\n')


def test_a_comment_offers_the_command_that_applies_it(staged: Staging) -> None:
    stage = staged(TEXT)
    comment = stage.run("plan", "--format", "markdown", *AT)
    digest = stage.run("plan", "--format", "json", *AT).json()["digest"]
    assert (comment.code, comment.err) == (0, "")
    assert comment.out.startswith("<!-- reconcile-plan ")
    assert f"\nreconcile apply --approve {digest}\n" in comment.out


def test_the_command_repeats_what_the_plan_was_asked(staged: Staging) -> None:
    stage = staged(TEXT)
    stage.write(TEXT, "other.toml")
    force = ("--force", "models.ops.refresh")
    comment = stage.run("plan", "-f", "other.toml", *force, *AT, "--format", "markdown")
    assert f"reconcile apply --file other.toml {' '.join(force)} --approve sha256:" in comment.out


def test_a_page_is_the_same_wherever_it_is_printed(staged: Staging) -> None:
    stage = staged(TEXT.replace("models.ops", 'models."caf\u00e9"'))
    page = stage.run("plan", "--format", "html", *AT)
    plain = stage.run("plan", "--format", "html", *AT, PYTHONIOENCODING="ascii")
    assert page.out.startswith("<!doctype html>")
    assert "caf&#233;" in page.out
    assert page.out == plain.out


def test_the_horizon_says_how_far_ahead_to_look(staged: Staging) -> None:
    comment = staged(TEXT).run("plan", "--format", "markdown", "--horizon", "3d", *AT)
    assert "**Next 3 days**" in comment.out


def test_a_horizon_of_nothing_that_looks_ahead_is_refused(staged: Staging) -> None:
    refused = staged(TEXT).run("plan", "--horizon", "3d", *AT)
    assert (refused.code, "bad-usage" in refused.err) == (1, True)


def test_a_name_with_a_bar_can_be_copied_from_a_comment(staged: Staging) -> None:
    stage = staged(TEXT.replace("models.ops", 'models."a|b"'))
    stage.write(TEXT.replace("models.ops", 'models."a|b"').replace("6h", "12h"), "old.toml")
    comment = stage.run("plan", "--against", "./old.toml", *AT, "--format", "markdown").out
    # Of a table's cell a forge shows it without the backslash, also within code.
    assert '| changed `models."a\\|b".refresh` |' in comment


def test_a_comment_and_a_page_tell_what_changes(staged: Staging) -> None:
    stage = staged(TEXT)
    stage.write(TEXT.replace("6h", "12h"), "old.toml")
    against = ("--against", "./old.toml", *AT, "--detailed-exitcode")
    comment = stage.run("plan", *against, "--format", "markdown")
    page = stage.run("plan", *against, "--format", "html")
    assert (comment.code, page.code) == (2, 2)
    row = "| changed `models.ops.refresh` | `every 12h` | `every 6h` | 13 -> 27 |"
    assert row in comment.out
    assert "xychart-beta" in comment.out
    assert '<p class="brand"><span>reconcile plan</span> <span>the change against' in page.out
    assert '<span class="status changed">changed</span>' in page.out
    assert "<dt>Before</dt><dd>every 12h</dd></div><div><dt>After</dt><dd>every 6h</dd>" in page.out


def test_each_group_of_a_long_page_keeps_its_heading_and_what_is_frozen(staged: Staging) -> None:
    old = models([f"m{n}" for n in range(2000)], 'refresh = { every = "6h" }\n')
    window = "from = 2026-11-01T00:00:00Z\nuntil = 2026-12-01T00:00:00Z"
    freeze = f'[[freeze]]\nname = "audit"\n{window}\nmatch = ["models.m999.*"]\n'
    changed, rest = old.split("[models.m1000]")
    stage = staged(HEAD + changed.replace("6h", "12h") + "[models.m1000]" + rest + freeze)
    stage.write(HEAD + old + freeze, "old.toml")
    page = stage.run("plan", "--against", "./old.toml", *AT, "--format", "html").out
    assert "Changed (1,000)</th>" in page
    assert "As before (1,000)</th>" in page
    assert page.count('data-status="changed deferred"') == 1
    left = sum(int(number) for number in re.findall("([0-9]+) more items left out", page))
    assert page.count("data-status=") + left == 2_000
    assert 'data-total="2000"' in page


def test_the_exit_code_tells_of_calls_in_every_format(staged: Staging) -> None:
    stage = staged(TEXT)
    for name in ("text", "json", "markdown", "html"):
        assert stage.run("plan", "--format", name, "--detailed-exitcode", *AT).code == 2


BROKEN = TEXT.replace("every", "evry").replace("6h", "six hours", 1)


def test_a_comment_on_a_mistake_names_it_its_place_and_the_fix(
    staged: Staging, snapshot: Snapshot
) -> None:
    stage = staged(TEXT)
    stage.write(TEXT, "old.toml")
    stage.write(BROKEN)
    ended = stage.run("plan", "--against", "./old.toml", "--format", "markdown")
    assert (ended.code, ended.err.count("error[")) == (1, ended.out.count("error["))
    snapshot("comment_broken.md", ended.out)


def test_a_page_on_a_mistake_names_it_its_place_and_the_fix(staged: Staging) -> None:
    stage = staged(TEXT)
    stage.write(TEXT, "old.toml")
    stage.write(BROKEN)
    ended = stage.run("plan", "--against", "./old.toml", "--format", "html")
    assert (ended.code, ended.out[:15]) == (1, "<!doctype html>")
    assert '<h1 class="bad">This change breaks the configuration</h1>' in ended.out
    assert '<title id="tab">This change breaks the configuration - reconcile</title>' in ended.out
    assert re.search(r"<code>reconcile\.toml:\d+:\d+</code>", ended.out)
    assert "<mark>evry</mark>" in ended.out
    assert ended.out.count('<p class="hint"><strong>Fix:</strong> ') == 2


def test_a_mistake_in_the_base_is_none_of_the_change(staged: Staging) -> None:
    stage = staged(TEXT)
    stage.write(BROKEN, "old.toml")
    ended = stage.run("plan", "--against", "./old.toml", "--format", "markdown")
    assert ended.code == 1
    assert ended.out.startswith("<!-- reconcile-plan -->\n### There is no plan of this change: ")


@pytest.mark.parametrize("command", ["plan", "validate"])
def test_annotations_can_be_asked_for_wherever_it_runs(staged: Staging, command: str) -> None:
    stage = staged(TEXT)
    assert "::" not in stage.run(command, "--format", "github").out
    stage.write(BROKEN)
    told = stage.run(command, "--format", "github")
    assert told.code == 1
    assert "\n::error file=reconcile.toml,line=5,col=" in told.err
