"""A comparison as a reviewer reads it."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.comparison import FieldChange
from reconcile.model.desired import Limits
from reconcile.model.struct import replace
from reconcile.planning.compare import compare
from reconcile.render.documents import encode
from reconcile.render.layout import cells
from reconcile.render.words import Vantage, few, field_lines, rate_text, rates_text
from reconcile.review.text import (
    comparison_document,
    comparison_text,
    plan_difference_json,
    plan_difference_text,
)
from tests.conftest import Snapshot
from tests.planning.making import of
from tests.render.comparisons import (
    NOW,
    after,
    before,
    comparison,
    hostile_comparison,
    plan_difference,
    same_plans,
)
from tests.strategies import examples

HERE = Vantage("UTC", NOW)
HOSTILE = ("\x1b[31m", "\u202egnp", "a\r\n::error::b", "</details>", "@team", "é" * 10_000, "##[x]")


@pytest.mark.parametrize("width", [100, 80, 40])
def test_a_change_is_told_names_first(snapshot: Snapshot, width: int) -> None:
    text = comparison_text(comparison(), "origin/main", width=width, colour=False)
    snapshot(f"comparison-{width}.txt", text)


def test_a_change_is_told_in_json(snapshot: Snapshot) -> None:
    snapshot("comparison.json", encode(comparison_document(comparison(), "origin/main")))


def test_colour_changes_nothing_but_colour() -> None:
    plain = comparison_text(comparison(), "main", width=100, colour=False)
    coloured = comparison_text(comparison(), "main", width=100, colour=True)
    assert "\x1b[" in coloured
    for code in ("1", "2", "31", "32", "33", "0"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == plain


def test_no_change_is_one_line() -> None:
    same = compare(after(), after(), of({}), NOW, timedelta(days=7))
    text = comparison_text(same, "main", width=100, colour=False)
    assert text.startswith("Against main: nothing changes · 7 unchanged")
    assert text.count("\n") == 1


def test_a_change_that_leaves_all_calls_alone_says_so() -> None:
    limited = replace(before(), limits=Limits(calls=5))
    told = compare(before(), limited, of({}), NOW, timedelta(days=2))
    text = comparison_text(told, "main", width=100, colour=False)
    assert "limits  calls none -> 5\nThe calls of the next 2d stay the same.\n" in text


@pytest.mark.fault("Z10", "Z14")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_names(name: str) -> None:
    text = comparison_text(hostile_comparison(name), name, width=80, colour=False)
    assert all(character.isprintable() or character == "\n" for character in text)
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert "##[" not in text
    assert len(text) < 20_000
    document = encode(comparison_document(hostile_comparison(name), name))
    assert document.isascii()
    assert json.loads(document)["reference"] == name


@examples(25)
@given(st.integers(20, 120))
def test_every_line_fits_or_holds_a_single_word(width: int) -> None:
    text = comparison_text(comparison(), "main", width=width, colour=False)
    for line in text.splitlines():
        assert cells(line) <= max(width, 45)
        assert line == line.rstrip()


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (frozenset({"a"}), frozenset({"b"}), "tables a -> b"),
        (frozenset({"a", "b"}), frozenset({"b", "c", "d"}), "tables +c, d; -a"),
        (frozenset({"a", "b", "c", "d"}), frozenset(), "tables a, b, c and 1 more -> none"),
    ],
)
def test_a_long_list_tells_what_it_gained_and_lost(
    before: frozenset[str], after: frozenset[str], told: str
) -> None:
    gained, lost = (tuple(sorted(part)) for part in (after - before, before - after))
    (line,) = field_lines([FieldChange("tables", before, after, gained, lost)], HERE)
    assert line == told


def test_another_form_of_cadence_is_one_change() -> None:
    every = FieldChange("every", "6h", None)
    at = FieldChange("at", None, frozenset({"06:00"}))
    days = FieldChange("days", None, ("mon", "tue", "wed", "sat"))
    assert list(field_lines([every, at, days], HERE)) == ["every 6h -> at 06:00, days mon-wed, sat"]


def test_rates_leave_out_the_days_at_the_edges() -> None:
    assert rate_text((3, 4, 4, 9)) == "4 a day"
    assert rates_text((3, 4, 4, 9), (0, 1, 2, 0)) == "4 -> 1 to 2 a day"
    assert rate_text((3, 4)) == "7 times"
    assert rates_text((1, 1), (4, 4)) == "2 -> 8 times"


def test_few_words_are_counted_past_the_third() -> None:
    assert few(["a", "b", "c", "d"]) == "a, b, c and 1 more"


@pytest.mark.parametrize("width", [100, 60])
def test_two_plans_are_told_apart(snapshot: Snapshot, width: int) -> None:
    text = plan_difference_text(plan_difference(), width=width, colour=False)
    snapshot(f"plan-difference-{width}.txt", text)


def test_two_plans_are_told_apart_in_json(snapshot: Snapshot) -> None:
    snapshot("plan-difference.json", plan_difference_json(plan_difference()))


def test_equal_plans_say_that_one_approval_holds_for_both() -> None:
    text = plan_difference_text(same_plans(), width=100, colour=False)
    assert text.startswith("The same calls · 4 unchanged\n")
    assert "an approval of one holds for the other" in text
