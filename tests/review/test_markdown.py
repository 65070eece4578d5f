import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from markdown_it import MarkdownIt

from reconcile.model.address import refresh_address
from reconcile.model.plan import Plan
from reconcile.model.reason import Status
from reconcile.planning.compare import compare
from reconcile.render.plan import approving_command
from reconcile.review.markdown import COMMENT_LIMIT, fitted, marker, shortened, told
from reconcile.review.outline import reviewed
from tests.conftest import Snapshot
from tests.planning.making import HOURS_6, desired, of
from tests.planning.making import refresh as refresh_item
from tests.render.comparisons import NOW, after, comparison
from tests.render.moments import SALES
from tests.render.plans import plan_markdown
from tests.render.samples import morning_standings, plan, refresh, standing, troubled_plan
from tests.render.timelines import timeline_of

HOST = "https://myorg.omniapp.co"


def morning() -> Plan:
    return plan(standings=morning_standings())


def quiet() -> Plan:
    return plan((), morning_standings())


def crowded(number: int = 1200) -> Plan:
    addresses = [refresh_address(f"team_{each:05}") for each in range(number)]
    items = tuple(standing(address, Status.HELD) for address in addresses)
    return plan(tuple(refresh(address) for address in addresses), items)


@pytest.mark.parametrize("make", [morning, quiet, troubled_plan])
def test_a_comment_reads_well(make: Callable[[], Plan], snapshot: Snapshot) -> None:
    planned = make()
    comment = plan_markdown(planned, timeline_of(planned), host=HOST, arguments=("--file", "prod"))
    snapshot(f"comment_{make.__name__}.md", comment)


def test_a_comment_on_a_change_begins_with_its_verdict(snapshot: Snapshot) -> None:
    review = reviewed(comparison(), "origin/main...", "0123456789abcdef")
    comment = plan_markdown(morning(), host=HOST, review=review)
    assert comment.splitlines()[1].startswith("### 2 added, 1 removed, 3 changed")
    snapshot("comment_changes.md", comment)


def test_a_change_of_nothing_says_so() -> None:
    same = compare(after(), after(), of({}), NOW, timedelta(days=7))
    comment = plan_markdown(quiet(), review=reviewed(same, "./old.toml", None))
    assert re.search(r"\n### Nothing changes; \*\*[\d,]+ calls a week, as before\*\*", comment)
    assert "|---|" not in comment
    assert "mermaid" not in comment


def test_of_a_large_change_the_first_items_are_shown_and_the_rest_folded() -> None:
    many = desired(*(refresh_item(f"team_{n:04}", HOURS_6) for n in range(1200)))
    told_of = reviewed(compare(desired(), many, of({}), NOW, timedelta(days=2)), "main", None)
    comment = plan_markdown(quiet(), review=told_of)
    assert len(comment.encode()) <= COMMENT_LIMIT
    assert "### 1,200 added; **0 -> " in comment
    first, _, folded = comment.partition("<details><summary>1,188 more changed</summary>")
    assert first.count("\n| added ") == 12
    assert re.search(r"\n\| \.\.\. 988 more lines left out here \.\.\. \|\n", folded)


def test_the_marker_is_hidden_first_and_one_for_each_host() -> None:
    comment = plan_markdown(morning(), host=HOST)
    assert comment.startswith(marker(HOST) + "\n")
    assert marker(HOST) != marker(None)
    assert marker(HOST).startswith("<!-- reconcile-plan ")


def test_the_command_applies_exactly_this_plan() -> None:
    comment = plan_markdown(morning(), arguments=("--file", "examples/prod"))
    command = f"reconcile apply --file examples/prod --approve {morning().digest}"
    assert f"```sh\n{command}\n```" in comment


@pytest.mark.parametrize("argument", ["a b", "$(reboot)", "models.*", "`x`", "a;b", "--", "é"])
def test_no_command_is_offered_that_a_shell_might_read(argument: str) -> None:
    assert approving_command("sha256:0", ("--select", argument)) is None
    comment = plan_markdown(morning(), arguments=("--select", argument))
    assert "```sh" not in comment
    assert f"`--approve {morning().digest}`" in comment


def test_where_nothing_is_to_do_nothing_is_to_approve() -> None:
    assert "--approve" not in plan_markdown(quiet())


@pytest.mark.fault("Z13")
def test_a_long_comment_loses_its_middle_and_says_how_much() -> None:
    comment = plan_markdown(crowded(), timeline_of(crowded()), host=HOST)
    assert len(comment.encode()) <= COMMENT_LIMIT
    assert "more lines left out here" in comment
    assert "models.team_00000.refresh" in comment
    assert "models.team_01199.refresh" in comment


@pytest.mark.fault("Z13")
def test_what_is_cut_keeps_its_folds_and_fences_whole() -> None:
    html = MarkdownIt("gfm-like").render(plan_markdown(crowded(), timeline_of(crowded())))
    assert html.count("<details>") == html.count("</details>") == 2
    assert html.count("<pre>") == 2


def test_what_is_left_out_is_counted() -> None:
    lines = [f"- {number:04}" for number in range(100)]
    kept = fitted(lines, 1000, at_most=10)
    assert len(kept) == 11
    assert kept[5] == "- ... 90 more lines left out here ..."
    assert [kept[0], kept[-1]] == [lines[0], lines[-1]]
    assert fitted(lines, 1000, at_most=100) == lines
    assert fitted(lines, 10, at_most=100) == ["- ... 100 more lines left out here ..."]


@pytest.mark.fault("Z13")
@pytest.mark.parametrize("escape", [r"\x1b", r"\u202e", r"\U000e0001"])
def test_nothing_is_cut_inside_an_escape(escape: str) -> None:
    text = "ab" + escape * 3
    for limit in range(1, len(text)):
        kept = shortened(text, limit).partition("...(+")[0]
        assert kept.removeprefix("ab").replace(escape, "") in {"", "a"}


def test_sentences_of_ours_stay_prose_and_names_become_code() -> None:
    sentence = "slot 06:00 EST (11:00Z), waits for models.sales.refresh"
    assert told(sentence) == "slot 06:00 EST (11:00Z), waits for `models.sales.refresh`"
    assert told('frozen by "quarter close" until 18:30') == (
        'frozen by `"quarter close"` until 18:30'
    )


@pytest.mark.parametrize("word", ["GH-1", "deadbeef", "@team", "#1", "www.evil", ":tada:", "a_b_"])
def test_a_word_that_a_forge_would_link_becomes_code(word: str) -> None:
    assert told(f"see {word}, then") == f"see `{word}`, then"


def test_a_comment_does_not_need_a_timeline() -> None:
    comment = plan_markdown(plan((refresh(SALES),)))
    assert "mermaid" not in comment
    assert "1 call is due" in comment
