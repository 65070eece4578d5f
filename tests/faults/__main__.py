"""Write the page of faults anew: `python -m tests.faults`."""

from tests.faults.page import PAGE, covered, page

PAGE.write_text(page(covered()), encoding="utf-8")
