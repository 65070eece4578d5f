"""What an apply would do, and why."""

from collections.abc import Iterator

from reconcile.model.plan import Action
from reconcile.render.actions import action_rows
from reconcile.render.layout import Row
from reconcile.render.outline import Outline
from reconcile.render.page.cutting import fitting, left_out_entry
from reconcile.render.page.markup import Markup, code, element, joined

_ROOM = 300_000
_AT_MOST = 200


def due_section(outline: Outline) -> Markup:
    """Return the list of actions, each with its reason and its exact request."""
    actions = [_action(action, outline) for action in outline.plan.actions]
    listed: tuple[Markup, ...] = (
        element(
            "ol", fitting(actions, left_out_entry, "action", _ROOM, _AT_MOST), class_="actions"
        ),
    )
    if not actions:
        listed = (
            element("p", "Everything that was declared is covered or waits.", class_="quiet"),
        )
    return element(
        "section",
        joined([element("h2", "Due now", id="due"), *listed]),
        aria_labelledby="due",
    )


def _action(action: Action, outline: Outline) -> Markup:
    first, *riding = action_rows(action, outline.reader, verbose=True)
    return element("li", joined(_parts(first, riding)), class_="action")


def _parts(row: Row, riding: list[Row]) -> Iterator[Markup]:
    verb = row.verb.text.strip()
    head = [element("span", verb, class_=f"verb {verb}"), code(row.name)]
    if row.tag.text:
        head.append(element("span", row.tag.text, class_="tag"))
    yield element("p", joined(head), class_="head")
    why, *details = row.why or ("",)
    yield element("p", why, class_="why")
    if riding:
        items = (
            element("li", (code(row.name), Markup(" "), element("span", *row.why, class_="why")))
            for row in riding
        )
        yield element("ul", joined(items), class_="riding")
    yield from (element("p", detail, class_="request") for detail in details)
