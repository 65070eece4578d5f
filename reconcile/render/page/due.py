"""What an apply would do, and why."""

from reconcile.render.actions import action_rows
from reconcile.render.layout import Row
from reconcile.render.outline import Outline
from reconcile.render.page.cutting import Room, fitting, left_out_entry
from reconcile.render.page.markup import Markup, address_code, breakable, code, element, joined

_ACTIONS = Room(250_000, 200, "action")
_REQUESTS = Room(200_000, 200, "request")


def due_section(outline: Outline) -> Markup:
    """Return the list of actions, each with its reason, and apart from it the exact requests."""
    rows = [list(action_rows(a, outline.reader, verbose=True)) for a in outline.plan.actions]
    parts = [element("h2", "Due now", id="due")]
    if not rows:
        words = "Everything that was declared is covered or waits."
        return element(
            "section", joined([*parts, element("p", words, class_="quiet")]), aria_labelledby="due"
        )
    requests = [first for first, *_ in rows if len(first.why) > 1]
    listed = fitting(rows, _action, left_out_entry, _ACTIONS)
    parts.append(element("ol", listed, class_="actions"))
    if requests:
        detailed = fitting(requests, _request, left_out_entry, _REQUESTS)
        folded = (element("summary", "Exact requests"), element("ol", detailed, class_="requests"))
        parts.append(element("details", folded))
    return element("section", joined(parts), aria_labelledby="due")


def _action(rows: list[Row]) -> Markup:
    row, *riding = rows
    verb = row.verb.text.strip()
    tag = (element("span", row.tag.text, class_="tag"),) if row.tag.text else ()
    what = element("p", (element("span", verb, class_=f"verb {verb}"), *tag), class_="what")
    about = [element("p", (address_code(row.name),), class_="head")]
    about.append(element("p", breakable(row.why[0]), class_="why"))
    if riding:
        about.append(element("ul", joined(_rider(row) for row in riding), class_="riding"))
    return element("li", (what, element("div", tuple(about))))


def _rider(row: Row) -> Markup:
    return element(
        "li", (address_code(row.name), Markup(" "), element("span", breakable(row.why[0])))
    )


def _request(row: Row) -> Markup:
    request, *details = row.why[1:]
    return element("li", (code(request),), " ".join(f" {detail}" for detail in details))
