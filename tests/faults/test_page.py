"""Every fault of the catalogue has a test or a reason, and the page that says so is fresh."""

from tests.faults.page import PAGE, covered, page, unaccounted


def test_every_fault_has_either_a_test_or_a_reason_why_not() -> None:
    assert unaccounted(covered()) == []


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(covered()), "run: python -m tests.faults"
