"""Lines of text as a page."""

from reconcile.render.page.changes import lines_section
from reconcile.render.page.frame import framed
from reconcile.render.page.markup import element, joined
from reconcile.render.told import Told


def told_html(document: Told) -> str:
    """Return the document as one page of ASCII, under 2 MB, that makes no request."""
    masthead = element(
        "header",
        joined(
            [
                element("p", f"reconcile {document.subject}", class_="brand"),
                element("h1", document.headline),
            ]
        ),
    )
    told = [passage for passage in document.passages if passage.lines]
    sections = (
        lines_section(passage.heading, passage.lines, changes=passage.changes) for passage in told
    )
    return framed(document.headline, masthead, sections)
